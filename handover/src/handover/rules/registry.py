"""Every rule by its code."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from handover.codes.code import FindingCode, Source, declare, stamped, text_of
from handover.finding import Finding, Observation
from handover.schema.subject import Subject

Observe = Callable[[Subject], Iterator[Observation]]


@dataclass(frozen=True)
class CheckRule:
    """One thing that must hold.

    Attributes
    ----------
    code
        Of every finding of the rule.
    observe
        Yields what does not hold. It does not know its code, so it cannot use a wrong one.
    """

    code: FindingCode
    observe: Observe

    def findings(self, subject: Subject) -> Iterator[Finding]:
        """Yield what does not hold, with the rule's code."""
        return stamped(self.code, self.observe(subject))


RULES: dict[str, CheckRule] = {}


def rule(name: str, *, adoption: bool = False) -> Callable[[Observe], Observe]:
    """Register a function as the rule with this code; its docstring is the page of its findings.

    Parameters
    ----------
    name
        The code.
    adoption
        Whether an adoption is refused when the rule finds something.
    """

    def register(observe: Observe) -> Observe:
        noun = observe.__module__.rpartition(".")[2].replace("_", " ")
        code = FindingCode(name=name, source=Source.CHECK, noun=noun, text=text_of(observe), adoption=adoption)
        RULES[name] = CheckRule(declare(code), observe)
        return observe

    return register
