"""The real process is killed while it waits at a lock that the test holds; what it left is found and finished."""

import fcntl
import shutil
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from handover.journal import entry
from handover_testing.crashes import check_explained
from handover_testing.killing import kill_at
from handover_testing.night import BACKEND, ORIGINAL, WITHIN_S, Story, until

CASES = {
    "before the record": ("cutover", "action", "write the record", "begun", ORIGINAL),
    "after the record": ("cutover", "action", "write the record", "done", BACKEND),
    "before the end": ("cutover", "ended", "", "", BACKEND),
    "on the way back": ("rollback", "action", "write the record", "done", ORIGINAL),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.thinned(to_one_in=4)
def test_kill__process_waits_at_the_lock__its_state_is_explained_and_finished(story, case):
    command, kind, action, phase, people = CASES[case]
    story.in_parallel()
    if command == "rollback":
        story.done("cutover", "--apply", story.plan())
    arguments = ("--apply", story.plan()) if command == "cutover" else ("--apply", "--because", "errors")
    kill_at(story, (command, *arguments), kind, action, phase)
    found = check_explained(story)
    assert found.people == {ORIGINAL: "original", BACKEND: "backend"}[people]
    assert found.position.run is not None
    assert "Under way" in story.handover("status").stdout
    story.done("resume")
    check_explained(story)
    assert story.state() == {"cutover": "switched", "rollback": "rolled_back"}[command]


def test_kill__signing_waits_at_the_lock__nothing_is_signed_and_it_can_be_done_again(story):
    story.declare('[[gates]]\nid = "signed"\nkind = "sign-offs"\nreason = "one answers"\nroles = ["DevOps"]\n')
    story.in_parallel()
    story.plan()
    signing = ("sign", "--as", "DevOps", "--because", "I read it")
    kill_at(story, signing, "signature")
    found = check_explained(story)
    assert "signature" not in [entry.kind for entry in found.entries]
    assert "DevOps has not signed" in story.handover("gates").stdout
    story.done(*signing)
    assert "1 role signed: DevOps by the account" in story.handover("gates").stdout


@pytest.mark.full
def test_kill__hook_waits_for_a_lock__nothing_is_switched(story, tmp_path):
    story.in_parallel()
    held, waiting = tmp_path / "held", tmp_path / "waiting"
    (hooks := story.pair.folder / "hooks").mkdir()
    script = hooks / "before-switch"
    script.write_text(f"#!/bin/sh\necho $$ > {waiting}\nexec flock {held} true\n")
    script.chmod(0o755)
    story.declare('[hooks.at]\nbefore-switch = ["before-switch"]')
    with held.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with story.pair.process("cutover", "--apply", story.plan(), stderr=subprocess.PIPE) as running:
            until(lambda: waiting.exists() and waiting.read_text(), "the hook was never run")
            assert "is under way" not in story.handover("status").stdout
            holder = f"another operator holds the lease on this machine: {entry.operator()}, pid"
            assert holder in story.refused("resume")
            running.send_signal(signal.SIGKILL)
            running.wait()
            # The lock is still held, so the hook did not come to its end by itself.
            until(lambda: is_gone(int(waiting.read_text())), "the hook of the killed process lives on")
    found = check_explained(story)
    assert (found.position.state, found.people) == ("switching", "original")
    assert found.position.run is not None
    assert found.position.run.begun == "hook before-switch"
    story.done("resume")
    assert story.state() == "switched"


def is_gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state in "ZX"  # its new parent has not collected it yet


def operator(story: Story, folder: Path, place: str) -> Story:
    """Return an operator on this machine, or one on another machine, who shares only the database."""
    if place == "here":
        return story
    (other := folder / "other").mkdir()
    shutil.copy(story.file, other)
    return replace(story, pair=replace(story.pair, folder=other))


@pytest.mark.parametrize("place", ["here", "on another machine"])
@pytest.mark.thinned(to_one_in=2)
def test_pause__a_command_is_running__ends_it_at_once_and_refuses_the_next(story, tmp_path, place):
    story.in_parallel()
    plan = story.plan()
    held, waiting = tmp_path / "held", tmp_path / "waiting"
    (hooks := story.pair.folder / "hooks").mkdir()
    script = hooks / "before-switch"
    script.write_text(f"#!/bin/sh\necho $$ > {waiting}\nexec flock {held} true\n")
    script.chmod(0o755)
    story.declare('[hooks.at]\nbefore-switch = ["before-switch"]')
    with held.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with story.pair.process("cutover", "--apply", plan, stderr=subprocess.PIPE) as running:
            until(lambda: waiting.exists() and waiting.read_text(), "the hook was never run")
            said = operator(story, tmp_path, place).done("pause", "--because", "wait for Ana").stdout
            _, errors = running.communicate(timeout=WITHIN_S)
    assert (f"stopped `cutover` of {entry.operator()}, pid {running.pid}" in said) == (place == "here")
    assert running.returncode == 3
    assert "HO504" in errors
    assert f"HO507  everything is paused by {entry.operator()}" in story.refused("resume")
    assert f"Paused by {entry.operator()}" in story.handover("status").stdout
    story.done("pause", "--lift")
    story.done("resume")
    assert story.people_reach() == [BACKEND]
