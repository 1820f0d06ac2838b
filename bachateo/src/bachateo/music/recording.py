"""Samples become a sound file."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import av
import numpy as np
from av.audio.stream import AudioStream
from numpy.typing import NDArray

from bachateo.errors import SongError
from bachateo.files import written_aside

CODECS = {
    ".mp3": "libmp3lame",
    ".m4a": "aac",
    ".ogg": "libopus",
    ".opus": "libopus",
    ".flac": "flac",
    ".wav": "pcm_s16le",
}
CONTAINERS = {".m4a": "ipod"}  # the others are called like their suffix
OPUS_RATE_HZ = 48_000  # the codec knows no other


def write_sound(path: Path, samples: NDArray[np.float32], *, rate_hz: int, bit_rate: int | None = None) -> None:
    """Write samples to a sound file whose format the suffix names.

    Parameters
    ----------
    path
        One of the suffixes of ``CODECS``.
    samples
        float32 in -1..1, shape ``(n,)`` for mono or ``(2, n)`` for stereo.
    rate_hz
        Samples per second.
    bit_rate
        Bits per second of a lossy format; its encoder's own choice by default.

    Raises
    ------
    SongError
        The suffix is not known.
    """
    if path.suffix not in CODECS:
        raise SongError("CH010", f"{path.name} has no suffix of a sound file. Choose {', '.join(CODECS)}.")
    channels = np.atleast_2d(samples)
    with (
        written_aside(path) as aside,
        av.open(str(aside), "w", format=CONTAINERS.get(path.suffix, path.suffix[1:])) as out,
    ):
        layout = ("mono", "stereo")[len(channels) - 1]
        codec = CODECS[path.suffix]
        rate = OPUS_RATE_HZ if codec == "libopus" else rate_hz
        stream = cast("AudioStream", out.add_stream(codec, rate=rate, layout=layout))
        if bit_rate is not None:
            stream.bit_rate = bit_rate
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(channels, np.float32), format="fltp", layout=layout)
        frame.sample_rate = rate_hz
        frame.pts = 0
        # The encoder converts to its own sample format, rate and block length.
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
