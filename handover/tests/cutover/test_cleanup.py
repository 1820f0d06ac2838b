"""The end comes late, in order, each step confirmed, and leaves the database."""

import json
import subprocess

import pytest

from handover.side import Side
from handover_testing.crashes import check_explained, check_refusals, crash, go_back, points_of, run
from handover_testing.growing_log import GrowingLog, own_line
from handover_testing.night import BACKEND, ORIGINAL, VERIFY, windows

CLEANUP = """
[cleanup]
after_h = 0.0000001
decommission = ["stop-vm", "remove-vm"]
"""


@pytest.fixture
def verified(story):
    """In loose watching, its time over; the hooks write down that they ran."""
    story.declare(VERIFY + CLEANUP)
    (folder := story.pair.folder / "hooks").mkdir()
    for name in ("stop-vm", "remove-vm"):
        (folder / name).write_text(f"#!/bin/sh\necho {name} >> {story.pair.folder}/gone\n")
        (folder / name).chmod(0o755)
    story.switched()
    windows(story, 0.0, 0.0, 0.0)
    story.done("verify")
    return story


def gone(story) -> list[str]:
    path = story.pair.folder / "gone"
    return path.read_text().split() if path.exists() else []


def confirmed(*names: str) -> list[str]:
    return [word for name in names for word in ("--confirm", name)]


def test_cleanup__confirmed__archives_first_and_runs_the_hooks_in_order(verified):
    original = verified.pair.folder / "original"
    for command in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "all"],
    ):
        subprocess.run(["git", "-C", str(original), *command], check=True)
    verified.done("cleanup", "--apply", *confirmed("stop-vm", "remove-vm"))
    assert gone(verified) == ["stop-vm", "remove-vm"]
    assert verified.state() == "cleaned"
    archive = verified.pair.folder / ".handover/archive"
    head = subprocess.run(["git", "-C", str(original), "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    assert head.stdout.strip() in (archive / "code.txt").read_text()
    assert "dance_tasks" in (archive / "schema.md").read_text()
    assert "error_rate" in (archive / "parity.json").read_text()
    assert verified.people_reach() == [BACKEND]
    verified.pair.superuser("SELECT FROM dance_tasks")  # the database stays


def test_cleanup__without_apply__shows_the_order_and_does_nothing(verified):
    shown = verified.done("cleanup").stdout
    assert shown.index("run stop-vm") < shown.index("run remove-vm")
    assert gone(verified) == []


def test_cleanup__without_apply_and_without_hooks__says_that_none_is_declared(story):
    shown = " ".join(story.done("cleanup").stdout.split())
    assert "No hook is declared ([cleanup] decommission), so nothing else would run. The database stays." in shown
    assert "in this order" not in shown


def test_cleanup__second_step_is_not_confirmed__stops_before_it(verified):
    said = verified.refused("cleanup", "--apply", *confirmed("stop-vm"))
    assert "HO594  remove-vm was not confirmed" in said
    assert gone(verified) == ["stop-vm"]
    assert verified.state() == "cleaning"
    verified.done("resume", *confirmed("remove-vm"))
    assert gone(verified) == ["stop-vm", "remove-vm"]
    assert verified.state() == "cleaned"


def test_cleanup__before_the_waiting_time__is_refused(verified):
    verified.file.write_text(verified.file.read_text().replace("after_h = 0.0000001", "after_h = 100"))
    said = verified.refused("cleanup", "--apply", *confirmed("stop-vm", "remove-vm"))
    assert "HO590" in said
    assert "100.0 h are left. Nothing was changed." in said
    assert verified.state() == "verifying"


def test_cleanup__backend_is_in_breach__is_refused(verified):
    windows(verified, 0.5, 0.5, 0.5, 0.5, 0.5)
    said = verified.refused("cleanup", "--apply", *confirmed("stop-vm", "remove-vm"))
    assert "HO591  the backend is not well, or was not watched: error_rate is" in said
    assert gone(verified) == []


def test_cleanup__original_still_gets_requests__is_refused(verified):
    way = f'original = "{verified.systems["original"].url}/requests"'
    more = "sql:SELECT extract(epoch FROM clock_timestamp()) * 1000"
    verified.file.write_text(verified.file.read_text().replace(way, f'original = "{more}"'))
    said = verified.refused("cleanup", "--apply", *confirmed("stop-vm", "remove-vm"))
    assert "HO592  the original still gets requests" in said


def test_cleanup__only_the_watch_asks_the_original__is_done(verified):
    """The watch must go on until the clean-up, and its requests are in the log like all others."""
    way = f'original = "{verified.systems["original"].url}/requests"'
    verified.file.write_text(verified.file.read_text().replace(way, 'original = "log:access.log"'))
    path, config = verified.pair.folder / "access.log", verified.config
    with GrowingLog(path, lambda: own_line(config, Side.ORIGINAL)):
        verified.done("cleanup", "--apply", *confirmed("stop-vm", "remove-vm"))
    assert verified.state() == "cleaned"


def test_cleanup__outage_is_not_signed_off__is_refused(verified):
    windows(verified, 0.5, 0.0, 0.0, 0.0)
    said = verified.refused("cleanup", "--apply", *confirmed("stop-vm", "remove-vm"))
    assert "HO591  the backend is not well, or was not watched: the last windows are well, but red from" in said
    name = json.loads(verified.handover("verify", "--json").stdout)["unsigned"][0]["name"]
    verified.done("verify", "--sign-off", name, "--because", "a bad deployment, taken back")
    verified.done("cleanup", "--apply", *confirmed("stop-vm", "remove-vm"))
    assert verified.state() == "cleaned"


def test_cleanup__too_early_a_state__is_refused(story):
    story.switched()
    assert "`cleanup` leads from verifying; the state is switched" in story.refused("cleanup", "--apply")


def points() -> list[str]:
    """Every point of the command. The short run takes two of them, since each ends a story."""
    actions = ("archive the original", "decommission: stop-vm", "decommission: remove-vm")
    within = [f"{action}: {phase}" for action in actions for phase in ("before", "begun", "done", "written")]
    return ["begun", *within, "end", "ended"]


BRIEFLY = ("archive the original: done", "decommission: stop-vm: done")


@pytest.mark.parametrize("point", [p if p in BRIEFLY else pytest.param(p, marks=pytest.mark.full) for p in points()])
def test_cleanup__crash__is_explained_and_goes_on(verified, point):
    crash(verified, "cleanup", point)
    check_explained(verified)
    if verified.state() != "cleaned":
        assert "Under way: cleanup" in verified.handover("status").stdout
        verified.done("resume", *confirmed("stop-vm", "remove-vm"))
    assert list(dict.fromkeys(gone(verified))) == ["stop-vm", "remove-vm"]
    assert verified.state() == "cleaned"
    check_explained(verified)


@pytest.mark.full
def test_cleanup__runs_to_its_end__comes_by_every_point(verified):
    assert {*points_of(verified, "cleanup")} <= {"begin", *points()}


@pytest.mark.parametrize("point", ["archive the original: done", pytest.param("end", marks=pytest.mark.full)])
def test_cleanup__crash__leads_back_as_well(verified, point):
    verified.file.write_text(verified.file.read_text().replace("write = {", "# write = {"))
    crash(verified, "cleanup", point)
    assert go_back(verified).state == "rolled_back"
    check_explained(verified)
    assert verified.people_reach() == [ORIGINAL]


@pytest.mark.parametrize("state", ["verifying", "cleaning", "cleaned"])
@pytest.mark.thinned(to_one_in=3)
def test_command__state_does_not_allow_it__changes_nothing(verified, state):
    if state == "cleaning":
        crash(verified, "cleanup", "archive the original: done")
    elif state == "cleaned":
        run(verified, "cleanup")
    assert verified.state() == state
    check_refusals(verified)


def test_cleanup__hook_is_not_there__is_told_before_and_nothing_is_begun(verified):
    (verified.pair.folder / "hooks/remove-vm").unlink()
    listed = verified.handover("hooks", "list")
    assert listed.returncode == 1
    assert "clean-up: stop-vm\n" in listed.stdout
    assert "hooks/remove-vm is not there or not executable" in listed.stdout
    assert "run remove-vm, after you type its name: refused now, " in verified.done("cleanup").stdout
    said = verified.refused("cleanup", "--apply", *confirmed("stop-vm", "remove-vm"))
    assert "HO593  a hook of the clean-up cannot be run: " in said
    assert (verified.state(), gone(verified)) == ("verifying", [])
