"""Bad songs that were put into songs/ by hand, past the upload: the task says why, and nothing is left."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from django.core.management import call_command

from apps.choreography.models import ChoreographyTask
from apps.collections.models import SavedChoreography
from apps.generation.services import start_generation
from apps.jobs.models import Job
from tests.conftest import make_user
from tests.generating import made_files, output_files
from tests.media import write_sound


def write_video_without_sound(path: Path) -> None:
    with av.open(str(path), "w", format="mp4") as out:
        stream = out.add_stream("mpeg4", rate=Fraction(10))
        stream.width = stream.height = 64
        for _ in range(20):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")))
        out.mux(stream.encode(None))


def write_cut_off(path: Path) -> None:
    whole = write_sound(path, seconds=30).read_bytes()
    path.write_bytes(whole[: len(whole) // 3])


def write_three_hours(path: Path) -> None:
    # An mp3 has no beginning and no end: a minute of it 180 times is three hours.
    minute = write_sound(path, seconds=60, frequency_hz=220).read_bytes()
    path.write_bytes(minute * 180)


def write_clicks(path: Path, *, rate_hz: int, seconds: int) -> None:
    """Write a mono mp3 with 120 beats a minute."""
    clicks = np.zeros((1, rate_hz * seconds), np.float32)
    clicks[0, :: rate_hz // 2] = 0.9
    with av.open(str(path), "w", format="mp3") as out:
        stream = out.add_stream("libmp3lame", rate=rate_hz, layout="mono")
        size = stream.codec_context.frame_size or 1152
        for start in range(0, clicks.shape[1], size):
            frame = av.AudioFrame.from_ndarray(clicks[:, start : start + size], "fltp", "mono")
            frame.sample_rate = rate_hz
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "empty": (lambda path: path.write_bytes(b""), "song.mp3 is empty (0 bytes)."),
    "text": (lambda path: path.write_text("la la la " * 100), "song.mp3 is no sound file"),
    "cut off": (write_cut_off, "song.mp3 is cut off: it declares 30 s but only 10 s can be played."),
    "no sound": (write_video_without_sound, "song.mp3 has no sound track, only pictures."),
    "three hours": (write_three_hours, "song.mp3 lasts more than 45 minutes."),
    "silence": (lambda path: write_sound(path, loudness=0), "song.mp3 is silent."),
    "without a beat": (write_sound, "no steady beat was heard in this song."),
    "telephone": (
        lambda path: write_clicks(path, rate_hz=8000, seconds=20),
        "song.mp3 was recorded at 8 kHz, telephone quality",
    ),
    "five seconds": (lambda path: write_sound(path, seconds=5), "song.mp3 lasts 5.0 s; a choreography needs"),
}


@pytest.fixture
def song(own_database, media_root, moves_library, settings) -> Path:
    settings.MOVES_LIBRARY = moves_library
    (media_root / "songs").mkdir()
    return media_root / "songs" / "song.mp3"


def make_one() -> ChoreographyTask:
    start_generation(user=make_user("ana"), song="song.mp3", difficulty="beginner")
    call_command("procrastinate", "worker", "--one-shot")
    return ChoreographyTask.objects.get()


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.thinned(to_one_in=4)
def test_bad_song__task_says_why_and_nothing_is_left(song, kind):
    write, reason = BAD[kind]
    write(song)
    task = make_one()
    assert (task.status, task.progress, task.stage) == ("failed", 0, "failed")
    assert task.error.startswith(reason)
    assert (Job.objects.get().outcome, Job.objects.get().error) == ("failed", task.error)
    assert not SavedChoreography.objects.exists()
    assert output_files() == []


@pytest.mark.parametrize(("rate_hz", "seconds"), [(16_000, 20), (44_100, 12)], ids=["16 kHz mono", "12 seconds"])
@pytest.mark.thinned(to_one_in=2)
def test_poor_song_with_a_beat__is_danced(song, rate_hz, seconds):
    write_clicks(song, rate_hz=rate_hz, seconds=seconds)
    task = make_one()
    assert (task.status, task.error) == ("completed", None)
    assert output_files() == made_files(task.user_id, task.pk)
