"""The commands with actions by name, and going on with or back from one that was interrupted."""

from handover.cutover.begin import BEGIN
from handover.cutover.cleanup import CLEANUP
from handover.cutover.position import Position
from handover.cutover.rollback import ROLLBACK
from handover.cutover.run import Command, Night, begin, go_on, settled
from handover.cutover.states import BACK, MEANINGS
from handover.cutover.switch import CUTOVER
from handover.cutover.zone import WRITE
from handover.errors import Refused

COMMANDS: dict[str, Command] = {c.name: c for c in (BEGIN, CUTOVER, ROLLBACK, CLEANUP)}


def resume(night: Night) -> Position:
    """Go on with what was interrupted; nothing to do when nothing was.

    Raises
    ------
    Refused
        What the command needs does not hold any more.
    """
    position = settled(night)
    if position.run is None:
        return position
    return go_on(night, COMMANDS[position.run.command], position.run)


def back(night: Night, because: str) -> Position:
    """Go back from what was interrupted.

    Raises
    ------
    Refused
        There is nothing to go back from, or no way back.
    """
    position = settled(night)
    run = position.run
    if run is not None and position.state == "rolling_back":
        return _stay(night, position)
    if run is None or position.state not in BACK:
        now = MEANINGS[position.state].now
        raise Refused(f"the state is {position.state}: {now}. Nothing is under way to go back from.", code="HO509")
    if BACK[position.state] == "rollback":
        return begin(night, ROLLBACK, {"because": because, "decided_at": night.journal.now().isoformat()})
    return end(night, because)


def end(night: Night, because: str) -> Position:
    """End parallel operation: the record gets its former TTL again, the state is that of the beginning."""
    raise NotImplementedError


def _stay(night: Night, position: Position) -> Position:
    run = position.run
    assert run is not None  # noqa: S101 - the caller has looked
    source = str(run.facts["source"])
    if WRITE in run.done or run.begun == WRITE or source == "switching":
        message = "the way back has begun to move people; it is finished, not undone."
        raise Refused(f"{message} Go on: handover resume. Then cut over again.", code="HO509")
    night.journal.add("state", {"source": position.state, "target": source, "because": "the way back was given up"})
    return night.position()
