"""A person confirms that a switch stays; where that is declared, people go back by themselves without it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from handover.config.config import Config
from handover.cutover.position import position_of
from handover.errors import Refused
from handover.journal.entry import JournalEntry
from handover.runs.position import of_stream

CONFIRMATION = "confirmation"


@dataclass(frozen=True)
class Switch:
    """A cut-over that was performed to its end: the identity of its run, when it began and when it ended."""

    run: str
    began: datetime
    ended: datetime


def last_switch(entries: Sequence[JournalEntry]) -> Switch:
    """Return the last switch.

    Raises
    ------
    Refused
        People were never moved.
    """
    runs = {e.body["run"]: e.at for e in of_stream(entries) if e.kind == "run" and e.body["command"] == "cutover"}
    ends = [e for e in of_stream(entries) if e.kind == "ended" and e.body["run"] in runs]
    if not ends:
        raise Refused("people were not moved to the backend yet; there is nothing to verify.", code="HO595")
    run = ends[-1].body["run"]
    return Switch(run, runs[run], ends[-1].at)


def confirmation(entries: Sequence[JournalEntry]) -> JournalEntry | None:
    """Return the entry that confirms the last switch; None when it is not confirmed."""
    run = last_switch(entries).run
    return next((e for e in entries if e.kind == CONFIRMATION and e.body["run"] == run), None)


def confirmation_body(entries: Sequence[JournalEntry], because: str, seen: str) -> dict[str, Any]:
    """Return what the journal keeps of a confirmation.

    Parameters
    ----------
    entries
        Of the journal.
    because, seen
        Why it stays, and what the watch says.
    """
    return {"run": last_switch(entries).run, "because": because, "seen": seen}


def goes_back_at(config: Config, entries: Sequence[JournalEntry]) -> datetime | None:
    """Return when people go back by themselves; None when they do not, or the switch is confirmed."""
    limit = config.verify.confirm_within_s
    if limit is None or position_of(entries).state != "switched" or confirmation(entries) is not None:
        return None
    return last_switch(entries).ended + timedelta(seconds=limit)


def overdue(config: Config, entries: Sequence[JournalEntry], now: datetime) -> str:
    """Return why people go back now; empty when they do not.

    Parameters
    ----------
    config, entries
        The pair, and the entries of its journal.
    now
        The time by the clock of the journal's database.
    """
    at = goes_back_at(config, entries)
    if at is None or now < at:
        return ""
    ended = last_switch(entries).ended
    return f"the switch of {ended:%F %T %Z} was not confirmed within {config.verify.confirm_within_s:g} s"
