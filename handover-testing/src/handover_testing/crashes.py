"""Commands that crash at a named point, and what must hold after a crash at any point."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from handover.cutover.attempt import present_attempt
from handover.cutover.commands import commands, resume_back, resume_command
from handover.cutover.context import open_context
from handover.cutover.planning import make_plan
from handover.cutover.position import Position
from handover.cutover.states import DESCRIPTIONS, TRANSITIONS, allowed
from handover.cutover.status import Status, status_lines
from handover.errors import Refused
from handover.journal.journal import opened
from handover.runs.command import start_command
from handover_testing.night import BACKEND, ORIGINAL, Story

REACHED = {"original": [ORIGINAL], "backend": [BACKEND]}
UNPROVEN = "the matrix is about the record"


class Crash(BaseException):
    """The process is gone: nothing of it runs any more."""


@dataclass
class Crasher:
    """Crashes at a point; notes every point that was passed."""

    point: str
    seen: list[str] = field(default_factory=list)

    def __call__(self, point: str) -> None:
        self.seen.append(point)
        if point == self.point:
            raise Crash(point)


@dataclass
class Witness:
    """Notes the points at which a crash makes a difference: since the point before, something was stored."""

    story: Story
    points: list[str] = field(default_factory=list)
    kept: list[object] = field(default_factory=list)

    def __call__(self, point: str) -> None:
        with opened(self.story.config) as journal:
            now = (len(journal.entries()), self.story.name_server.serial())
        if now not in self.kept:
            self.kept.append(now)
            self.points.append(point)


def facts_of(story: Story, command: str) -> dict[str, object]:
    if command == "cutover":
        return {"plan": make_plan(story.config, present_attempt(story.config)).as_json()}
    return {"because": "the matrix", "unproven": UNPROVEN, "confirmed": story.config.cleanup.decommission}


def run(story: Story, command: str, at_point: Callable[[str], None] = lambda _: None) -> Position:
    """Perform a command as its command line does, in this process."""
    with open_context(story.config, command, say=lambda _: None, at_point=at_point) as context:
        facts = {**facts_of(story, command), "decided_at": context.journal.now().isoformat()}
        start_command(context, commands(story.config)[command], facts)
        return context.position()


def crash(story: Story, command: str, point: str) -> None:
    """Perform a command until it crashes at a point."""
    crasher = Crasher(point)
    try:
        run(story, command, crasher)
    except Crash:
        return
    raise AssertionError(f"{command} never passed {point!r}: {crasher.seen}")


def points_of(story: Story, command: str) -> list[str]:
    """Perform a command to its end; return the points at which a crash makes a difference."""
    witness = Witness(story)
    run(story, command, witness)
    return witness.points


def go_on(story: Story) -> Position:
    with open_context(story.config, "resume", say=lambda _: None) as context:
        context.confirm = lambda _: True
        return resume_command(context)


def go_back(story: Story) -> Position:
    with open_context(story.config, "resume", say=lambda _: None) as context:
        return resume_back(context, "the matrix", unproven=UNPROVEN)


def check_refusals(story: Story) -> None:
    """Every command that the state does not allow says so and changes nothing: not the journal, not the record."""
    with opened(story.config) as journal:
        before = [e.id for e in journal.entries()]
    state, people = story.state(), story.people_reach()
    for transition in TRANSITIONS:
        if transition.through is None or transition.command in allowed(state):
            continue
        with pytest.raises(Refused, match=rf"the state is {state}: .*Nothing was changed\.|nothing to switch"):
            run(story, transition.command)
        with opened(story.config) as journal:
            assert [e.id for e in journal.entries()] == before
    assert story.people_reach() == people


def check_explained(story: Story) -> Status:
    """The status says what holds, and the journal explains it."""
    found = story.status()
    position, people = found.position, story.people_reach()
    assert not position.conflict
    assert not found.trouble
    assert found.late == 0 or position.run is None
    people_reach = DESCRIPTIONS[position.state].people_reach
    if position.run is None:
        assert people_reach != "either"
        assert people == REACHED[people_reach]
    else:
        assert position.run.begun or len(position.run.done) < len(position.run.actions) or position.run.done
    # The record is what the journal says, or one of the two that a change under way allows.
    assert found.agrees is True
    expected = position.record or [tuple(REACHED[people_reach if people_reach != "either" else "original"])]
    assert tuple(people) in expected
    text = "\n".join(status_lines(found))
    assert f"State: {position.state}" in text
    assert (position.run is None) or f"Under way: {position.run.command}" in text
    return found
