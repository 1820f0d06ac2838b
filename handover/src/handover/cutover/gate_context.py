"""What a gate is judged by: the pair, the journal, the database's time, the plan, the shape of the schema."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from handover.config.config import Config, database_url
from handover.cutover.attempt import EndedAttempt, attempt_of, ended_attempts
from handover.cutover.plan import CutoverPlan
from handover.journal.entry import JournalEntry
from handover.journal.journal import Journal
from handover.runs.position import of_stream
from handover.schema import catalog
from handover.schema.fingerprint import fingerprint


@dataclass(frozen=True)
class GateResult:
    """What a gate found.

    Attributes
    ----------
    ok, found, todo
        Whether it is green, what was seen, and what to do when it is not green.
    attempt
        Which attempt of the move the evidence was made for; None where none was read.
    signatures
        Of sign-offs: by role, why its signature does not count; empty where it does.
    """

    ok: bool
    found: str
    todo: str = ""
    attempt: int | None = None
    signatures: Mapping[str, str] = field(default_factory=dict)


@dataclass
class GateContext:
    """What every gate is judged by.

    Attributes
    ----------
    config, journal, entries
        The pair, its journal, and the journal's entries of the move.
    now
        The time by the database's clock.
    plan
        The plan that is to be applied, or None.
    """

    config: Config
    journal: Journal
    entries: list[JournalEntry]
    now: datetime
    plan: CutoverPlan | None

    @cached_property
    def ended_attempts(self) -> list[EndedAttempt]:
        """The attempts that ended with a rollback, oldest first."""
        return ended_attempts(self.entries)

    @property
    def attempt(self) -> int:
        """The number of the present attempt."""
        return attempt_of(self.entries)

    @cached_property
    def fingerprint(self) -> str:
        """The shape of the schema as it is now."""
        with catalog.snapshot(database_url(self.config)) as connection:
            return fingerprint(catalog.read_catalog(connection))

    def latest(self, kind: str, **body: str) -> JournalEntry | None:
        """Return the newest entry of a kind whose body has these values."""
        found = (e for e in reversed(self.entries) if e.kind == kind)
        return next((e for e in found if all(e.body.get(k) == v for k, v in body.items())), None)


def gate_context(config: Config, journal: Journal, plan: CutoverPlan | None) -> GateContext:
    """Return what every gate is judged by, as it is now.

    Parameters
    ----------
    config, journal
        The pair and its journal.
    plan
        The plan that is to be applied, or None.

    Raises
    ------
    JournalError
        The journal's database does not answer, so no age is known.
    """
    return GateContext(config, journal, list(of_stream(journal.entries())), journal.now(), plan)
