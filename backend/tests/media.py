"""Media that tests make themselves."""

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
