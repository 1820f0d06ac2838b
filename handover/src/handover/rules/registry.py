"""Every rule by its code."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from handover.finding import Finding
from handover.schema.subject import Subject

Look = Callable[[Subject], Iterator[Finding]]


@dataclass(frozen=True)
class Rule:
    """One thing that is looked at.

    Attributes
    ----------
    code
        Of every finding it yields.
    title
        What must hold, a few words.
    noun
        The module it stands in, which is the group it is shown in.
    adoption
        Whether an adoption is refused when it finds something.
    look
        Yields what it finds.
    """

    code: str
    title: str
    noun: str
    adoption: bool
    look: Look


RULES: dict[str, Rule] = {}


def rule(code: str, title: str, *, adoption: bool = False) -> Callable[[Look], Look]:
    """Register a function as the rule with this code."""

    def register(look: Look) -> Look:
        if code in RULES:
            raise ValueError(f"{code} is {RULES[code].title!r} already; a code has one rule.")
        RULES[code] = Rule(code, title, look.__module__.rpartition(".")[2].replace("_", " "), adoption, look)
        return look

    return register
