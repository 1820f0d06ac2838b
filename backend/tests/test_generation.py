"""From the request to the row, the video and the collection, with the real engine and the real worker."""

import errno
import json
import os
import shutil
import threading
import uuid
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import psycopg
import pytest
from django.core.management import call_command
from django.db import connection
from procrastinate.contrib.django.models import ProcrastinateJob

from apps.authentication.models import User
from apps.choreography import progress
from apps.choreography.models import ChoreographyTask
from apps.collections.models import SavedChoreography
from apps.generation.requests import UNSAID
from apps.generation.services import start_generation
from apps.generation.worker import make_next
from apps.jobs import calls, leases
from apps.jobs.leases import Lease
from apps.jobs.models import Job
from apps.moves.search import find_moves
from bachateo.errors import SearchError
from bachateo.sequence import Wishes
from config.errors import NotFoundError
from tests.conftest import make_user
from tests.evolving import stored
from tests.generating import ENDINGS, made_files

SONG = "demo.mp3"
TASK = "6b1f8d52-7c1e-4a39-9b8b-0e1d6f0a1c11"


@pytest.fixture
def house(own_database, media_root, settings, moves_library, demo_song) -> User:
    """A database that workers see, a song, the moves; and a user."""
    settings.MOVES_LIBRARY = moves_library
    # The analysis of the demo song is cached between tests; the engine's own tests cover it.
    settings.BACHATEO_CACHE = demo_song.parent / "cache"
    (media_root / "songs").mkdir()
    shutil.copy(demo_song, media_root / "songs" / SONG)
    return make_user("ana")


def start(user: User, **wishes: object) -> ChoreographyTask:
    return start_generation(user=user, **({"song": SONG, "difficulty": "beginner"} | wishes))


def work() -> None:
    call_command("procrastinate", "worker", "--one-shot")


def videos(media_root: Path) -> list[str]:
    """Return every file below output/, temporary ones included."""
    return sorted(p.relative_to(media_root).as_posix() for p in (media_root / "output").rglob("*") if p.is_file())


def watch_stages(database) -> Callable[[], list[tuple]]:
    """Record every state of a task's row, by a trigger in the database."""
    with psycopg.connect(database.url("owner")) as session:
        session.execute(
            """
            CREATE TABLE public.seen
              (n int GENERATED ALWAYS AS IDENTITY, status text, progress int, stage text, message text);
            GRANT INSERT, SELECT ON public.seen TO PUBLIC;
            CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
              INSERT INTO public.seen (status, progress, stage, message)
              VALUES (NEW.status, NEW.progress, NEW.stage, NEW.message);
              RETURN NULL;
            END $$;
            CREATE TRIGGER note AFTER INSERT OR UPDATE ON public.choreography_tasks
              FOR EACH ROW EXECUTE FUNCTION public.note();
            """
        )

    def seen() -> list[tuple]:
        with psycopg.connect(database.url("owner")) as session:
            return session.execute("SELECT status, progress, stage, message FROM public.seen ORDER BY n").fetchall()

    return seen


def interfere(database, stage: str, statement: str) -> None:
    """Do to the row, right after it enters ``stage``, what the original would do at that moment."""
    with psycopg.connect(database.url("owner")) as session:
        session.execute(
            f"""
            CREATE FUNCTION public.interfere() RETURNS trigger LANGUAGE plpgsql AS
              $$ BEGIN {statement}; RETURN NULL; END $$;
            CREATE TRIGGER interfere AFTER UPDATE ON public.choreography_tasks FOR EACH ROW
              WHEN (NEW.stage = '{stage}' AND NEW.status = '{stored("running")}') EXECUTE FUNCTION public.interfere();
            """
        )


CANCEL = "DELETE FROM public.choreography_tasks WHERE task_id = NEW.task_id"
DELETE_OWNER = "; ".join([CANCEL, "DELETE FROM public.users WHERE id = NEW.user_id"])
HOUSEKEEPING = (
    "UPDATE public.choreography_tasks SET status = 'failed', progress = 0,"
    " error = 'Task stuck for more than 5 minutes - likely container restart' WHERE task_id = NEW.task_id"
)


def test_generation__song__becomes_a_video_in_the_collection(house, own_database, media_root):
    seen = watch_stages(own_database)
    task = start(house, seed=3)
    work()
    # Exactly the stages and words of the original: its page shows this task like one of its own.
    assert seen() == [
        (stored("started"), 0, "initializing", "Starting choreography generation..."),
        (stored("running"), 10, "downloading", "Downloading audio..."),
        (stored("running"), 25, "analyzing", "Analyzing music features..."),
        (stored("running"), 40, "selecting", "Selecting dance moves..."),
        (stored("running"), 70, "generating", "Generating choreography video..."),
        (stored("running"), 90, "finalizing", "Finalizing video..."),
        ("completed", 100, "completed", "Choreography generated successfully! (Auto-saved to collection)"),
    ]
    done = ChoreographyTask.objects.get()
    name = f"output/user_{house.pk}/{task.task_id}.mp4"
    saved = SavedChoreography.objects.get()
    assert done.result | {"processing_time": 0, "sequence_duration": 0, "moves_analyzed": 0} == {
        "video_path": name,
        "video_filename": f"{task.task_id}.mp4",
        "processing_time": 0,
        "sequence_duration": 0,
        "moves_analyzed": 0,
        "metadata_path": None,
        "saved_choreography_id": str(saved.pk),
        "auto_saved": True,
    }
    assert done.result["moves_analyzed"] >= 5
    assert done.error is None
    assert done.updated_at > task.updated_at
    assert videos(media_root) == [f"output/{made}" for made in made_files(house.pk, task.pk)]
    with av.open(str(media_root / name)) as video:
        assert [stream.type for stream in video.streams] == ["video", "audio"]
        assert done.result["sequence_duration"] == pytest.approx(video.duration / 1_000_000, abs=0.5)


def test_generation__auto_save__writes_the_row_the_original_would_with_a_picture(house):
    task = start(house, difficulty="intermediate")
    work()
    row = SavedChoreography.objects.values().get()
    row.pop("id"), row.pop("created_at")
    duration = ChoreographyTask.objects.get().result["sequence_duration"]
    assert row == {
        "user_id": house.pk,
        "title": "Auto-saved Choreography",
        "video_path": f"output/user_{house.pk}/{task.task_id}.mp4",
        "thumbnail_path": f"output/user_{house.pk}/{task.task_id}.jpg",
        "difficulty": "intermediate",
        "duration": duration,
        "music_info": {"source": SONG, "difficulty": "intermediate"},
        "generation_parameters": {"difficulty": "intermediate", "audio_input": SONG, "task_id": task.task_id},
    }


@pytest.mark.parametrize(
    ("preferences", "auto_save"), [({"auto_save_choreographies": False}, True), ({}, False)], ids=["user", "request"]
)
def test_generation__without_auto_save__completes_and_saves_nothing(house, preferences, auto_save):
    User.objects.filter(pk=house.pk).update(preferences=preferences)
    house.refresh_from_db()
    start(house, auto_save=auto_save)
    work()
    task = ChoreographyTask.objects.get()
    assert (task.status, task.message) == ("completed", "Choreography generated successfully!")
    assert (task.result["auto_saved"], task.result["saved_choreography_id"]) == (False, None)
    assert not SavedChoreography.objects.exists()


def test_start__task_names_its_job(house):
    task = start(house, energy="high", seed=7)
    call = ProcrastinateJob.objects.get()
    assert task.job_execution_name == f"procrastinate/jobs/{call.pk}"
    assert (call.task_name, call.status, call.args) == ("generate", "todo", {"task_id": task.task_id})
    job = Job.objects.get()
    assert (job.task_id, job.user, job.queue_job_id, job.created_at) == (task.pk, house, call.pk, task.created_at)
    assert (job.token, job.attempt, job.outcome, job.auto_save) == (None, 0, None, True)
    wanted = {"song": SONG, "difficulty": "beginner", "energy": "high", "seed": 7, "auto_save": True}
    assert job.request == UNSAID | wanted | {"seed_chosen": False}


def test_start__no_such_song__queues_nothing(house):
    with pytest.raises(NotFoundError, match=r"There is no song 'gone\.txt'"):
        start(house, song="gone.txt")
    assert not ProcrastinateJob.objects.exists()
    assert not Job.objects.exists()
    assert not ChoreographyTask.objects.exists()


def test_start__row_cannot_be_written__no_job_is_left_behind(house):
    ghost = User(pk=house.pk + 1, username="ghost")
    with pytest.raises(Exception, match="violates foreign key constraint"):
        start(ghost)
    assert not ProcrastinateJob.objects.exists()
    assert not Job.objects.exists()


def test_second_run__finds_nothing_to_do(house, media_root):
    task = start(house)
    work()
    before = list(ChoreographyTask.objects.values())
    made = (media_root / videos(media_root)[0]).stat()
    make_next(queue_job_id=calls.call_worker(task.pk))
    assert list(ChoreographyTask.objects.values()) == before
    assert (media_root / videos(media_root)[0]).stat() == made
    assert SavedChoreography.objects.count() == 1


def test_two_workers_at_once__one_makes_the_video(house, own_database, media_root):
    seen = watch_stages(own_database)
    start(house)
    gate = threading.Barrier(2)

    def run() -> None:
        gate.wait()
        try:
            make_next(queue_job_id=1)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(2)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert [stage for _, _, stage, _ in seen()].count("downloading") == 1
    assert ChoreographyTask.objects.get().status == "completed"
    assert SavedChoreography.objects.count() == 1
    assert len(videos(media_root)) == len(ENDINGS)


@pytest.mark.parametrize("stage", ["downloading", "analyzing", "selecting", "generating", "finalizing"])
@pytest.mark.thinned(to_one_in=5)
def test_cancelled_midway__stops_and_leaves_no_file(house, own_database, media_root, stage):
    interfere(own_database, stage, CANCEL)
    start(house)
    work()
    assert not ChoreographyTask.objects.exists()
    assert not SavedChoreography.objects.exists()
    assert videos(media_root) == []


@pytest.mark.parametrize("stage", ["downloading", "analyzing", "generating", "finalizing"])
@pytest.mark.thinned(to_one_in=4)
def test_failed_by_the_original_midway__is_taken_back_and_completed(house, own_database, media_root, stage):
    interfere(own_database, stage, HOUSEKEEPING)
    start(house)
    work()
    task = ChoreographyTask.objects.get()
    assert (task.status, task.progress, task.stage, task.error) == ("completed", 100, "completed", None)
    assert SavedChoreography.objects.count() == 1
    assert len(videos(media_root)) == len(ENDINGS)


def test_failed_by_another_program_midway__other_words__stays_as_it_was_left(house, own_database, media_root):
    interfere(own_database, "selecting", HOUSEKEEPING.replace("Task stuck", "The admin stopped it; stuck"))
    start(house)
    work()
    task = ChoreographyTask.objects.get()
    assert (task.status, task.progress, task.stage, task.result) == ("failed", 0, "selecting", None)
    assert task.error == "The admin stopped it; stuck for more than 5 minutes - likely container restart"
    assert (Job.objects.get().outcome, Job.objects.get().error) == ("failed", task.error)
    assert not SavedChoreography.objects.exists()
    assert videos(media_root) == []


def test_owner_deleted_midway__stops_and_leaves_nothing(house, own_database, media_root):
    interfere(own_database, "generating", DELETE_OWNER)
    start(house)
    work()
    assert not User.objects.exists()
    assert videos(media_root) == []


def test_bad_song__task_fails_with_the_engines_reason(house, media_root):
    (media_root / "songs" / "text.mp3").write_text("la la la " * 100)
    start(house, song="text.mp3")
    work()
    task = ChoreographyTask.objects.get()
    assert (task.status, task.progress, task.stage) == ("failed", 0, "failed")
    assert task.error.startswith("text.mp3 is no sound file")
    assert videos(media_root) == []
    assert ProcrastinateJob.objects.get().status == "succeeded"


def test_song_gone_before_the_worker_comes__task_fails_and_says_so(house, media_root):
    start(house)
    (media_root / "songs" / SONG).unlink()
    work()
    assert ChoreographyTask.objects.get().error == f"There is no song {SONG!r}."


@pytest.mark.parametrize("missing", ["library.json", "moves.index"])
def test_library_or_its_index_missing__task_fails_and_the_log_says_how_to_mend_it(
    house, settings, tmp_path, caplog, missing
):
    shutil.copytree(settings.MOVES_LIBRARY, tmp_path / "moves", ignore=shutil.ignore_patterns(missing))
    settings.MOVES_LIBRARY = tmp_path / "moves"
    start(house)
    work()
    task = ChoreographyTask.objects.get()
    assert (task.status, task.error) == ("failed", "The library of moves cannot be used; the log says why.")
    assert f"there is no {'index ' if missing == 'moves.index' else missing}" in caplog.text


def test_search_server_away__task_fails_and_says_so_without_its_address(house, settings, caplog):
    settings.ELASTICSEARCH_URL, settings.ELASTICSEARCH_BUDGET_S = "http://127.0.0.1:9", 0.1
    start(house)
    work()
    task = ChoreographyTask.objects.get()
    away = "The search for moves does not answer as it should. Please try again later."
    assert (task.status, task.error) == ("failed", away)
    assert "CH124  Elasticsearch at http://127.0.0.1:9 does not answer" in caplog.text


def test_search_server_away__library_stands_in_where_it_may(house, settings, caplog):
    song, wishes = {"audio": np.ones(128, np.float32)}, Wishes(difficulty="beginner")
    alone = find_moves(song, wishes)
    settings.ELASTICSEARCH_URL, settings.ELASTICSEARCH_BUDGET_S = "http://127.0.0.1:9", 0.1
    with pytest.raises(SearchError, match="CH124"):
        find_moves(song, wishes)
    settings.ELASTICSEARCH_FALLBACK = True
    assert find_moves(song, wishes) == alone
    assert "the library's own index is searched instead" in caplog.text


def test_disk_that_is_full__task_fails_and_says_so(house, media_root, monkeypatch):
    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    start(house)
    monkeypatch.setattr(os, "fsync", full)
    work()
    task = ChoreographyTask.objects.get()
    assert (task.status, task.error) == ("failed", "There was no room left on the disk here. Please try again later.")
    assert [path for path in media_root.rglob("*") if path.suffix in {".mp4", ".part"}] == []


@pytest.mark.parametrize("trouble", ["in the way", pytest.param("no room", marks=pytest.mark.full)])
def test_cache_that_takes_nothing__video_is_made_and_nothing_is_kept(
    house, settings, monkeypatch, tmp_path, trouble, caplog
):
    settings.BACHATEO_CACHE = cache = tmp_path / "its own cache"
    if trouble == "in the way":
        cache.write_text("a file")
    else:
        monkeypatch.setattr("apps.generation.worker.ROOM_BYTES", 2**63)
    start(house)
    work()
    assert ChoreographyTask.objects.get().status == "completed"
    assert [path for path in cache.rglob("*") if path.is_file()] == []
    assert f"what is heard is not kept in {cache}: " in caplog.text


def test_fault_of_ours__task_fails_and_the_queue_knows(house, media_root, caplog):
    # A file where the folder for the user's videos should be: the engine cannot write there.
    (media_root / "output").write_text("in the way")
    start(house)
    work()
    task = ChoreographyTask.objects.get()
    assert (task.status, task.error) == ("failed", "Something went wrong here (NotADirectoryError). Please try again.")
    assert ProcrastinateJob.objects.get().status == "failed"
    assert "NotADirectoryError" in caplog.text


def take(user: User, task_id: str = TASK, **columns: object) -> Lease:
    """Return the lease of a task whose row has the given values."""
    task = ChoreographyTask.objects.create(task_id=task_id, user=user, **columns)
    Job.objects.create(task_id=task_id, user=user, request={}, created_at=task.created_at)
    return leases.take(task_id, queue_job_id=1)


@pytest.mark.parametrize("status", ["completed", "failed"])
def test_row_that_has_ended__is_not_written(ana, status):
    lease = take(ana, status=status, progress=7, stage="as it was")
    before = ChoreographyTask.objects.values().get()
    with pytest.raises(progress.StoppedError, match=rf"Task {TASK} was set to '{status}' by another program\."):
        progress.advance(lease, "selecting")
    with pytest.raises(progress.StoppedError):
        progress.complete(lease, result={"auto_saved": False})
    progress.give_way_to_the_original(lease)
    progress.fail(lease, reason="no")
    assert ChoreographyTask.objects.values().get() == before
    assert (Job.objects.get().outcome, Job.objects.get().error) == (
        "failed",
        f"Task {TASK} was set to '{status}' by another program.",
    )


def test_lease_of_another_user__writes_nothing(ana):
    take(ana, status=stored("running"))
    stale = Lease(TASK, ana.pk, uuid.uuid4(), attempt=1)
    before = [ChoreographyTask.objects.values().get(), Job.objects.values().get()]
    for write in [
        lambda: progress.advance(stale, "selecting"),
        lambda: progress.give_way_to_the_original(stale),
        lambda: progress.complete(stale, result={"auto_saved": False}),
        lambda: progress.fail(stale, reason="no"),
    ]:
        with pytest.raises(
            leases.LeaseLostError, match=rf"The lease of task {TASK} \(attempt 1\) was lost; nothing is written"
        ):
            write()
    assert [ChoreographyTask.objects.values().get(), Job.objects.values().get()] == before


def test_advance__writes_only_its_own_columns(ana):
    lease = take(ana, status=stored("running"), job_execution_name="a/b")
    progress.advance(lease, "selecting")
    task = ChoreographyTask.objects.get()
    assert (task.progress, task.stage, task.message) == (40, "selecting", "Selecting dance moves...")
    assert (task.job_execution_name, task.error, task.result) == ("a/b", None, None)


def made_by(task: ChoreographyTask, media_root: Path, ending: str = ".mp4") -> Path:
    return media_root / "output" / f"user_{task.user_id}" / f"{task.pk}{ending}"


def plan_of(task: ChoreographyTask, media_root: Path) -> dict:
    return json.loads(made_by(task, media_root, ".plan.json").read_text())


def test_generation__without_a_seed__is_another_one_and_the_same_seed_the_same_file(house, media_root):
    tasks = [start(house), start(house)]
    work()
    same = start(house, seed=tasks[0].facts.inputs["seed"])
    work()
    first, second, again = (made_by(task, media_root).read_bytes() for task in (*tasks, same))
    assert (first != second, first == again) == (True, True)


def test_job_of_an_older_version__is_made_as_it_was_asked(house, media_root, client):
    task = start(house)
    old = {"song": SONG, "difficulty": "beginner", "energy": None, "seed": 0, "auto_save": True}
    Job.objects.update(request=old)
    work()
    client.force_login(house)
    told = client.get(f"/api/choreography/tasks/{task.pk}").json()
    assert (told["status"], told["steps"], told["inputs"]["seed"]) == ("completed", {"done": 5, "total": 5}, 0)
    assert told["relaxed"] == Job.objects.get().relaxed


def test_wish_that_nothing_fits__is_given_up_and_told(house, client):
    task = start(house, style="sensual")
    work()
    client.force_login(house)
    told = client.get(f"/api/choreography/tasks/{task.pk}").json()
    assert any("sensual" in sentence for sentence in told["relaxed"]), told["relaxed"]
    assert "relaxed" not in ChoreographyTask.objects.get().result, "the shared row is as the original writes it"


def test_corrections__of_a_request__change_its_choreography_alone(house, media_root):
    plain = start(house, seed=1)
    work()
    beats = plan_of(plain, media_root)["analysis"]["beats_s"]
    between = [(this + following) / 2 for this, following in pairwise(beats)]
    nothing = {"shift_half_beat": False, "downbeat_at_s": None, "taps_s": None}
    wanted = [{"shift_half_beat": True}, {"taps_s": between[8:16]}, {"downbeat_at_s": beats[20]}]
    tasks = [start(house, seed=1, corrections=nothing | correction) for correction in wanted]
    tasks.append(start(house, seed=1))
    work()
    shifted, tapped, counted, after = (plan_of(task, media_root)["analysis"] for task in tasks)
    assert shifted["beats_s"][1] == pytest.approx(between[1], abs=0.3)
    assert min(abs(beat - between[10]) for beat in shifted["beats_s"]) < 0.001
    assert tapped["beats_s"] == shifted["beats_s"]
    assert (20 - counted["first_count"]) % 8 == 0
    assert after["beats_s"] == beats
    assert list((media_root / "songs").iterdir()) == [media_root / "songs" / SONG]


def test_taps_that_fit_no_beat__fail_the_task_with_a_reason(house):
    task = start(house, corrections={"shift_half_beat": False, "downbeat_at_s": None, "taps_s": [1e4, 2e4, 3e4, 4e4]})
    work()
    row = ChoreographyTask.objects.get(pk=task.pk)
    assert (row.status, "tap along on at least 4 beats" in row.error) == ("failed", True)


def swap(client, task_id: str, **body: object):
    return client.post(f"/api/choreography/tasks/{task_id}/swap", body, content_type="application/json")


def test_swap__one_move__is_another_and_all_others_stay(house, media_root, client, settings):
    task = start(house, difficulty="advanced", seed=3)
    client.force_login(house)
    assert swap(client, task.pk, move=2).status_code == 409, "it is not made yet"
    work()
    before = plan_of(task, media_root)
    assert str(settings.MOVES_LIBRARY) not in json.dumps(before), "the file tells nothing of this machine"
    answer = swap(client, task.pk, move=2, auto_save=False)
    assert answer.status_code == 202, answer.content
    swapped = answer.json()
    assert swapped["inputs"] | {"seed": 0} == UNSAID | {
        "song": SONG, "difficulty": "advanced", "seed": 0, "auto_save": False, "swap": {"task_id": task.pk, "move": 2},
    }  # fmt: skip
    work()
    new = ChoreographyTask.objects.get(pk=swapped["task_id"])
    assert (new.status, new.error) == ("completed", None)
    pairs = zip(before["moves"], plan_of(new, media_root)["moves"], strict=True)
    same = [(old["move"], old["start_s"]) == (other["move"], other["start_s"]) for old, other in pairs]
    assert [number for number, is_same in enumerate(same, 1) if not is_same] == [2]
    assert made_by(task, media_root).read_bytes() != made_by(new, media_root).read_bytes()
    assert plan_of(task, media_root) == before
    wrong = swap(client, task.pk, move=len(same) + 1)
    assert (wrong.status_code, list(wrong.json()["errors"])) == (400, ["move"])
    client.force_login(make_user("ben"))
    assert swap(client, task.pk, move=2).status_code == 404


def test_swap__plan_that_is_gone_or_damaged__fails_with_a_reason(house, media_root, client):
    task = start(house)
    work()
    client.force_login(house)
    plan = made_by(task, media_root, ".plan.json")
    answers = [swap(client, task.pk, move=2).json()["task_id"]]
    whole = plan.read_text()
    plan.write_text("{}")
    work()
    plan.write_text(whole)
    answers.append(swap(client, task.pk, move=2).json()["task_id"])
    plan.unlink()
    work()
    errors = [ChoreographyTask.objects.get(pk=task_id).error for task_id in answers]
    assert errors == [
        "The plan of the choreography cannot be read any more.",
        "The choreography whose move was to be replaced is not there any more.",
    ]
    missing = swap(client, task.pk, move=2)
    assert (missing.status_code, missing.json()["type"]) == (404, "urn:compas:problem:plan-missing")


def test_swap__library_has_no_other_that_fits__says_so_in_plain_words(
    house, media_root, client, settings, tmp_path, caplog
):
    task = start(house)
    work()
    shutil.copytree(settings.MOVES_LIBRARY, tmp_path / "moves")
    settings.MOVES_LIBRARY = tmp_path / "moves"
    library = tmp_path / "moves" / "library.json"
    label = plan_of(task, media_root)["moves"][1]["move"]["move_label"]
    kept = [move for move in json.loads(library.read_text())["moves"] if move["move_label"] == label]
    library.write_text(json.dumps(json.loads(library.read_text()) | {"moves": kept}))
    client.force_login(house)
    answer = swap(client, task.pk, move=2).json()
    work()
    new = ChoreographyTask.objects.get(pk=answer["task_id"])
    assert new.error == "No other move of the library fits in the place of move 2. Swap another one."
    assert "CH051  nothing else fits in the place of move 2" in caplog.text


def test_swap__song_that_was_deleted__says_that_the_song_is_missing(house, client, demo_song):
    client.force_login(house)
    with demo_song.open("rb") as file:
        song = client.post("/api/songs", {"file": file}).json()["id"]
    task = start(house, song=song)
    work()
    assert client.delete(f"/api/songs/{song}").status_code == 204
    missing = swap(client, task.pk, move=2)
    assert (missing.status_code, missing.json()["type"]) == (404, "urn:compas:problem:song-missing")
    detail = "short.mp3 is not there any more, so no other dance can be made of it. Upload it again, and begin anew."
    assert missing.json()["detail"] == detail
    again = client.post(f"/studio/{task.pk}/again")
    assert (again.status_code, detail in again.content.decode()) == (404, True)
    video = client.get(f"/api/choreography/tasks/{task.pk}/video")
    assert (video.status_code, len(video.getvalue()) > 0) == (200, True), "what was made stays"
