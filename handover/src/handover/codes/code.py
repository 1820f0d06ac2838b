"""A code of a finding: which command finds it, and the page that explains it."""

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import wraps
from typing import Literal, ParamSpec

from handover.finding import Finding, Observation

P = ParamSpec("P")
# A heading as numpy docstrings have it.
UNDERLINED = re.compile(r"^(.+)\n-{3,}$", re.MULTILINE)
# How much of a finding's text is a number of rows, which changes every day: nothing, a part of it, or all of it.
Counts = Literal["nothing", "rows among words", "only rows"]


class Source(StrEnum):
    """What finds it: the values are what its findings are called in the reference."""

    CHECK = "Models, settings and the catalog"
    CENSUS = "Live rows"
    ADOPT = "Adoption"
    PROVE = "Proofs"
    SHADOW = "Shadowed reads"

    @property
    def command(self) -> str:
        """The command that finds it."""
        commands = {Source.ADOPT: "adopt", Source.PROVE: "prove", Source.SHADOW: "shadow"}
        return f"handover {commands.get(self, 'check')}"

    @property
    def accepts(self) -> bool:
        """Whether ``handover contract accept`` can look for it."""
        return self in (Source.CHECK, Source.CENSUS, Source.PROVE)


@dataclass(frozen=True, kw_only=True)
class FindingCode:
    """A code, and what is known of every finding that has it.

    Attributes
    ----------
    name
        ``HO`` and three digits.
    source
        What finds it.
    noun
        The group that it is shown in.
    text
        Its page: what must hold, in one line; then sections. A rule's own docstring.
    counts
        How much of its text is a number of rows. The contract leaves such numbers out when a finding is accepted.
    adoption
        Whether an adoption is refused when it is found.
    """

    name: str
    source: Source
    noun: str
    text: str
    counts: Counts = "nothing"
    adoption: bool = False

    @property
    def accepts(self) -> bool:
        """Whether it can be accepted; what a proof needs before it begins ends the command instead."""
        return self.source.accepts and self.noun != "pair"

    @property
    def title(self) -> str:
        """What must hold, a few words."""
        return self.text.partition("\n")[0].rstrip(".") or self.name

    @property
    def markdown(self) -> str:
        """Its page: the title, then a heading for each section."""
        _, _, sections = self.text.partition("\n")
        return f"# {self.name}: {self.title}\n" + UNDERLINED.sub(r"## \1\n", sections) + "\n"


CODES: dict[str, FindingCode] = {}


def declare(code: FindingCode) -> FindingCode:
    """Put a code into the catalogue.

    Raises
    ------
    ValueError
        The code is taken.
    """
    if code.name in CODES:
        raise ValueError(f"{code.name} is {CODES[code.name].title!r} already; a code has one meaning.")
    CODES[code.name] = code
    return code


def page(name: str, source: Source, noun: str, text: str, *, counts: Counts = "nothing") -> FindingCode:
    """Declare a code of findings that no single function makes, with its page.

    Parameters
    ----------
    name
        The code, for example ``HO003``.
    source
        The part of the toolkit that finds it.
    noun
        The group that it is shown in.
    text
        The page.
    counts
        What its findings count.
    """
    return declare(FindingCode(name=name, source=source, noun=noun, text=inspect.cleandoc(text), counts=counts))


def text_of(function: Callable[P, object]) -> str:
    """Return a function's docstring without its indentation; nothing where Python dropped it (``-OO``)."""
    return inspect.getdoc(function) or ""


def stamped(code: FindingCode, observations: Iterator[Observation]) -> Iterator[Finding]:
    """Yield what was observed as findings that have this code."""
    return (Finding(code=code.name, **vars(observation)) for observation in observations)


def finds(
    name: str, source: Source, noun: str, *, counts: Counts = "nothing"
) -> Callable[[Callable[P, Iterator[Observation]]], Callable[P, Iterator[Finding]]]:
    """Declare the code of everything that a function observes; its docstring is the page.

    Parameters
    ----------
    name
        The code, for example ``HO003``.
    source
        The part of the toolkit that finds it.
    noun
        The group that it is shown in.
    counts
        What its findings count.
    """

    def register(function: Callable[P, Iterator[Observation]]) -> Callable[P, Iterator[Finding]]:
        code = declare(FindingCode(name=name, source=source, noun=noun, text=text_of(function), counts=counts))

        @wraps(function)
        def finding(*args: P.args, **kwargs: P.kwargs) -> Iterator[Finding]:
            return stamped(code, function(*args, **kwargs))

        return finding

    return register
