"""Media that tests make themselves."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

SAMPLE_RATE_HZ = 44_100


def write_sound(
    path: Path,
    *,
    codec: str = "libmp3lame",
    container: str | None = None,
    seconds: float = 12.0,
    frequency_hz: float = 440.0,
    loudness: float = 0.5,
) -> Path:
    """Write a tone. Another frequency is another content."""
    times = np.arange(int(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    samples = (loudness * np.sin(2 * np.pi * frequency_hz * times)).astype(np.float32)
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format=container) as output:
        stream = output.add_stream(codec, rate=SAMPLE_RATE_HZ, layout="mono")
        frame_size = stream.codec_context.frame_size or 1152
        for start in range(0, len(samples), frame_size):
            frame = av.AudioFrame.from_ndarray(samples[None, start : start + frame_size], "fltp", "mono")
            frame.sample_rate = SAMPLE_RATE_HZ
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def convert(song: Path, path: Path, *, codec: str, container: str | None = None, pictures: bool = False) -> Path:
    """Write a song in another format; ``pictures``: as the sound of a film."""
    rate_hz = 48_000 if codec == "libopus" else SAMPLE_RATE_HZ
    with av.open(str(song)) as source, av.open(str(path), "w", format=container) as output:
        # FFmpeg calls its own encoder of Vorbis experimental.
        stream = output.add_stream(codec, rate=rate_hz, layout="stereo", options={"strict": "experimental"})
        if pictures:
            _add_pictures(output)
        wanted = stream.codec_context.format.name
        resampler = av.AudioResampler(wanted, "stereo", rate_hz, stream.codec_context.frame_size or None)
        for frame in (*source.decode(audio=0), None):
            for part in resampler.resample(frame):
                output.mux(stream.encode(part))
        output.mux(stream.encode(None))
    return path


def _add_pictures(output: av.container.OutputContainer) -> None:
    film = output.add_stream("mpeg4", rate=Fraction(10))
    film.width = film.height = 64
    for _ in range(20):
        output.mux(film.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")))
    output.mux(film.encode(None))
