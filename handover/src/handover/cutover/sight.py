"""What a gate looks at: the pair, the journal, the database's time, the plan, the shape of the schema."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from handover.config.config import Config, database_url
from handover.journal.entry import Entry
from handover.journal.journal import Journal
from handover.schema import catalog
from handover.schema.fingerprint import fingerprint


@dataclass(frozen=True)
class Seen:
    """What a gate sees: ``ok``, in words, and what to do when it is not."""

    ok: bool
    found: str
    todo: str = ""


@dataclass
class Sight:
    """Where a gate looks from.

    Attributes
    ----------
    entries
        The journal's.
    now
        By the database's clock.
    plan
        That is to be applied, or None.
    """

    config: Config
    journal: Journal
    entries: list[Entry]
    now: datetime
    plan: Mapping[str, Any] | None

    @cached_property
    def fingerprint(self) -> str:
        """The shape of the schema as it is now."""
        with catalog.snapshot(database_url(self.config)) as connection:
            return fingerprint(catalog.read(connection))

    def latest(self, kind: str, **body: str) -> Entry | None:
        """Return the newest entry of a kind whose body has these values."""
        found = (e for e in reversed(self.entries) if e.kind == kind)
        return next((e for e in found if all(e.body.get(k) == v for k, v in body.items())), None)


def sight(config: Config, journal: Journal, plan: Mapping[str, Any] | None) -> Sight:
    """Look from here and now.

    Raises
    ------
    JournalError
        The journal's database does not answer, so no age is known.
    """
    return Sight(config, journal, journal.entries(), journal.now(), plan)
