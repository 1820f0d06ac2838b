"""Steps that the journal has as done and the database does not: it was set back to a moment before them.

A standby that lagged took over, or a backup was restored; the copy of the journal on this machine knows more then.
"""

from collections.abc import Sequence
from dataclasses import replace

from handover.config.config import Config
from handover.errors import Refused
from handover.evolve.marks import marked
from handover.evolve.position import begun_evolutions, newest_run, plan_of
from handover.evolve.session import open_session
from handover.evolve.statement import PARTS, action_name
from handover.journal.entry import JournalEntry
from handover.runs.position import CommandRun
from handover.wording import counted

LOST = "HO674"
# The evidence of a step that needed no statement, so that it has no mark.
NOT_SWITCHED = {"note": "the names were not switched, so there is nothing to switch back"}


def lost_steps(config: Config, entries: Sequence[JournalEntry], name: str) -> tuple[str, ...]:
    """Return the steps of an evolution's newest command that are done by the journal and not in the database.

    Parameters
    ----------
    config, entries, name
        The pair, all entries of the journal, and the evolution.
    """
    run = newest_run(entries, name)
    if run is None or not run.done:
        return ()
    plan = plan_of(entries, name)
    steps = {action_name(part, step) for part in PARTS for step in plan.part(part)}
    with open_session(config) as connection:
        there = marked(connection, config.journal.role, name, run.id)
    done = (action for action, evidence in run.done.items() if evidence != NOT_SWITCHED)
    return tuple(action for action in done if action in steps - there)


def run_to_repeat(config: Config, entries: Sequence[JournalEntry], name: str) -> CommandRun | None:
    """Return the newest command of an evolution with its lost steps as not done; None when none is lost.

    Parameters
    ----------
    config, entries, name
        The pair, all entries of the journal, and the evolution.
    """
    lost, run = lost_steps(config, entries, name), newest_run(entries, name)
    if run is None or not lost:
        return None
    return replace(run, done={action: evidence for action, evidence in run.done.items() if action not in lost})


def evolution_with_lost_steps(config: Config, entries: Sequence[JournalEntry]) -> str | None:
    """Return the evolution whose newest command lost steps, or None."""
    return next((name for name in begun_evolutions(entries) if lost_steps(config, entries, name)), None)


def require_no_lost_steps(config: Config, entries: Sequence[JournalEntry], name: str) -> None:
    """Raise when the database was set back to before steps that are done by the journal.

    Parameters
    ----------
    config, entries, name
        The pair, all entries of the journal, and the evolution.

    Raises
    ------
    Refused
        Names them.
    """
    lost = lost_steps(config, entries, name)
    if lost:
        what = f"the database does not have {counted(len(lost), 'step')} of {name} that the journal has as done"
        why = "It was set back: a standby that lagged took over, or a backup was restored. Nothing was changed."
        todo = "Do them again: handover resume"
        raise Refused(f"{what}: {'; '.join(lost)}. {why} {todo}", code=LOST)
