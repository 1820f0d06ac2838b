"""The state of the identity proof: its accounts, its counts and its failures."""

from collections import Counter
from dataclasses import dataclass, field

from handover.finding import Finding
from handover.proof.actor import Actor
from handover.proof.outcome import Failure
from handover.proof.target import ProofTarget
from handover.side import Side


@dataclass
class ProofAccount:
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
        """The text that logs in on both systems; until that is known, the first candidate."""
        return next(iter(self.typed.values()), "")


@dataclass
class Identity:
    """The state of one run: both systems, what was counted, and what was found."""

    target: ProofTarget
    both: dict[Side, Actor]
    counts: Counter[str] = field(
        default_factory=lambda: Counter(dict.fromkeys(("accounts", "logins", "refusals", "sessions", "permissions"), 0))
    )
    failures: list[Failure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Add a note, once."""
        if text not in self.notes:
            self.notes.append(text)

    def add_failure(
        self, code: str, where: str, found: str, expected: str, todo: str, hurts: Side, lines: tuple[str, ...] = ()
    ) -> None:
        """Add a failure, once for each place.

        Parameters
        ----------
        code, where, found, expected, todo, hurts
            As in :class:`handover.finding.Finding`.
        lines
            Lines that show it again.
        """
        finding = Finding(
            code=code, where=where, found=found, expected=expected, todo="\n".join((todo, *lines)), hurts=hurts
        )
        if all((f.finding.code, f.finding.where, f.finding.found) != (code, where, found) for f in self.failures):
            self.failures.append(Failure(finding, lines))
