"""Pauses everything, or lifts the pause; afterwards it looks whether that is true, and says where it is not."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from time import monotonic, sleep

import psycopg

from handover.config.config import Config
from handover.errors import HandoverError, Refused
from handover.journal.copy import JournalCopy
from handover.journal.entry import JournalEntry, new_entry
from handover.journal.journal import Journal, JournalError, last_pause, opened
from handover.journal.lease import PAUSE_CHANNEL, LeaseHolder, holder, holder_here
from handover.journal.processes import RunningProcess, running, stop, wait_until_gone
from handover.journal.seal import PAUSE
from handover.runs.context import require_copy
from handover.runs.position import StreamPosition, fold
from handover.wording import one_line

# A process that was signalled first ends what it waits for; a holder elsewhere looks for a pause twice a second.
STOPS_WITHIN_S, HEARD_WITHIN_S = 10.0, 5.0
LOOK_EVERY_S = 0.05
JOURNAL, COPY, HERE, ELSEWHERE = "the journal", "this machine's copy", "running here", "other folders and machines"


@dataclass(frozen=True)
class PausedPart:
    """One thing that a pause has to reach: its ``name``, whether it ``is_paused``, and how that is known, in words."""

    name: str
    is_paused: bool
    text: str

    def __str__(self) -> str:
        return f"{self.name}: {self.text}" if self.is_paused else f"{self.name}: NOT paused. {self.text}"


class NotLiftedError(HandoverError):
    """A pause was lifted, and holds all the same."""

    code = "HO507"


def _is(name: str, text: str) -> PausedPart:
    return PausedPart(name, is_paused=True, text=text)


def _not(name: str, text: str) -> PausedPart:
    return PausedPart(name, is_paused=False, text=text)


def pause_everything(config: Config, because: str) -> tuple[PausedPart, ...]:
    """Pause everything; return what is paused and what is not, as it was seen afterwards.

    Parameters
    ----------
    config, because
        The pair, and the reason that the journal keeps.
    """
    signalled = stop(config.root)  # first: that needs no database
    troubles = write_pause(config, because)
    stopped = _processes(config, signalled)
    journal, paused_there = _journal(config, troubles)
    return journal, _copy(config, troubles), stopped, _elsewhere(config, paused_there=paused_there)


def write_pause(config: Config, because: str) -> list[str]:
    """Write the pause wherever it can be written, and notify commands elsewhere; return what went wrong.

    Parameters
    ----------
    config, because
        The pair, and the reason that the journal keeps.
    """
    troubles: list[str] = []
    with ExitStack() as stack:
        try:
            journal = stack.enter_context(opened(config))
        except (HandoverError, psycopg.Error) as error:
            return [one_line(str(error))]
        if _added(journal, {"because": because}, troubles):
            troubles.append(_trouble_of(lambda: journal.connection().execute(f"NOTIFY {PAUSE_CHANNEL}")))
    return [one for one in dict.fromkeys(troubles) if one]


def _added(journal: Journal, body: Mapping[str, str], troubles: list[str]) -> bool:
    """Add the pause to the database and the copy, or to the one that takes it; say whether the database has it."""
    if journal.trouble:  # not asked again: each time may take seconds
        troubles += [_trouble_of(lambda: journal.copy.add(new_entry(PAUSE, body))), one_line(journal.trouble)]
        return False
    trouble = _trouble_of(lambda: journal.add(PAUSE, body))
    if not trouble:
        return True
    # The copy cannot be read, or entries of the database cannot be compared: others must hear of it all the same.
    try:
        stored = journal.add_pause(body)
    except (HandoverError, psycopg.Error):
        troubles += [trouble, _trouble_of(lambda: journal.copy.add(new_entry(PAUSE, body)))]
        return False
    troubles += [trouble, _trouble_of(lambda: journal.copy.add(*stored))]
    return True


def _trouble_of(work: Callable[[], object]) -> str:
    """Do something; return what went wrong, empty when nothing did."""
    try:
        work()
    except (HandoverError, OSError, psycopg.Error) as error:
        return one_line(str(error))
    return ""


def _journal(config: Config, troubles: list[str]) -> tuple[PausedPart, bool]:
    """Return whether the journal's database says, in a new session, that everything is paused."""
    try:
        with opened(config) as journal:
            if journal.trouble:
                return _not(JOURNAL, one_line(journal.trouble)), False
            found = last_pause(journal.connection())
    except (HandoverError, psycopg.Error) as error:
        return _not(JOURNAL, one_line(str(error))), False
    if not found:
        return _not(JOURNAL, "; ".join(troubles) or "its database does not have the pause."), False
    return _is(JOURNAL, f"{found}; every command that acts looks there before each step"), True


def _copy(config: Config, troubles: list[str]) -> PausedPart:
    """Return whether the copy of this folder says it; it counts while the database does not answer."""
    try:
        entries = JournalCopy(config.root).entries()
    except (HandoverError, OSError) as error:
        return _not(COPY, one_line(str(error)))
    by = fold(StreamPosition(), entries).paused
    if by is None:
        return _not(COPY, "; ".join(troubles) or "it does not have the pause.")
    return _is(COPY, _by(by))


def _by(entry: JournalEntry) -> str:
    return f"paused by {entry.who} on {entry.machine} since {entry.at:%F %T %Z}"


def _processes(config: Config, signalled: list[RunningProcess]) -> PausedPart:
    """Wait until no process of the toolkit runs in this folder; name those that do not end."""
    try:
        left = wait_until_gone(config.root, STOPS_WITHIN_S)
    except (HandoverError, OSError) as error:
        return _not(HERE, one_line(str(error)))
    if left:
        names = ", ".join(map(_process, left))
        kill = " ".join(["kill -9", *(str(one.pid) for one in left)])
        return _not(HERE, f"{names} did not end within {STOPS_WITHIN_S:g} s. End what it waits for: {kill}")
    measuring = [one for one in running(config.root) if not one.acts]
    on = f" {', '.join(map(_process, measuring))} runs on: it only measures." if measuring else ""
    if not signalled:
        return _is(HERE, f"no process of the toolkit that acts.{on}" if on else "no process of the toolkit")
    ended = next((one.command for one in signalled if one.command == "verify --follow"), "")
    again = f" Start it again after the pause: handover {ended}." if ended else ""
    return _is(HERE, f"stopped {', '.join(map(_process, signalled))}.{again}{on}")


def _process(one: RunningProcess) -> str:
    return f"`{one.command}` of {one.who}, pid {one.pid}"


def _elsewhere(config: Config, *, paused_there: bool) -> PausedPart:
    """Wait until no other folder holds the lease; without the database nothing is known of others."""
    if not paused_there:
        unknown = "Unknown: without the pause in the database they do not hear of it, and go on. Pause there as well."
        return _not(ELSEWHERE, unknown)
    try:
        with opened(config) as journal:
            left = _holder_elsewhere(config, journal)
    except (HandoverError, psycopg.Error) as error:
        return _not(ELSEWHERE, f"Unknown: {one_line(str(error))}")
    if left:
        told = "It was told, and stops before its next step. Look again: handover status"
        return _not(ELSEWHERE, f"{left} is still at work. {told}")
    rest = "`load`, `prove`, `backup` and other commands without the lease are not told there"
    return _is(ELSEWHERE, f"no command holds the lease; {rest}")


def _holder_elsewhere(config: Config, journal: Journal) -> LeaseHolder | None:
    deadline = monotonic() + HEARD_WITHIN_S
    while True:
        found = holder(journal.connection())
        if found is None or holder_here(config, found):
            return None
        if monotonic() > deadline:
            return found
        sleep(LOOK_EVERY_S)


def lift_pause(config: Config, because: str, *, copy_alone: bool, say: Callable[[str], None]) -> None:
    """Let commands act again; afterwards look whether they may.

    Parameters
    ----------
    config, because
        The pair, and the reason that the journal keeps.
    copy_alone
        The database is down: the pause is lifted for commands with ``--copy-alone`` of this folder.
    say
        Receives a line of progress.

    Raises
    ------
    Refused
        Nothing is paused.
    JournalError
        The database does not answer, and ``copy_alone`` was not chosen.
    NotLiftedError
        Something is still paused.
    """
    with opened(config, copy_alone=copy_alone) as journal:
        if copy_alone:
            require_copy(journal)
        else:
            _bring_over(journal, say)
        if fold(StreamPosition(), journal.entries()).paused is None:
            raise Refused("nothing is paused.", code="HO507")
        journal.add("lift", {"because": because})
    with opened(config, copy_alone=copy_alone) as journal:
        left = fold(StreamPosition(), journal.entries()).paused
    if left is not None:
        raise NotLiftedError(f"another pause holds: {_by(left)}. Talk to them; then run again: handover pause --lift")


def _bring_over(journal: Journal, say: Callable[[str], None]) -> None:
    """Bring over what only the copy has: a pause among it would hold again after the lift."""
    try:
        journal.connection()
    except JournalError as error:
        alone = "To let this folder alone act without its database: handover pause --lift --copy-alone"
        raise JournalError(f"the pause was not lifted: {error.args[0]} {alone}") from error
    for entry in journal.catch_up():
        say(f"the database lacked the entry {entry.kind} of {entry.who} at {entry.at:%H:%M:%S}; it is there now")
