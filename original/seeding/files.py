"""Small real songs and videos at the paths that the rows name."""

import functools
import tempfile
from collections.abc import Iterable
from pathlib import Path

import av
from django.core.files.base import ContentFile
from django.core.files.storage import Storage, default_storage, storages

SONGS = (
    "Noche de mayo.mp3",
    "Corazón de azúcar.mp3",
    "Dime & quédate (en vivo).mp3",
    "100% bachata #2.mp3",
    "luna_llena.mp3",
    "Ella baila sola.mp3",
)
SONG_S = 12
TEMPOS_BPM = (118, 132)  # synthesising is slow, so two songs serve under six names

WIDTH, HEIGHT, FPS, PICTURES = 64, 36, 25, 25


def write_songs() -> int:
    """Store the songs that are not there yet; return how many were written."""
    return sum(
        _write(storages["songs"], name, song(TEMPOS_BPM[number % len(TEMPOS_BPM)])) for number, name in enumerate(SONGS)
    )


def write_videos(paths: Iterable[str]) -> int:
    """Store a video at each path below the media root that has none; return how many were written."""
    return sum(_write(default_storage, path, video()) for path in paths)


@functools.cache
def song(tempo_bpm: float) -> bytes:
    """Synthesise a short bachata as mp3."""
    # Imported here: the engine is heavy, and other commands must not wait for it.
    from bachateo.music.demo import write_demo_song  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "song.mp3")
        write_demo_song(path, seconds=SONG_S, bpm=tempo_bpm)
        return path.read_bytes()


@functools.cache
def video() -> bytes:
    """Encode a second of video, 1 kB or two."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "video.mp4")
        # bitexact: no version of the encoder in the file, so it is the same everywhere
        with av.open(path, "w", options={"movflags": "+faststart", "fflags": "+bitexact"}) as container:
            stream = container.add_stream("libx264", rate=FPS, options={"preset": "veryfast", "threads": "1"})
            stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
            for number in range(PICTURES):
                container.mux(stream.encode(_picture(number)))
            container.mux(stream.encode(None))
        return path.read_bytes()


def _picture(number: int) -> av.VideoFrame:
    frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
    for plane in frame.planes:
        plane.update(bytes([64 + 4 * number]) * plane.buffer_size)
    return frame


def _write(storage: Storage, name: str, content: bytes) -> bool:
    # The same name means the same content: a second run finds the files of the first.
    if storage.exists(name):
        return False
    storage.save(name, ContentFile(content))
    return True
