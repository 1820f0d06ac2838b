"""The commands with actions by name, and going on with or back from one that was interrupted."""

from handover.config.config import Config
from handover.cutover.begin import BEGIN, END
from handover.cutover.cleanup import cleanup
from handover.cutover.position import Position
from handover.cutover.rollback import ROLLBACK
from handover.cutover.run import Command, Night, begin, go_on, settled
from handover.cutover.states import BACK, MEANINGS
from handover.cutover.switch import CUTOVER
from handover.cutover.zone import WRITE
from handover.errors import Refused


def commands(config: Config) -> dict[str, Command]:
    """Return every command with actions; those of a clean-up are what the team declared."""
    return {command.name: command for command in (BEGIN, END, CUTOVER, ROLLBACK, cleanup(config))}


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
    return go_on(night, commands(night.config)[position.run.command], position.run)


def back(night: Night, because: str, unproven: str = "") -> Position:
    """Go back from what was interrupted.

    Raises
    ------
    Refused
        There is nothing to go back from, or no way back.
    """
    position = settled(night)
    if position.run is not None and position.state == "rolling_back":
        return _stay(night, position)
    if position.run is None or position.state not in BACK:
        now = MEANINGS[position.state].now
        raise Refused(f"the state is {position.state}: {now}. Nothing is under way to go back from.", code="HO509")
    facts = {"because": because, "unproven": unproven, "decided_at": night.journal.now().isoformat()}
    return begin(night, commands(night.config)[BACK[position.state]], facts)


def _stay(night: Night, position: Position) -> Position:
    run = position.run
    assert run is not None  # noqa: S101 - the caller has looked
    source = str(run.facts["source"])
    if WRITE in run.done or run.begun == WRITE or source not in ("switched", "verifying"):
        message = "the way back has begun to move people, or the way there had; it is finished, not undone."
        raise Refused(f"{message} Go on: handover resume. Then cut over again.", code="HO509")
    night.journal.add("state", {"source": position.state, "target": source, "because": "the way back was given up"})
    return night.position()
