"""The proof's way through the accounts: what was counted, and what was found."""

from collections import Counter
from dataclasses import dataclass, field

from handover.finding import Finding
from handover.proof.actor import Actor
from handover.proof.outcome import Failure
from handover.proof.venue import Venue
from handover.side import Side


@dataclass
class Account:
    """An account that one system registered."""

    key: object
    password: str
    group: str
    hash: str
    typed: dict[str, str]
    given: dict[str, object]
    active: bool
    related: list[list[object]]

    @property
    def login(self) -> str:
        """What is typed to log in on both, once that is known; until then the first that may be."""
        return next(iter(self.typed.values()), "")


@dataclass
class Identity:
    """The proof's way through: what was counted, and what was found."""

    venue: Venue
    both: dict[Side, Actor]
    counts: Counter[str] = field(
        default_factory=lambda: Counter(dict.fromkeys(("accounts", "logins", "refusals", "sessions", "permissions"), 0))
    )
    failures: list[Failure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Take down what a reader should know, once."""
        if text not in self.notes:
            self.notes.append(text)

    def tell(
        self, code: str, where: str, found: str, expected: str, todo: str, hurts: Side, lines: tuple[str, ...] = ()
    ) -> None:
        """Take down a failure, once a place."""
        finding = Finding(
            code=code, where=where, found=found, expected=expected, todo="\n".join((todo, *lines)), hurts=hurts
        )
        if all((f.finding.code, f.finding.where, f.finding.found) != (code, where, found) for f in self.failures):
            self.failures.append(Failure(finding, lines))
