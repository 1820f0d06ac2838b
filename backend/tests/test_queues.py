"""What waits in which queue, what goes first, and that nothing waits for ever. The queue is the real one."""

import errno
import json
import os
import shutil
import signal
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateEvent, ProcrastinateJob

from apps.authentication.models import User
from apps.generation.sweep import Sweeps, repair
from apps.jobs import calls, queues
from apps.jobs.estimates import pace
from apps.jobs.models import WorkerQueues
from apps.moves.ingest import Films, Waiting, start_ingest, work_on
from apps.open_sessions.models import OpenSession
from bachateo.moves.index.local import LocalMoveIndex
from config.clock import database_now
from tests.conftest import make_user
from tests.generating import place_song, start
from tests.workers import workers_on

LONG_AGO = timedelta(hours=1)


def call_to_ingest(*, since: timedelta = timedelta(), **share: Any) -> None:
    """Call a worker to a share of films that are not there: it ends at once, as a failure."""
    nowhere = {"films": "/nowhere", "annotations": "/nowhere/a.json", "library": "/nowhere/library"}
    size = {"height": None, "width": None, "rate_hz": None}
    calls.call_to_ingest(
        nowhere | size | {"number": 1, "of": 1} | share, since=database_now() - since, priority=queues.GIVES_WAY
    )


def begun() -> list[str]:
    """Return the queues of the calls that a worker has begun, in their order."""
    events = ProcrastinateEvent.objects.filter(type="started").order_by("pk")
    return list(events.values_list("job__queue_name", flat=True))


def work(*options: str) -> None:
    call_command("procrastinate", "worker", "--one-shot", *options)


def test_choreography__asked_for_after_an_ingest__goes_first(own_database):
    call_to_ingest()
    calls.call_worker()
    work()
    assert begun() == ["generate", "ingest"]


@pytest.mark.parametrize(
    ("waited", "order"), [(LONG_AGO, ["ingest", "generate"]), (timedelta(), ["generate", "ingest"])]
)
def test_ingest__has_given_way_for_long__goes_first(own_database, waited, order):
    call_to_ingest(since=waited)
    calls.call_worker()
    repair()
    work()
    assert begun() == order


@pytest.fixture
def films(tmp_path: Path, moves_library: Path) -> Films:
    """Three films that are refused as soon as they are opened: they have no sound."""
    folder = tmp_path / "films"
    folder.mkdir()
    clip = next(moves_library.rglob("*.mp4"))
    said = []
    for number in range(3):
        shutil.copy(clip, folder / f"{number}.mp4")
        said.append(annotation(number))
    annotations = folder / "annotations.json"
    annotations.write_text(json.dumps({"clips": said}))
    return Films(str(folder), str(annotations), str(tmp_path / "library"))


def annotation(number: int) -> dict[str, str]:
    return {
        "clip_id": f"film{number}",
        "video_path": f"{number}.mp4",
        "move_label": f"move{number}",
        "energy_level": "low",
        "difficulty": "low",
    }


def heard(films: Films) -> bool:
    """Return whether a share has looked at its films."""
    return any(Path(films.library, ".ingest").glob("share-*"))


@pytest.mark.parametrize("is_waited_for", [True, False])
def test_share__choreography_waits__gives_way_and_waits_again_since_when_it_did(own_database, films, is_waited_for):
    start_ingest(films, shares=1)
    share = ProcrastinateJob.objects.get(args__number=1)
    ProcrastinateJob.objects.all().delete()
    if is_waited_for:
        calls.call_worker()
    work_on(share.args, Waiting(share.priority, share.scheduled_at))
    again = ProcrastinateJob.objects.filter(queue_name="ingest").values_list("args", "priority", "scheduled_at")
    assert list(again) == ([(share.args, queues.GIVES_WAY, share.scheduled_at)] if is_waited_for else [])
    assert heard(films) != is_waited_for


def test_share__has_given_way_for_long__gives_way_no_more(own_database, films):
    start_ingest(films, shares=1)
    share = ProcrastinateJob.objects.get(args__number=1)
    calls.call_worker()
    work_on(share.args, Waiting(queues.FIRST, share.scheduled_at))
    assert heard(films)


def test_share__others_have_not_heard_theirs__is_called_again_later(own_database, films):
    start_ingest(films, shares=2)
    share = ProcrastinateJob.objects.get(args__number=1)
    work_on(share.args, Waiting(share.priority, share.scheduled_at))
    later = ProcrastinateJob.objects.filter(args__number=1, scheduled_at__gt=database_now())
    assert later.count() == 1


def test_share__there_is_no_room__is_called_again_later(own_database, films, monkeypatch, caplog):
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "film1.mp4")

    start_ingest(films, shares=1)
    share = ProcrastinateJob.objects.get(args__number=1)
    monkeypatch.setattr("bachateo.moves.ingest.ingest_share", full)
    work_on(share.args, Waiting(share.priority, share.scheduled_at))
    assert ProcrastinateJob.objects.filter(args__number=1, scheduled_at__gt=database_now()).count() == 1
    assert "share 1 of 1 waits for room: [Errno 28] No space left on device: 'film1.mp4'" in caplog.text


@pytest.mark.parametrize(
    ("error", "times"), [(OperationalError("the server closed the connection"), 2), (KeyError("x"), 1)]
)
def test_ingest__database_is_away_for_a_moment__is_begun_again_and_has_waited_as_long(
    own_database, monkeypatch, error, times
):
    begun: list[Any] = []

    def work_on(_share: Any, waiting: Waiting) -> None:
        begun.append(waiting.since)
        if len(begun) == 1:
            raise error

    monkeypatch.setattr("apps.generation.jobs.work_on", work_on)
    call_to_ingest(since=LONG_AGO)
    work()
    assert (len(begun), len(set(begun))) == (times, 1)


def test_ingest__is_called_for_already__is_refused(own_database, films):
    places = {"annotations": films.annotations, "out": films.library}
    call_command("ingest", films.films, **{name: Path(place) for name, place in places.items()}, shares=2)
    waiting = ProcrastinateJob.objects.order_by("pk").values_list("args__number", flat=True)
    assert list(waiting) == [1, 2, 0]
    with pytest.raises(CommandError, match=r"Workers are called to an ingest into .*/library already. Wait until"):
        call_command("ingest", films.films, **{name: Path(place) for name, place in places.items()})


def test_ingest__of_what_is_not_there__says_so(own_database, tmp_path):
    with pytest.raises(CommandError, match=r"is not a folder\. Name the folder of the films"):
        call_command("ingest", str(tmp_path / "no"), annotations=tmp_path / "a.json")
    with pytest.raises(CommandError, match=r"a\.json"):
        call_command("ingest", str(tmp_path), annotations=tmp_path / "a.json")
    assert not ProcrastinateJob.objects.exists()


@pytest.mark.parametrize(("served", "left"), [("ingest", "generate"), ("generate", "ingest")])
def test_worker__of_one_queue__leaves_the_other(own_database, served, left):
    call_to_ingest()
    calls.call_worker()
    work("--queues", served)
    assert begun() == [served]
    assert [call.queue_name for call in ProcrastinateJob.objects.filter(status="todo")] == [left]


def test_worker__of_a_queue_that_is_none__is_refused(own_database):
    with pytest.raises(
        CommandError, match=r"There is no queue video\. The queues are generate, webhooks, ingest, chores"
    ):
        work("--queues", "video")
    with pytest.raises(CommandError, match="invalid choice: 'video'"):
        call_command("worker", "--queue", "video")


def test_workers__that_make_no_videos__are_not_counted_among_those_that_do(db, settings):
    settings.PARALLEL_RUNNING_LIMIT = 8
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers DEFAULT VALUES RETURNING id")
        (apart,) = cursor.fetchone()
        cursor.execute("INSERT INTO procrastinate_workers DEFAULT VALUES")
    assert (calls.live_workers(), pace().at_once) == (2, 2)
    WorkerQueues.objects.create(worker_id=apart, queues=["ingest", "chores"])
    assert (calls.live_workers(), pace().at_once) == (1, 1)
    assert [calls.live_workers(name) for name in queues.QUEUES] == [1, 1, 2, 2]
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_workers")
    assert not WorkerQueues.objects.exists()


@pytest.mark.full
def test_worker__of_some_queues__says_so_when_it_comes(own_database, tmp_path):
    with workers_on(own_database, tmp_path) as running:
        running.start("--queues", "ingest,chores")
        running.until(WorkerQueues.objects.exists, "it is registered")
        assert [calls.live_workers(name) for name in queues.QUEUES] == [0, 0, 1, 1]
        running.start()
        running.until(calls.live_workers, "another one serves all")
        assert [calls.live_workers(name) for name in queues.QUEUES] == [1, 1, 2, 2]


def expired_session(user: User) -> OpenSession:
    """Return what a chore removes."""
    past = timezone.now() - LONG_AGO
    return OpenSession.objects.create(
        user=user, key_hash="a" * 64, auth_hash="", begun_at=past, begun_here=True, expires_at=past
    )


def test_chores__choreography_waits__give_way_for_a_time_and_are_done_then(ana, demo_song, settings):
    place_song(demo_song)
    sweeps = Sweeps(queues.QUEUES)
    sweeps.once()
    start(ana)
    session = expired_session(ana)
    sweeps.once()
    assert OpenSession.objects.filter(pk=session.pk).exists()
    settings.GIVE_WAY_S = 0
    sweeps.once()
    assert not OpenSession.objects.filter(pk=session.pk).exists()


@pytest.mark.parametrize(("served", "are_done"), [(["chores"], True), (["generate", "webhooks"], False)])
def test_chores__are_done_by_workers_that_serve_them(ana, demo_song, served, are_done):
    sweeps = Sweeps(served)
    sweeps.once()
    place_song(demo_song)
    start(ana)
    session = expired_session(ana)
    sweeps.once()
    assert OpenSession.objects.filter(pk=session.pk).exists() != are_done


@pytest.mark.full
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "told to end"])
def test_ingest__by_two_workers_of_which_one_is_ended__makes_the_library(
    own_database, settings, tmp_path, moves_library, demo_song, how
):
    settings.MOVES_LIBRARY = moves_library
    place_song(demo_song)
    task = start(make_user("ana"))
    work()
    folder, said = tmp_path / "films", [annotation(number) for number in range(4)]
    folder.mkdir()
    for number in range(4):
        shutil.copy(
            Path(settings.MEDIA_ROOT, "output", f"user_{task.user_id}", f"{task.pk}.mp4"), folder / f"{number}.mp4"
        )
    annotations, library = folder / "annotations.json", tmp_path / "library"
    annotations.write_text(json.dumps({"clips": said}))
    assert start_ingest(Films(str(folder), str(annotations), str(library)), shares=2) == 2
    with workers_on(own_database, tmp_path, JOB_LEASE_S=6, JOB_SWEEP_S=1) as running:
        first = running.start()
        running.until(ProcrastinateJob.objects.filter(queue_name="ingest", status="doing").exists, "a share is begun")
        running.signal(first, how)
        running.running.pop(first).wait()
        running.start()
        running.start()
        open_calls = ProcrastinateJob.objects.filter(status__in=["todo", "doing"])
        running.until(lambda: not open_calls.exists(), "no call is left")
    report = json.loads((library / "ingest-report.json").read_text())
    assert [clip["clip_id"] for clip in report["accepted"]] == [entry["clip_id"] for entry in said]
    assert set(ProcrastinateJob.objects.values_list("status", flat=True)) == {"succeeded"}, "none was given up"
    assert LocalMoveIndex.of_library(library).count() == sum(len(clip["moves"]) for clip in report["accepted"])
