"""A pause says what it paused and what not, and looks afterwards; so does its lift."""

import getpass
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from handover.journal.copy import JournalCopy
from handover.journal.journal import opened
from handover.journal.lease import held
from handover.journal.processes import PLACE
from handover.runs import pause as pausing
from handover_testing.night import BACKEND, FROM_OCTODNS, ORIGINAL, Story

pytestmark = pytest.mark.filterwarnings(FROM_OCTODNS)
ANA = f"{getpass.getuser()} (called ana)"
DOWN = {"HANDOVER_DATABASE_URL": "postgresql://absent@127.0.0.1:1/nothing"}
# As a process of the toolkit that waits for something and does not end.
DEAF = """
import fcntl, json, os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
file = open(sys.argv[1], "w")
fcntl.flock(file, fcntl.LOCK_EX)
json.dump({"pid": os.getpid(), "command": "load", "who": "ana"}, file)
file.flush()
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def begun(story: Story) -> Story:
    story.with_journal()
    return story


@contextmanager
def down(story: Story):
    """The journal's database does not answer here."""
    story.pair.patch.setenv("HANDOVER_DATABASE_URL", DOWN["HANDOVER_DATABASE_URL"])
    yield story.pair.ended
    story.pair.patch.setenv("HANDOVER_DATABASE_URL", story.pair.database.url("owner"))


def elsewhere(story: Story, folder: Path) -> Story:
    """Return an operator on another machine: another folder with the same file, and the journal's key."""
    (folder / ".handover").mkdir(parents=True)
    shutil.copy(story.file, folder)
    shutil.copy(story.pair.folder / "octodns.yaml", folder)
    shutil.copy(story.pair.folder / ".handover/key", folder / ".handover/journal.key")
    return replace(story, pair=replace(story.pair, folder=folder))


def test_pause__everything_is_paused__says_so_part_by_part(begun):
    said = begun.done("pause", "--because", "wait").stdout
    assert f"the journal: paused by {ANA} on " in said
    assert f"this machine's copy: paused by {ANA} on " in said
    assert "running here: no process of the toolkit" in said
    assert "other folders and machines: no command holds the lease" in said
    assert "Everything is paused." in said
    assert "NOT" not in said


def test_pause__without_the_database__says_that_others_go_on_and_fails(begun, tmp_path):
    other = elsewhere(begun, tmp_path / "other")
    with down(begun) as ended:
        said = ended("pause", "--because", "wait")
    assert said.returncode == 1
    assert "the journal: NOT paused. the database does not answer at 127.0.0.1" in said.stdout
    assert f"this machine's copy: paused by {ANA}" in said.stdout
    assert "other folders and machines: NOT paused. Unknown: without the pause in the database" in said.stdout
    assert "NOT everything is paused." in said.stdout
    assert "Everything is paused" not in said.stdout
    other.done("cutover", "begin", "--apply")  # as it said: another folder goes on
    assert f"HO507  everything is paused by {ANA}" in begun.refused("resume")  # the pause has come over
    assert "HO507" in other.refused("resume")


def test_pause__without_the_right_to_write__says_so_and_fails(begun):
    begun.pair.superuser("REVOKE INSERT ON handover.journal FROM handover_journal")
    said = begun.handover("pause")
    assert said.returncode == 1
    assert "the journal: NOT paused." in said.stdout
    assert "permission denied for table journal" in said.stdout
    assert f"this machine's copy: paused by {ANA}" in said.stdout


def test_pause__without_a_journal__says_so_and_fails(story):
    said = story.handover("pause")
    assert said.returncode == 1
    assert "the journal: NOT paused. HO502" in said.stdout
    assert "other folders and machines: NOT paused. Unknown" in said.stdout


def test_pause__copy_is_damaged__the_database_gets_it_all_the_same(begun, tmp_path):
    other = elsewhere(begun, tmp_path / "other")
    path = begun.pair.folder / ".handover/journal.jsonl"
    path.write_text(path.read_text().replace('"init"', '"note"', 1))
    said = begun.handover("pause")
    assert said.returncode == 1
    assert f"the journal: paused by {ANA}" in said.stdout
    assert "this machine's copy: NOT paused. HO501" in said.stdout
    assert "HO507" in other.refused("cutover", "begin", "--apply")


def test_pause__a_process_here_does_not_end__names_it_and_fails(begun, monkeypatch):
    monkeypatch.setattr(pausing, "STOPS_WITHIN_S", 0.2)
    place = begun.pair.folder / PLACE / "deaf.json"
    place.parent.mkdir(mode=0o700, exist_ok=True)
    command = [sys.executable, "-c", DEAF, str(place)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as deaf:
        assert deaf.stdout.readline() == b"ready\n"
        place.chmod(0o600)
        said = begun.handover("pause")
        deaf.kill()
    assert said.returncode == 1
    assert f"running here: NOT paused. `load` of ana, pid {deaf.pid} did not end within 0.2 s" in said.stdout
    assert f"kill -9 {deaf.pid}" in said.stdout
    assert "the journal: paused" in said.stdout


def test_pause__something_here_only_measures__is_said_to_run_on(begun):
    place = begun.pair.folder / PLACE / "watch.json"
    place.parent.mkdir(mode=0o700, exist_ok=True)
    text = DEAF.replace('"load"', '"watch"').replace('"who"', '"acts": False, "who"')
    with subprocess.Popen(
        [sys.executable, "-c", text, str(place)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as on:
        assert on.stdout.readline() == b"ready\n"
        place.chmod(0o600)
        said = begun.done("pause").stdout
        on.kill()
    goes_on = f"`watch` of ana, pid {on.pid} runs on: it only measures."
    assert f"running here: no process of the toolkit that acts. {goes_on}" in said


def test_pause__a_command_elsewhere_does_not_end__names_it_and_fails(begun, tmp_path, monkeypatch):
    monkeypatch.setattr(pausing, "HEARD_WITHIN_S", 0.2)
    other = elsewhere(begun, tmp_path / "other")
    with held(other.config, "rehearse-rollback") as lease:
        lease._end.set()  # its thread listens no more, as that of a process that hangs
        said = begun.handover("pause")
    assert said.returncode == 1
    assert f"other folders and machines: NOT paused. {ANA} on " in said.stdout
    assert "`rehearse-rollback`) since" in said.stdout
    assert "is still at work" in said.stdout


def test_lift__pause_is_only_in_the_copy__is_brought_over_first_and_does_not_come_back(begun):
    with down(begun) as ended:
        ended("pause")
    assert "the database lacked the entry pause" in begun.done("pause", "--lift").stderr
    begun.done("resume")
    assert begun.status().position.paused is None


def test_lift__without_the_database__is_refused_and_names_what_works(begun):
    begun.done("pause")
    with down(begun) as ended:
        said = ended("pause", "--lift")
        assert said.returncode == 1
        assert "HO500  the pause was not lifted: the journal's database does not answer" in said.stderr
        assert "handover pause --lift --copy-alone" in said.stderr
        assert ended("pause", "--lift", "--copy-alone").returncode == 0
        assert "Paused" not in ended("status").stdout
    assert "everything is paused" not in begun.done("resume").stderr  # the lift has come over as well


def test_lift__copy_alone_while_the_database_answers__is_refused(begun):
    begun.done("pause")
    assert "HO508" in begun.refused("pause", "--lift", "--copy-alone")
    assert begun.status().position.paused is not None
    assert begun.handover("pause", "--copy-alone").returncode == 2


def test_lift__nothing_is_paused__is_refused(begun):
    assert "HO507  nothing is paused." in begun.refused("pause", "--lift")


def test_pause__in_an_emergency_without_the_database__people_still_come_back(story):
    """A pause that only the copy has must not lock the way back."""
    story.switched()
    with down(story) as ended:
        assert ended("pause").returncode == 1
        refused = ended("rollback", "--apply", "--copy-alone", "--because", "no database", "--unproven", "it is down")
        assert "HO507" in refused.stderr
        assert ended("pause", "--lift", "--copy-alone").returncode == 0
        back = ended("rollback", "--apply", "--copy-alone", "--because", "no database", "--unproven", "it is down")
        assert back.returncode == 0, back.stderr
    assert story.people_reach() == [ORIGINAL] != [BACKEND]
    assert len(JournalCopy(story.config.root).entries()) > 0
    with opened(story.config) as journal:
        assert journal.only_in_copy()
