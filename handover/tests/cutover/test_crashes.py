"""Every command crashes at every point: before an action, in the middle, after it, and before it is written down."""

import os

import pytest

from handover.cutover.commands import commands
from handover.cutover.states import STATES, TRANSITION_BY_COMMAND, TRANSITIONS
from handover.errors import Refused
from handover.journal.copy import JournalCopy
from handover.journal.journal import opened
from handover_testing.crashes import Crash, check_explained, check_refusals, crash, go_back, go_on, points_of, run
from handover_testing.night import Story

# Each pair leads there and back, so one story passes every point of both.
THERE_AND_BACK = [("begin", "end"), ("cutover", "rollback")]


FULL = "COMPAS_FULL" in os.environ


@pytest.fixture
def matrix(story: Story) -> Story:
    """A story without the proof of the original before a rollback, which has tests of its own."""
    story.file.write_text(story.file.read_text().replace("write = {", "# write = {"))
    story.with_journal()
    return story


def chosen(points: list[str]) -> list[str]:
    """Return all points in the long run; else the ends, all that have to do with the record, and every eighth other."""
    others = [p for p in points if p not in ("begin", "begun", "ended") and "the record" not in p]
    return [point for point in points if FULL or point not in others or others.index(point) % 12 == 0]


def begun(story: Story, command: str) -> None:
    if command == "cutover":
        run(story, "begin")


@pytest.mark.parametrize(("there", "back"), THERE_AND_BACK)
def test_crash__at_every_point__is_explained_and_goes_on_to_the_end(matrix, there, back):
    begun(matrix, there)
    points = {command: points_of(matrix, command) for command in (there, back)}
    left = {command: chosen(found)[::-1] for command, found in points.items()}
    while any(left.values()):
        for command in (there, back):
            if left[command]:
                crash(matrix, command, point := left[command].pop())
            else:
                run(matrix, command)
            found = check_explained(matrix)
            if found.position.run is None and found.position.state != TRANSITION_BY_COMMAND[command].target:
                assert point == "begin"  # nothing had begun, so there is nothing to go on with
                run(matrix, command)
            position = go_on(matrix)
            assert position.state == TRANSITION_BY_COMMAND[command].target
            assert position.run is None
            check_explained(matrix)
    for command, found in points.items():
        assert len(found) >= 2 * len(commands(matrix.config)[command].actions) + 2


@pytest.mark.parametrize(("there", "back"), THERE_AND_BACK if FULL else THERE_AND_BACK[1:])
def test_crash__at_every_point__goes_back_as_well(matrix, there, back):
    begun(matrix, there)
    points = [point for point in chosen(points_of(matrix, there)) if point not in ("begin", "ended")]
    run(matrix, back)
    for point in points:
        crash(matrix, there, point)
        check_explained(matrix)
        assert go_back(matrix).state == TRANSITION_BY_COMMAND[back].target
        check_explained(matrix)
        if TRANSITION_BY_COMMAND[back].target not in TRANSITION_BY_COMMAND[there].sources:
            run(matrix, there)


@pytest.mark.parametrize("command", ["begin", "cutover", "rollback"] if FULL else ["begin"])
def test_crash__between_database_and_copy__is_made_up_for(matrix, monkeypatch, command):
    if command != "begin":
        run(matrix, "begin")
    if command == "rollback":
        run(matrix, "cutover")
    added = JournalCopy.add
    number = 0
    while True:
        number += 1 if FULL else 2
        calls = iter(range(1, 1000))

        def add(copy: JournalCopy, *entries: object, calls=calls, number=number) -> None:
            if entries and next(calls) == number:
                raise Crash
            added(copy, *entries)

        monkeypatch.setattr(JournalCopy, "add", add)
        try:
            run(matrix, command)
            crashed = False
        except Crash:
            crashed = True
        monkeypatch.setattr(JournalCopy, "add", added)
        check_explained(matrix)
        if not crashed:
            break
        position = go_on(matrix)
        if position.state != TRANSITION_BY_COMMAND[command].target:
            run(matrix, command)
        run(matrix, {"cutover": "rollback", "rollback": "cutover", "begin": "end"}[command])
        with opened(matrix.config) as journal:
            assert [e.id for e in journal.entries()] == [e.id for e in journal.copy.entries()]
    assert number > 2 * len(commands(matrix.config)[command].actions)


WAYS = {
    "preparing": [],
    "beginning": ["begin!"],
    "parallel": ["begin"],
    "ending": ["begin", "end!"],
    "switching": ["begin", "cutover!"],
    "switched": ["begin", "cutover"],
    "rolling_back": ["begin", "cutover", "rollback!"],
    "rolled_back": ["begin", "cutover", "rollback"],
}


@pytest.mark.parametrize("state", WAYS)
def test_command__state_does_not_allow_it__changes_nothing(matrix, state):
    for step in WAYS[state]:
        if step.endswith("!"):
            crash(matrix, step[:-1], "write the record: begun")
        else:
            run(matrix, step)
    assert matrix.state() == state
    check_refusals(matrix)


def test_resume_back__dns_change_of_a_rollback_has_started__must_be_finished(matrix):
    run(matrix, "begin")
    run(matrix, "cutover")
    crash(matrix, "rollback", "write the record: begun")
    with pytest.raises(Refused, match=r"HO509  the change back has started, so it must be finished.*handover resume"):
        go_back(matrix)
    assert go_on(matrix).state == "rolled_back"


def test_resume_back__rollback_has_not_touched_the_record__is_given_up(matrix):
    run(matrix, "begin")
    run(matrix, "cutover")
    crash(matrix, "rollback", "write the record: before")
    assert go_back(matrix).state == "switched"


def test_command__without_a_journal__is_refused_and_says_how_to_make_one(story):
    story.pair.patch.setenv("HANDOVER_DATABASE_URL", story.pair.database.url("owner"))
    people = story.people_reach()
    for transition in TRANSITIONS:
        if transition.through is not None:
            with pytest.raises(Refused, match=r"has no journal\. Make one: handover init-journal --apply"):
                run(story, transition.command)
    assert story.people_reach() == people


def test_transitions__every_state__can_be_reached_and_left():
    reached = {t.target for t in TRANSITIONS} | {t.through for t in TRANSITIONS} | {"none"}
    assert set(STATES) == reached - {None}
    left = {source for t in TRANSITIONS for source in t.sources}
    through = {t.through for t in TRANSITIONS}
    assert set(STATES) - left - through == {"cleaned"}
