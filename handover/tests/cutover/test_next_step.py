"""What `status` names as the next step works: in every state, after crashes, while a command is at work, in a pause."""

import fcntl
import os
import shlex
import shutil
import signal
import subprocess
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from handover.journal.lease import held
from handover.parallel.rule import MetricVerdict
from handover_testing.crashes import crash, points_of, run
from handover_testing.night import BACKEND, ORIGINAL, VERIFY, Story, keep, until, windows
from handover_testing.pair import Ended

FULL = "COMPAS_FULL" in os.environ
# Gates that are red and a backend that is not watched are an answer, no failure of the command.
ANSWERS = {"gates": (0, 4), "verify": (0, 4)}
CLEANUP = '[cleanup]\nafter_h = 0.0000001\ndecommission = ["stop-vm", "remove-vm"]\n'
REASON = "the test"


@pytest.fixture
def mover(story: Story) -> Story:
    story.declare(VERIFY + CLEANUP)
    (folder := story.pair.folder / "hooks").mkdir()
    for name in ("stop-vm", "remove-vm"):
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    return story


def named(story: Story) -> dict[str, Any]:
    """Return what status names as next, for machines; the line for people says the same."""
    step = story.handover("status", "--json").json()["next"]
    (line,) = [one for one in story.handover("status").stdout.splitlines() if one.startswith("Next: ")]
    assert step["command"] in line
    assert step["first"] in line
    assert step["back"] in line
    return step


def typed(story: Story, command: str) -> Ended:
    """Type a command as it was named, with a reason where one is asked for; it must work."""
    words = [REASON if word == "REASON" else word for word in shlex.split(command)]
    assert words[0] == "handover"
    ended = story.handover(*words[1:])
    assert ended.returncode in ANSWERS.get(words[1], (0,)), f"{command}: {ended.stderr}{ended.stdout}"
    return ended


def test_move__only_what_status_names_is_typed__comes_from_nothing_to_the_end(mover):
    """The whole way, state by state; where a person must act first, the test does exactly what is said."""
    mover.pair.patch.setenv("HANDOVER_DATABASE_URL", mover.pair.database.url("owner"))
    went = []
    while not went or went[-1] != "handover report":
        step = named(mover)
        assert step["first"] == ""
        went.append(step["command"])
        if step["command"] == "handover report":
            break
        if step["command"] == "handover verify":
            windows(mover, 0.0, 0.0, 0.0)
        typed(mover, step["command"])
        if step["then"]:
            assert step["then"].startswith("when all are green: ")
            went.append(step["then"].partition(": ")[2])
            typed(mover, went[-1])
        assert len(went) < 20, went
    plan = went[4].split()[-1]
    assert went == [
        "handover init-journal --apply",
        "handover cutover begin --apply",
        "handover cutover plan",
        "handover gates",
        f"handover cutover --apply {plan}",
        "handover verify",
        "handover cleanup --apply --confirm stop-vm --confirm remove-vm",
        "handover report",
    ]
    assert mover.people_reach() == [BACKEND]


STATES = {
    "beginning": ([], "begin"),
    "ending": (["begin"], "end"),
    "switching": (["begin"], "cutover"),
    "rolling_back": (["begin", "cutover"], "rollback"),
    "cleaning": (["begin", "cutover", "verified"], "cleanup"),
}


def lead_to(story: Story, steps: list[str]) -> None:
    for step in steps:
        if step == "verified":
            windows(story, 0.0, 0.0, 0.0)
            story.done("verify")
        else:
            run(story, step)


def some(states: list[str], *always: str) -> list[str]:
    """Return all states in the long run, and the most telling one in the short."""
    return states if FULL else list(always)


@pytest.mark.parametrize("state", some(list(STATES), "switching"))
@pytest.mark.full
def test_crash__at_points_of_a_command__what_status_names_goes_on(mover, state):
    mover.with_journal()
    steps, command = STATES[state]
    lead_to(mover, steps)
    points = crash_points(mover, command)
    for point in points:
        crash(mover, command, point)
        step = named(mover)
        if mover.status().position.run is not None:
            assert step["command"].startswith("handover resume")
            assert step["first"] == ""
        typed(mover, step["command"])
        assert mover.status().position.run is None
        return_from(mover, command)


@pytest.mark.parametrize("state", some([one for one in STATES if one != "ending"], "rolling_back"))
@pytest.mark.full
def test_crash__at_points_of_a_command__the_way_back_that_status_names_works_or_none_is_named(mover, state):
    mover.with_journal()
    steps, command = STATES[state]
    lead_to(mover, steps)
    for point in crash_points(mover, command):
        crash(mover, command, point)
        step = named(mover)
        if step["back"]:
            typed(mover, step["back"])
            assert mover.status().position.run is None
        else:
            refused = mover.refused("resume", "--back")
            assert "HO509" in refused
            typed(mover, step["command"])
        return_from(mover, command)


def crash_points(story: Story, command: str) -> list[str]:
    """Return the points of a command that has begun: all in the long run, else its beginning, middle and end."""
    if command == "cleanup":
        return ["archive the original: begun"]
    points = [point for point in points_of(story, command) if point not in ("begin", "ended")]
    return_from(story, command)
    middle = [point for point in points if point.startswith("write the record")]
    return points if FULL else [points[0], middle[0], points[-1]]


def return_from(story: Story, command: str) -> None:
    """Lead back to where a command may begin, whichever way it was finished."""
    state = story.state()
    before = {"begin": "preparing", "end": "parallel", "cutover": "parallel", "rollback": "switched"}.get(command)
    if before == "preparing" and state == "parallel":
        run(story, "end")
    elif command == "end" and state == "preparing":
        run(story, "begin")
    elif command == "cutover" and state == "switched":
        run(story, "rollback")
    elif command == "rollback" and state == "rolled_back":
        run(story, "cutover")


@contextmanager
def waiting_hook(story: Story, tmp_path: Path):
    """A switch waits in its hook until the block ends; yield its process."""
    held_file, waiting = tmp_path / "held", tmp_path / "waiting"
    (hooks := story.pair.folder / "hooks").mkdir(exist_ok=True)
    script = hooks / "before-switch"
    script.write_text(f"#!/bin/sh\necho $$ > {waiting}\nexec flock {held_file} true\n")
    script.chmod(0o755)
    story.declare('[hooks.at]\nbefore-switch = ["before-switch"]')
    with held_file.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with story.pair.process("cutover", "--apply", story.plan(), stderr=subprocess.PIPE) as running:
            until(lambda: waiting.exists() and waiting.read_text(), "the hook was never run")
            yield running
            running.send_signal(signal.SIGKILL)
            running.wait()


def another_machine(story: Story, folder: Path) -> Story:
    (folder / ".handover").mkdir(parents=True)
    for name in ("handover.toml", "octodns.yaml"):
        shutil.copy(story.pair.folder / name, folder)
    shutil.copy(story.pair.folder / ".handover/key", folder / ".handover/journal.key")
    return replace(story, pair=replace(story.pair, folder=folder))


def test_status__a_command_is_at_work__says_to_wait_and_after_its_kill_to_resume(story, tmp_path):
    story.in_parallel()
    with waiting_hook(story, tmp_path) as running:
        other = another_machine(story, tmp_path / "other")
        for one in (story, other):
            step = named(one)
            assert step["command"] == "handover status"
            assert step["first"].startswith("wait until `cutover` of ")
            assert f"(pid {running.pid}" in step["first"]
            assert step["first"].endswith("ends, or stop it: handover pause")
            assert "HO503" in one.refused("resume")  # what it does not name is refused
            typed(one, step["command"])
    # From here at once; from another machine when the lease of the killed process has run out.
    assert "its lease runs out in " in named(other)["first"]
    step = named(story)
    assert (step["command"], step["first"]) == ("handover resume", "")
    script = story.pair.folder / "hooks/before-switch"
    script.write_text("#!/bin/sh\n")
    typed(story, step["command"])
    assert story.people_reach() == [BACKEND]


@pytest.mark.full
def test_status__a_watch_runs_here__is_in_no_way(story, tmp_path):
    story.in_parallel()
    with story.pair.process("watch", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL):
        until(lambda: "Running here: `watch`" in story.handover("status").stdout, "the watch never began")
        assert named(story)["command"] == "handover cutover plan"
    with held(another_machine(story, tmp_path / "other").config, "rehearse-rollback"):
        assert "wait until `rehearse-rollback` of " in named(story)["first"]


AT_REST = ["preparing", "parallel", "switched", "rolled_back"]


@pytest.mark.parametrize("state", some([*AT_REST, "switching", "rolling_back"], "rolled_back"))
def test_status__paused__lifts_first_then_goes_on(mover, state):
    mover.with_journal()
    steps, command = STATES.get(state, ({"preparing": [], "parallel": ["begin"]}.get(state, ["begin", "cutover"]), ""))
    lead_to(mover, steps)
    if command:
        crash(mover, command, "write the record: begun")
    if state == "rolled_back":
        run(mover, "rollback")
    before = named(mover)
    mover.done("pause")
    step = named(mover)
    assert (step["command"], step["first"]) == ("handover pause --lift", "")
    typed(mover, step["command"])
    assert named(mover) == before
    typed(mover, before["command"])


@pytest.mark.parametrize("state", some(["parallel", "switching", "switched", "rolling_back"], "switching"))
def test_status__without_the_database__names_what_must_come_first_and_the_way_back(mover, state):
    mover.with_journal()
    steps, command = STATES.get(state, ({"parallel": ["begin"]}.get(state, ["begin", "cutover"]), ""))
    lead_to(mover, steps)
    if command:
        crash(mover, command, "write the record: begun")
    mover.pair.patch.setenv("HANDOVER_DATABASE_URL", "postgresql://absent@127.0.0.1:1/nothing")
    line = next(one for one in mover.pair.ended("status").stdout.splitlines() if one.startswith("Next: "))
    assert line.startswith("Next: first let the journal's database answer: the database does not answer at 127.0.0.1")
    if state == "parallel":
        assert "or back" not in line
        return
    back = line.partition("(or back: ")[2].removesuffix(")")
    words = [REASON if word == "REASON" else word for word in shlex.split(back)[1:]]
    words = [*words, *(["--unproven", REASON] if "rollback" in back else [])]
    ended = mover.pair.ended(*words)
    assert ended.returncode == 0, ended.stderr
    assert mover.people_reach() == [ORIGINAL]


def test_status__an_action_failed__says_what_to_mend_first_and_then_it_works(story):
    story.in_parallel()
    with story.name_server.fault("servfail updates"):
        assert story.handover("cutover", "--apply", story.plan()).returncode == 1
    step = named(story)
    assert step["first"] == "mend why `write the record` failed, as it is said above"
    assert "HO572" in story.handover("status").stdout
    typed(story, step["command"])  # the provider answers again
    assert story.people_reach() == [BACKEND]


def test_status__plan_is_void__names_a_new_one(story):
    story.in_parallel()
    story.plan()
    assert named(story)["command"] == "handover gates"
    text = story.file.read_text()
    story.file.write_text(text.replace(f'backend = ["{BACKEND}"]', 'backend = ["127.0.0.7"]'))
    assert named(story)["command"] == "handover cutover plan"
    story.file.write_text(text)
    run(story, "cutover")
    run(story, "rollback")
    assert named(story)["command"] == "handover cutover plan"  # the plan is of an attempt that ended


def test_status__people_do_not_reach_what_the_journal_says__says_so_first(story):
    story.in_parallel()
    story.set_record("www", 30, "127.0.0.9")
    ended = story.handover("status")
    assert ended.returncode == 4
    assert "Next: first find out why people do not reach the original alone" in ended.stdout


def test_status__record_is_not_declared__says_what_is_missing(story):
    story.with_journal()
    text = story.file.read_text()
    story.file.write_text(text.replace(f'backend = ["{BACKEND}"]\n', ""))
    step = story.handover("status", "--json").json()["next"]
    assert step["first"].startswith("complete handover.toml: handover.toml: [dns] lacks backend")


def test_status__without_a_journal__is_json_for_machines_too(story):
    found = story.done("status", "--json").json()
    assert (found["state"], found["next"]["command"]) == ("none", "handover init-journal --apply")


def test_status__backend_is_dead_after_the_switch__names_verify_and_the_way_back_and_no_cleanup(mover):
    mover.with_journal()
    lead_to(mover, ["begin", "cutover"])
    keep_red(mover, "backend", minutes=0)
    step = named(mover)
    assert (step["command"], step["back"]) == ("handover verify", "handover rollback --apply --because REASON")
    (name,) = [one["name"] for one in mover.handover("verify", "--json").json()["unsigned"]]
    mover.done("verify", "--sign-off", name, "--because", REASON)
    lead_to(mover, ["verified"])
    assert mover.state() == "verifying"
    assert named(mover)["command"].startswith("handover cleanup --apply")  # the control: all is well
    keep_red(mover, "original", minutes=3)
    assert (named(mover)["command"], named(mover)["back"]) == ("handover verify", "")
    keep_red(mover, "backend", minutes=4)
    step = named(mover)
    assert step["command"] == "handover verify"
    assert "HO591" in mover.refused("cleanup", "--apply", "--confirm", "stop-vm", "--confirm", "remove-vm")
    typed(mover, step["command"])
    typed(mover, step["back"])
    assert mover.people_reach() == [ORIGINAL]


def keep_red(story: Story, system: str, *, minutes: int) -> None:
    """Let a window be red, so many minutes from now."""
    end = datetime.now(UTC) + timedelta(minutes=minutes, seconds=1)
    keep(story, MetricVerdict(system, "health", 0.0, "red", "Connection refused"), end=end)
