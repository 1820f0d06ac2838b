"""Every command crashes at every point: before an action, in the middle, after it, and before it is written down."""

import os
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from handover.cli.verify import verify_once
from handover.cutover.commands import commands
from handover.cutover.context import open_context
from handover.cutover.states import STATES, TRANSITION_BY_COMMAND, TRANSITIONS
from handover.errors import Refused
from handover.journal.copy import JournalCopy
from handover.journal.journal import opened
from handover.parallel.rule import MetricVerdict
from handover.runs.pause import lift_pause, pause_everything
from handover_testing.balanced_stage import ByHaproxy, ByHook
from handover_testing.crashes import (
    SIGN,
    Crash,
    EntryCommand,
    check_explained,
    check_refusals,
    check_signing,
    crash,
    crashes_at_entry,
    go_back,
    go_on,
    points_of,
    run,
)
from handover_testing.night import VERIFY, Story, keep, windows
from handover_testing.switch_stage import DNS, SwitchStage
from sandbox import haproxy

FULL = "COMPAS_FULL" in os.environ
FLOW = '[[flows]]\nname = "a look"\n[[flows.steps]]\npath = "/page"\n'
# Every way to switch; a new one is a subclass of SwitchStage, and is added here.
STAGES: tuple[SwitchStage, ...] = (
    DNS,
    *([ByHook()] if FULL else []),
    *([ByHaproxy()] if FULL and haproxy.program() else []),
)
THERE_AND_BACK = [
    (stage, there, back) for stage in STAGES for there, back in stage.there_and_back if FULL or there == "cutover"
]


def names(chosen: list[tuple[SwitchStage, str, str]]) -> list[str]:
    return [f"{stage.name}-{there}" for stage, there, _ in chosen]


@pytest.fixture
def matrix(story: Story) -> Iterator[Story]:
    """A story without the proof of the original before a rollback, which has tests of its own."""
    story.file.write_text(story.file.read_text().replace("write = {", "# write = {"))
    story.with_journal()
    yield story
    story.stage.end()


def on_stage(story: Story, stage: SwitchStage) -> None:
    """Let a story switch in the stage's way."""
    story.stage = stage
    stage.declare(story)


def chosen(points: list[str]) -> list[str]:
    """Return all points in the long run; else the ends, those that first move people, and every 24th other."""
    moving = ("the record", "send 10 %", "send people back")
    ends = ("begin", "begun", "ended")
    others = [p for p in points if p not in ends and not any(what in p for what in moving)]
    return [point for point in points if FULL or point not in others or others.index(point) % 24 == 0]


def begun(story: Story, command: str) -> None:
    if command == "cutover":
        run(story, "begin")


@pytest.mark.parametrize(("way", "there", "back"), THERE_AND_BACK, ids=names(THERE_AND_BACK))
def test_crash__at_every_point__is_explained_and_goes_on_to_the_end(matrix, way, there, back):
    on_stage(matrix, way)
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


@pytest.mark.parametrize(("way", "there", "back"), THERE_AND_BACK, ids=names(THERE_AND_BACK))
def test_crash__at_every_point__goes_back_as_well(matrix, way, there, back):
    on_stage(matrix, way)
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


def lead_to(story: Story, state: str) -> None:
    for step in WAYS[state]:
        if step.endswith("!"):
            crash(story, step[:-1], "write the record: begun")
        else:
            run(story, step)
    assert story.state() == state


@pytest.mark.thinned(to_one_in=4)
@pytest.mark.parametrize("state", WAYS)
def test_command__state_does_not_allow_it__changes_nothing(matrix, state):
    lead_to(matrix, state)
    check_refusals(matrix)
    check_signing(matrix)


def paused(story: Story) -> bool:
    return story.status().position.paused is not None


def pause(story: Story) -> None:
    assert [part for part in pause_everything(story.config, "the matrix") if not part.is_paused] == []


def lift(story: Story) -> None:
    lift_pause(story.config, "the matrix", copy_alone=False, say=lambda _: None)


def verify(story: Story) -> None:
    with open_context(story.config, "verify", say=lambda _: None) as context:
        verify_once(context, as_json=False)


def paged(story: Story) -> bool:
    """Say whether a person was paged for the window that was kept last."""
    with opened(story.config) as journal:
        pages = [entry.body["about"] for entry in journal.entries() if entry.kind == "page"]
        row = journal.connection().execute("SELECT metric FROM handover.watch_windows ORDER BY id DESC LIMIT 1")
        (metric,) = row.fetchone() or ("",)
    return any(metric in line for line in (pages[-1] if pages else []))


def lose_a_metric(story: Story) -> None:
    """Keep a window of a metric that no page was about yet."""
    lost = MetricVerdict("backend", f"metric_{secrets.token_hex(4)}", None, "no data", "by the test")
    keep(story, lost, end=datetime.now(UTC) + timedelta(minutes=2))


ENTRY_COMMANDS = {
    "pause": EntryCommand(pause, paused, prepare=lambda story: paused(story) and lift(story)),
    "lift": EntryCommand(lift, lambda story: not paused(story), prepare=lambda story: paused(story) or pause(story)),
    "verify": EntryCommand(verify, paged, prepare=lose_a_metric, states=("switched", "verifying")),
    "sign": SIGN,
}
ALLOWED = [
    (command, state)
    for command, about in ENTRY_COMMANDS.items()
    for state in WAYS
    if state in (about.states or WAYS) and (FULL or state == "switched")
]


@pytest.mark.parametrize(("command", "state"), ALLOWED)
@pytest.mark.thinned(to_one_in=2)
def test_entry_command__crashes_before_each_entry__is_explained_and_done_by_the_next_try(matrix, command, state):
    """A pause, its lift, a verification or a signature never changes how far the move is, wherever it crashes."""
    lead_to(matrix, state)
    about, number, crashed = ENTRY_COMMANDS[command], 0, True
    while crashed:
        about.prepare(matrix)
        number += 1
        crashed = crashes_at_entry(lambda: about.perform(matrix), number)
        people = matrix.stage.reached(matrix)
        assert check_explained(matrix).position.state == state
        if not about.is_done(matrix):
            assert crashed
            about.perform(matrix)
        assert about.is_done(matrix)
        assert check_explained(matrix).position.state == state
        assert matrix.stage.reached(matrix) == people
    assert number > 2  # the database and the copy got an entry each
    if paused(matrix):
        lift(matrix)
    if state.endswith("ing"):
        assert go_on(matrix).run is None


def test_verify__state_does_not_allow_it__changes_nothing(matrix):
    for state in ("preparing", "switching"):
        lead_to(matrix, state)
        with pytest.raises(Refused, match=f"HO595  the state is {state}; there is nothing to verify"):
            verify(matrix)
        assert check_explained(matrix).position.state == state


@pytest.mark.parametrize("number", range(1, 40) if FULL else (13,))
def test_verify__crashes_on_its_way_back__goes_on_to_the_original(story, number):
    story.declare(VERIFY + FLOW)
    story.switched()
    windows(story, 0.5, 0.5, 0.5)
    crashes_at_entry(lambda: verify(story), number)
    found = check_explained(story)
    if found.position.state == "switched":
        verify(story)
    else:
        go_on(story)
    assert check_explained(story).position.state == "rolled_back"


@pytest.mark.parametrize(("way", "there", "back"), THERE_AND_BACK, ids=names(THERE_AND_BACK))
@pytest.mark.full
def test_pause__from_another_folder_at_every_point__stops_before_the_next_step(matrix, tmp_path, way, there, back):
    on_stage(matrix, way)
    begun(matrix, there)
    points = chosen(points_of(matrix, there))
    run(matrix, back)
    for number, point in enumerate(points if FULL else points[::4]):
        elsewhere = another_folder(matrix, tmp_path / str(number))
        seen: list[str] = []

        def at_point(passed: str, point=point, elsewhere=elsewhere, seen=seen) -> None:
            if passed == point and not seen:
                with opened(elsewhere.config) as journal:
                    journal.add("pause", {"because": "the matrix"})
            if passed == point or seen:
                seen.append(passed)

        try:
            run(matrix, there, at_point)
        except Refused as refused:
            assert refused.code == "HO507"  # noqa: PT017 - it may also end, when nothing was left to do
        steps = {passed.partition(":")[0] for passed in seen if ": begun" in passed} - {point.partition(":")[0]}
        assert steps == set(), f"paused at {point}, and went on with {steps}"
        assert paused(matrix)
        check_explained(matrix)
        with pytest.raises(Refused, match="HO507"):
            go_on(matrix)
        lift(matrix)
        if go_on(matrix).state != TRANSITION_BY_COMMAND[there].target:
            run(matrix, there)  # it had not begun
        check_explained(matrix)
        run(matrix, back)


def another_folder(story: Story, folder: Path) -> Story:
    """Return an operator on another machine, who shares the database and the key of the journal."""
    (folder / ".handover").mkdir(parents=True)
    shutil.copy(story.file, folder)
    shutil.copy(story.pair.folder / ".handover/key", folder / ".handover")
    return replace(story, pair=replace(story.pair, folder=folder))


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
