"""The sound track: the song as AAC, encoded once for each content."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av

from choreographer.cache import cached, content_key
from choreographer.music.song import frames_of, open_sound

VERSION = 1  # of the encoding; a cached sound track of another version is not used
RATE_HZ = 48_000
BIT_RATE = 160_000


@dataclass(frozen=True)
class SoundTrack:
    """An encoded sound track, and whether it was found in the cache."""

    path: Path
    cached: bool


def encode_sound(song: Path, *, cache: Path) -> SoundTrack:
    """Encode the song as stereo AAC, or find it encoded.

    Parameters
    ----------
    song
        A song that :func:`choreographer.music.check_song` accepts.
    cache
        Folder for the result.
    """
    name = f"sound-{VERSION}-{content_key(song)}.m4a"
    return SoundTrack(*cached(cache, name, lambda aside: _encode(song, aside)))


def _encode(song: Path, path: Path) -> None:
    with open_sound(song) as (container, stream), av.open(str(path), "w", format="mp4") as out:
        # The fast coder takes a third of the time of the default one.
        track = out.add_stream("aac", rate=RATE_HZ, layout="stereo", options={"aac_coder": "fast"})
        track.bit_rate = BIT_RATE
        position = 0
        for frame in _resampled(frames_of(container, stream, song)):
            # Time is counted in samples, as the beat tracker counts it: stamps of damaged files jump.
            frame.pts = position
            position += frame.samples
            out.mux(track.encode(frame))
        out.mux(track.encode(None))


def _resampled(frames: Iterator[av.AudioFrame]) -> Iterator[av.AudioFrame]:
    resampler = av.AudioResampler(format="fltp", layout="stereo", rate=RATE_HZ, frame_size=1024)
    for frame in frames:
        yield from resampler.resample(frame)
    yield from resampler.resample(None)
