"""Both systems under kills, in a small size; and the audit, which must name whatever is planted.

``script/bench crash`` runs the full size.
"""

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import closing
from copy import deepcopy

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from sandbox import template
from sandbox.postgres import Server, binaries
from sandbox.postgres.account import Account
from tests.crashes import audit_of_traces
from tests.crashes.audit_of_tasks import BESIDE_A_VIDEO, Records, audit_tasks
from tests.crashes.ledger import Entry, Ledger
from tests.crashes.night import DATABASE, Night, Size, night

pytestmark = pytest.mark.full  # the run that all of them look at takes as long as a hundred others
# A worker at work on a video; then PostgreSQL, before it commits that one is completed.
SEED = 49663
SIZE = Size(kills=2, generations=2, people=2, songs=1, minutes=5)


def copied_from(postgres: Server, adopted_template: str):
    """Return what makes the database of a run as a copy of the template, which takes a second instead of eight."""

    def build(server: Server) -> None:
        programs = binaries.programs(Account.current())
        with server.connect() as session:
            password = str(conninfo_to_dict(server.url("backend_app", DATABASE))["password"])
            session.execute(sql.SQL("CREATE ROLE backend_app LOGIN PASSWORD {}").format(sql.Literal(password)))
            with postgres.connect() as other:
                role = "SELECT rolconfig FROM pg_roles WHERE rolname = 'backend_app'"
                for setting in other.execute(role).fetchone()[0] or []:
                    name, _, value = setting.partition("=")
                    session.execute(f"ALTER ROLE backend_app SET {name} = {value}")
        server.create_database(DATABASE)
        with template.clone(postgres, adopted_template) as source:
            dump = subprocess.run(
                [programs / "pg_dump", source.url("postgres")], stdout=subprocess.PIPE, check=True
            ).stdout
        subprocess.run(
            [programs / "psql", "-q", "-v", "ON_ERROR_STOP=1", server.url("postgres", DATABASE)],
            input=dump,
            stdout=subprocess.DEVNULL,
            check=True,
        )

    return build


@pytest.fixture(scope="module")
def run(postgres, adopted_template) -> Iterator[Night]:
    """A small run, at rest."""
    build = copied_from(postgres, adopted_template)
    with night(SEED, SIZE, say=print, build=build) as started:
        started.play()
        yield started


@pytest.fixture
def records(run: Night) -> Records:
    """What the run left, to be spoilt."""
    return deepcopy(run.records())


@pytest.fixture
def ledger(run: Night) -> Ledger:
    """What people know after the run, to be spoilt."""
    return Ledger(entries=deepcopy(run.ledger.entries), keys=deepcopy(run.ledger.keys))


def test_killed_at_seeded_points__each_task_ends_once_and_nothing_is_left(run):
    assert [str(deviation) for deviation in run.audit_at_rest()] == [], run.troubles.told
    figures = run.figures([], run.records())
    assert figures["kills"] >= SIZE.kills
    assert figures["tasks"] >= SIZE.generations
    assert figures["tasks"] == figures["completed"] + figures["failed_with_reason"] + figures["cancelled"]
    assert figures["completed"] > 0


# Negative controls: each kind of deviation is planted, and must be named.


def named(found: list, *words: str) -> bool:
    """Return whether exactly one deviation is there, and says all of this."""
    return len(found) == 1 and all(word in str(found[0]) for word in words)


def of_ending(records: Records, outcome: str) -> dict:
    """Return a job of the backend with this outcome, whose person did not delete its choreography."""
    return next(job for job in records.jobs.values() if job["outcome"] == outcome and job["request"])


def add_files(records: Records, video: str) -> None:
    records.videos.add(video)
    records.sidecars.update(beside(video))


def forget_files(records: Records, video: str) -> None:
    records.videos.discard(video)
    records.sidecars.difference_update(beside(video))


def beside(video: str) -> set[str]:
    return {video.removesuffix(".mp4") + ending for ending in BESIDE_A_VIDEO}


@pytest.fixture
def completed(ledger, records) -> dict:
    """A completed job that is in the collection, and stays there."""
    job = of_ending(records, "completed")
    entry = ledger.entries[job["task_id"]]
    entry.auto_save, entry.saved_id, entry.delete_asked, entry.deleted = None, "", False, False
    entry.cancel_asked, entry.cancelled = False, False
    video = f"output/user_{job['user_id']}/{job['task_id']}.mp4"
    add_files(records, video)
    records.saved[job["task_id"]] = [{"video_path": video}]
    records.tasks[job["task_id"]]["result"] = {"video_path": video}
    assert audit_tasks(ledger, records) == []
    return job | {"video": video}


def test_audit__a_task_that_no_row_knows__is_lost(ledger, records):
    ledger.add(Entry("t-1", 1, "backend", auto_save=False))
    assert named(audit_tasks(ledger, records), "lost: task t-1 was acknowledged, and there is no row of it")


def test_audit__what_people_saw_wrong__is_lost(ledger, records):
    ledger.note("task t-1 was acknowledged, and backend answers 404")
    assert named(audit_tasks(ledger, records), "lost: task t-1 was acknowledged, and backend answers 404")


def test_audit__one_key_two_tasks__is_a_duplicate(ledger, records):
    ledger.keys["key"] = {"t-1", "t-2"}
    assert named(audit_tasks(ledger, records), "duplicate: one Idempotency-Key started ['t-1', 't-2']")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"outcome": None, "attempt": 2, "owner": "host:7"}, "has not ended (attempt 2, holder host:7)"),
        ({"token": uuid.uuid4()}, "the lease of task"),
        ({"outcome": "failed", "error": "no room"}, "is failed, and its row is completed"),
        ({"outcome": "cancelled"}, "counts as cancelled, and its person did not cancel it"),
    ],
)
def test_audit__a_job_that_does_not_fit__is_named(ledger, records, completed, changes, words):
    records.jobs[completed["task_id"]] |= changes
    assert any(words in str(deviation) for deviation in audit_tasks(ledger, records))


def test_audit__no_row__is_lost(ledger, records, completed):
    del records.tasks[completed["task_id"]]
    assert named(audit_tasks(ledger, records), "lost: ", "is completed, and its row is gone")


def test_audit__a_failure_without_a_reason__is_lost(ledger, records, completed):
    name = completed["task_id"]
    del records.saved[name]
    forget_files(records, completed["video"])
    records.jobs[name] |= {"outcome": "failed", "error": ""}
    records.tasks[name] |= {"status": "failed", "error": "", "result": None}
    assert named(audit_tasks(ledger, records), "lost: task", "failed without a reason")


def test_audit__a_missing_file__is_lost(ledger, records, completed):
    del records.saved[completed["task_id"]]
    forget_files(records, completed["video"])
    assert named(audit_tasks(ledger, records), "lost: task", "its file", "is missing")


def test_audit__a_missing_file_of_the_collection__is_lost(ledger, records, completed):
    ledger.entries[completed["task_id"]].delete_asked = True
    forget_files(records, completed["video"])
    assert named(audit_tasks(ledger, records), "lost: the collection names", "which is missing")


def test_audit__saved_twice__is_a_duplicate(ledger, records, completed):
    records.saved[completed["task_id"]] *= 2
    assert named(audit_tasks(ledger, records), "duplicate: task", "is 2 times in the collection")


def test_audit__not_saved__is_lost(ledger, records, completed):
    ledger.entries[completed["task_id"]].auto_save = True
    del records.saved[completed["task_id"]]
    assert named(audit_tasks(ledger, records), "lost: task", "was to be saved")


def test_audit__deleted_and_still_there__is_lost(ledger, records, completed):
    entry = ledger.entries[completed["task_id"]]
    entry.delete_asked = entry.deleted = True
    assert named(audit_tasks(ledger, records), "lost: the choreography of task", "was deleted")


def test_audit__cancelled_and_still_there__is_lost(ledger, records, completed):
    entry = ledger.entries[completed["task_id"]]
    entry.cancel_asked = entry.cancelled = True
    assert named(audit_tasks(ledger, records), "lost: task", "was cancelled, and its row is still there")


def test_audit__two_files_of_one_task__is_a_duplicate(ledger, records, completed):
    second = completed["video"].replace("output/", "output/copy/")
    add_files(records, second)
    records.saved["other"] = [{"video_path": second}]
    assert named(audit_tasks(ledger, records), "duplicate: task", "has 2 files")


def test_audit__two_tasks_of_one_file__is_a_duplicate(ledger, records, completed):
    records.saved["other"] = [{"video_path": completed["video"]}]
    assert named(audit_tasks(ledger, records), "duplicate: 2 tasks name the file")


@pytest.mark.parametrize("ending", BESIDE_A_VIDEO)
def test_audit__a_sidecar_without_its_video__is_an_orphan(ledger, records, ending):
    records.sidecars.add(f"output/user_1/gone{ending}")
    assert named(audit_tasks(ledger, records), f"orphan: the file output/user_1/gone{ending} lies beside no video")


def test_audit__a_video_without_a_sidecar__is_lost(ledger, records, completed):
    records.sidecars.discard(completed["video"].replace(".mp4", ".captions.vtt"))
    assert named(audit_tasks(ledger, records), "lost: the video", "has no .captions.vtt beside it")


def test_audit__a_file_that_nothing_names__is_an_orphan(ledger, records):
    records.videos.add("output/user_1/nobodys.mp4")
    assert named(audit_tasks(ledger, records), "orphan: no row and no job names the file output/user_1/nobodys.mp4")


@pytest.mark.parametrize(("status", "words"), [("running", "has not ended (running)"), ("failed", "without a reason")])
def test_audit__a_task_of_the_original_that_does_not_fit__is_lost(ledger, records, status, words):
    records.tasks["o-1"] = {"task_id": "o-1", "status": status, "error": None, "result": None}
    assert named(audit_tasks(ledger, records), "lost: task o-1 of the original", words)


def test_audit__a_system_that_says_otherwise__is_lost(run, records):
    dancer = next(dancer for dancer in run.dancers if dancer.made)
    name = next(
        e.task_id for e in run.ledger.entries.values() if e.user_id == dancer.user_id and e.task_id in records.tasks
    )
    again = dancer.again(run.crew.urls)
    told = list(run._answers_for(again, name, {"status": "lost in thought"}))
    again.leave()
    assert [str(deviation).rpartition(", and ")[2].split()[1] for deviation in told] == ["backend", "original"]


@pytest.mark.parametrize(
    "name",
    [
        "media/output/.drafts/t.1",
        "media/.upload-x",
        "media/output/user_1/.video.x.part",
        "cache/.sound.x.part",
        "temporary/backend/tmp1",
    ],
)
def test_audit__a_temporary_file__is_an_orphan(run, name):
    place = run.place.folder
    (place / name).parent.mkdir(parents=True, exist_ok=True)
    (place / name).mkdir()
    try:
        assert named(audit_of_traces.audit_temporary_files(place), f"orphan: temporary file {name}")
    finally:
        (place / name).rmdir()


@pytest.mark.parametrize("how", ["environment", "command", "folder"])
def test_audit__a_process_that_belongs_to_no_system__is_an_orphan(run, how):
    place = run.place.folder
    environment = {**os.environ, "TMPDIR": f"{place}/temporary"} if how == "environment" else dict(os.environ)
    code = f"input() or {str(place / 'x')!r}" if how == "command" else "input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], env=environment, cwd=place if how == "folder" else "/", stdin=subprocess.PIPE
    ) as child:
        # It is this process's child, which does not make it one of a system's.
        pids = [member.pid for member in run.crew.members.values()] + [run.database.server.pid]
        found = audit_of_traces.audit_processes(place, pids)
        child.kill()
    assert named(found, f"orphan: process {child.pid}: ")


def test_audit__a_connection_of_a_process_that_is_gone__is_an_orphan(run):
    with closing(psycopg.connect(run.database.url("backend_app"), application_name="worker-1.0")):
        found = audit_of_traces.audit_sessions(run.database, run.crew.names())
    assert named(found, "orphan: connection", "'worker-1.0', which is gone")


def test_audit__a_lock_that_is_held_at_rest__is_an_orphan(run):
    with closing(
        psycopg.connect(run.database.url("backend_app"), application_name="worker-1.0", autocommit=True)
    ) as session:
        session.execute("SELECT pg_advisory_lock(7)")
        assert named(audit_of_traces.audit_locks(run.database), "orphan: ExclusiveLock on advisory", "worker-1.0")


def test_audit__a_call_that_no_worker_ended__is_an_orphan(run):
    with psycopg.connect(run.database.url("backend_app")) as session:
        session.execute("SET search_path = backend")
        session.execute(
            "INSERT INTO procrastinate_jobs (task_name, queue_name, status) VALUES ('generate', 'elsewhere', 'doing')"
        )
        session.commit()
        found = audit_of_traces.audit_queue(run.database)
        session.execute("DELETE FROM procrastinate_jobs WHERE queue_name = 'elsewhere'")
    assert named(found, "orphan: call", "of the queue is doing")


def test_audit__a_lease_of_a_job_that_has_ended__is_an_orphan(run):
    with psycopg.connect(run.database.url("backend_app")) as session:
        lease = "UPDATE backend.jobs SET token = %s, owner = 'host:7' WHERE task_id = %s"
        name = session.execute("SELECT min(task_id) FROM backend.jobs").fetchone()[0]
        session.execute(lease, [uuid.uuid4(), name])
        session.commit()
        found = audit_of_traces.audit_queue(run.database)
        session.execute("UPDATE backend.jobs SET token = NULL, owner = '' WHERE task_id = %s", [name])
    assert named(found, f"orphan: the lease of task {name} is held by host:7")


def test_stopped__nothing_of_the_systems_is_left(run):
    assert [str(deviation) for deviation in run.audit_stopped()] == []
