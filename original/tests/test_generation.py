"""A song becomes a video in a thread, and the task's row tells how far it is."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import psycopg
import pytest
from django.core.files.base import ContentFile

import choreography.media
from choreography.generation import Generation
from choreography.models import ChoreographyTask, SavedChoreography
from sandbox.postgres import Database
from tests.conftest import logged_in, make_user
from users.models import User

TIMEOUT_S = 300

# Every write, as another system on the same table sees it.
WATCH = """
    CREATE TABLE seen (n integer GENERATED ALWAYS AS IDENTITY, status text, progress integer, stage text, message text);
    CREATE FUNCTION see() RETURNS trigger SECURITY DEFINER LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO public.seen (status, progress, stage, message)
        VALUES (NEW.status, NEW.progress, NEW.stage, NEW.message);
        RETURN NULL;
    END $$;
    CREATE TRIGGER see AFTER INSERT OR UPDATE ON choreography_tasks FOR EACH ROW EXECUTE FUNCTION see();
"""


@pytest.fixture
def watched(own_database: Database) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(own_database.url("owner"), autocommit=True) as owner:
        owner.execute(WATCH)
        yield owner


def create(user: User, **wish: str) -> ChoreographyTask:
    """Ask for a choreography as the page does and wait for its thread to end."""
    answer = logged_in(user).post("/create/", {"difficulty": "beginner", **wish})
    assert answer.status_code == 200
    assert answer.json() == {"task_id": answer.json()["task_id"], "status": "started"}
    name = f"generation-{answer.json()['task_id']}"
    for thread in threading.enumerate():
        if thread.name == name:
            thread.join(TIMEOUT_S)
            assert not thread.is_alive()
    return ChoreographyTask.objects.get(pk=answer.json()["task_id"])


def files_below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_song_becomes_a_playable_video_in_the_collection(
    watched: psycopg.Connection[Any], media: Path, settings: Any, moves_library: Path, demo_song: Path
):
    settings.MOVES_LIBRARY = moves_library
    shutil.copy(demo_song, media / "songs" / "luna llena.mp3")
    user = make_user("ana")

    task = create(user, song_selection="luna llena.mp3")

    assert task.error is None
    assert watched.execute("SELECT status, progress, stage, message FROM seen ORDER BY n").fetchall() == [
        ("started", 0, "initializing", "Starting choreography generation..."),
        ("running", 10, "downloading", "Downloading audio..."),
        ("running", 25, "analyzing", "Analyzing music features..."),
        ("running", 40, "selecting", "Selecting dance moves..."),
        ("running", 70, "generating", "Generating choreography video..."),
        ("running", 90, "finalizing", "Finalizing video..."),
        ("completed", 100, "completed", "Choreography generated successfully! (Auto-saved to collection)"),
    ]

    path = f"output/user_{user.pk}/luna llena_balanced_choreography.mp4"
    saved = SavedChoreography.objects.get()
    assert task.result == {
        "video_path": path,
        "video_filename": "luna llena_balanced_choreography.mp4",
        "processing_time": task.result["processing_time"],
        "sequence_duration": saved.duration,
        "moves_analyzed": task.result["moves_analyzed"],
        "metadata_path": None,
        "saved_choreography_id": str(saved.pk),
        "auto_saved": True,
    }
    assert task.result["processing_time"] > 0
    assert task.result["moves_analyzed"] > 0
    assert (saved.user, saved.title, saved.video_path.name, saved.thumbnail_path.name) == (
        user,
        "Auto-saved Choreography",
        path,
        "",
    )
    assert saved.music_info == {"source": "luna llena.mp3", "difficulty": "beginner"}
    assert saved.generation_parameters == {
        "difficulty": "beginner",
        "audio_input": "luna llena.mp3",
        "task_id": task.task_id,
    }
    assert files_below(media / "output") == [f"user_{user.pk}/luna llena_balanced_choreography.mp4"]

    answer = logged_in(user).get(f"/video/{saved.video_name}/")
    video = media / "played.mp4"
    video.write_bytes(b"".join(answer.streaming_content))
    with av.open(video) as played:
        assert {stream.type for stream in played.streams} == {"video", "audio"}
        pictures = sum(1 for _ in played.decode(video=0))
    with av.open(video) as played, av.open(demo_song) as song:
        assert played.duration / av.time_base == pytest.approx(song.duration / av.time_base, abs=0.5)
    assert pictures > saved.duration * 20


@pytest.mark.parametrize(
    ("preferences", "flag"),
    [({}, {"auto_save": "false"}), ({"auto_save_choreographies": False}, {"auto_save": "true"})],
)
@pytest.mark.thinned(to_one_in=2)
def test_without_the_wish_of_form_and_profile_nothing_is_saved_to_the_collection(
    own_database: Database,
    media: Path,
    settings: Any,
    moves_library: Path,
    demo_song: Path,
    preferences: dict[str, bool],
    flag: dict[str, str],
):
    settings.MOVES_LIBRARY = moves_library
    shutil.copy(demo_song, media / "songs" / "luna.mp3")

    task = create(make_user("ana", preferences=preferences), song_selection="luna.mp3", **flag)

    assert (task.status, task.message) == ("completed", "Choreography generated successfully!")
    assert (task.result["auto_saved"], task.result["saved_choreography_id"]) == (False, None)
    assert not SavedChoreography.objects.exists()


def test_a_song_that_is_none_fails_the_task_with_the_reason(watched: psycopg.Connection[Any], media: Path):
    (media / "songs" / "text.mp3").write_text("la la la")

    task = create(make_user("ana"), song_selection="text.mp3")

    assert (task.status, task.progress, task.stage, task.result) == ("failed", 0, "failed", None)
    assert "text.mp3" in task.error
    assert not SavedChoreography.objects.exists()
    assert files_below(media) == ["songs/text.mp3"]
    stages = [stage for (stage,) in watched.execute("SELECT stage FROM seen ORDER BY n").fetchall()]
    assert stages == ["initializing", "downloading", "analyzing", "failed"]


@pytest.mark.full
def test_a_library_without_an_index_fails_the_task_and_says_how_to_make_it(
    media: Path, settings: Any, moves_library: Path, demo_song: Path, tmp_path: Path, own_database: Database
):
    shutil.copytree(moves_library, tmp_path / "moves", ignore=shutil.ignore_patterns("moves.index"))
    settings.MOVES_LIBRARY = tmp_path / "moves"
    shutil.copy(demo_song, media / "songs" / "luna.mp3")

    task = create(make_user("ana"), song_selection="luna.mp3")

    assert task.status == "failed"
    assert task.error == (f"There is no {tmp_path}/moves/moves.index. Make it: bachateo library index {tmp_path}/moves")


def test_a_cancelled_task_stays_gone_and_its_work_stops(own_database: Database, media: Path):
    (media / "songs" / "luna.mp3").write_bytes(b"never listened to")
    task = ChoreographyTask.objects.create(task_id="1", user=make_user("ana"))
    generation = Generation(task, "luna.mp3", "beginner", auto_save=True)
    ChoreographyTask.objects.all().delete()

    generation.run()

    assert not ChoreographyTask.objects.exists()
    assert not SavedChoreography.objects.exists()
    assert files_below(media) == ["songs/luna.mp3"]


def test_a_held_task_writes_every_column(own_database: Database, media: Path):
    """The backend has to cope with this."""
    task = ChoreographyTask.objects.create(task_id="1", user=make_user("ana"))
    ChoreographyTask.objects.update(message="written by another system", result={"by": "another"})

    Generation(task, "gone.mp3", "beginner", auto_save=True).run()

    task = ChoreographyTask.objects.get()
    assert (task.status, task.message, task.result) == ("failed", "Downloading audio...", None)
    assert "gone.mp3" in task.error


def test_a_video_never_overwrites_another(media: Path):
    first = choreography.media.save_video(7, "luna.mp3", ContentFile(b"first"))
    second = choreography.media.save_video(7, "luna.mp3", ContentFile(b"second"))

    assert first == "output/user_7/luna_balanced_choreography.mp4"
    assert second.startswith("output/user_7/luna_balanced_choreography_")
    assert ((media / first).read_bytes(), (media / second).read_bytes()) == (b"first", b"second")
