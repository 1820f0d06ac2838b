"""The instruments of a bachata, synthesised: plucked strings, bass, bongo and güira."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 44_100

Sound = NDArray[np.float32]


def pitch_hz(note: int) -> float:
    """Return the frequency of a MIDI note number."""
    return float(440 * 2 ** ((note - 69) / 12))


@lru_cache(maxsize=256)
def pluck(note: int, length_s: float, brightness: float = 0.5) -> Sound:
    """Return a plucked steel string (Karplus and Strong, 1983).

    Parameters
    ----------
    note
        MIDI note number.
    length_s
        Seconds until it is damped.
    brightness
        0 (finger, near the middle) to 1 (plectrum, near the bridge).
    """
    period = RATE_HZ / pitch_hz(note)
    rng = np.random.default_rng(note)
    string = rng.uniform(-1, 1, int(period))
    for _ in range(round(6 * (1 - brightness))):
        string = (string + np.roll(string, 1)) / 2
    string -= string.mean()
    periods = []
    for _ in range(int(length_s * pitch_hz(note)) + 1):
        periods.append(string)
        string = 0.498 * (string + np.roll(string, 1))
    rough = np.concatenate(periods)
    # The string holds a whole number of samples; reading it at another speed puts it in tune.
    wanted = np.arange(int(length_s * RATE_HZ)) * (int(period) + 0.5) / period
    tone = np.interp(wanted, np.arange(len(rough)), rough, right=0.0)
    return _faded(tone / (np.abs(tone).max() or 1), 0.02)


@lru_cache(maxsize=64)
def bass(note: int, length_s: float) -> Sound:
    """Return an electric bass note."""
    t = _time(length_s)
    tone = sum(np.sin(2 * np.pi * n * pitch_hz(note) * t) * np.exp(-t * (1.5 + 2.5 * n)) / n for n in (1, 2, 3, 4))
    return _faded(np.asarray(tone) * (1 - np.exp(-t / 0.004)), 0.03)


@lru_cache(maxsize=8)
def bongo(*, high: bool, open_hand: bool) -> Sound:
    """Return a stroke on the small or the large drum, ringing or muffled."""
    t = _time(0.28)
    pitch = (430.0 if high else 270.0) * (1 + 0.25 * np.exp(-t / 0.012))
    decay = 0.075 if open_hand else 0.022
    skin = np.sin(2 * np.pi * np.cumsum(pitch) / RATE_HZ) * np.exp(-t / decay)
    slap = np.random.default_rng(3).normal(0, 1, len(t)) * np.exp(-t / 0.003)
    return _faded(skin + 0.25 * slap, 0.01)


@lru_cache(maxsize=8)
def guira(*, long_stroke: bool) -> Sound:
    """Return a scrape of the güira: a row of teeth, so noise that rattles."""
    t = _time(0.13 if long_stroke else 0.055)
    noise = np.diff(np.random.default_rng(5).normal(0, 1, len(t) + 2), 2)
    teeth = 0.6 + 0.4 * np.sign(np.sin(2 * np.pi * 190 * t))
    shape = np.exp(-t / (0.05 if long_stroke else 0.016)) * (1 - np.exp(-t / 0.001))
    return _faded(0.5 * noise * teeth * shape, 0.005)


@lru_cache(maxsize=1)
def kick() -> Sound:
    """Return a stroke on a bass drum."""
    t = _time(0.22)
    skin = np.sin(2 * np.pi * np.cumsum(50 + 90 * np.exp(-t / 0.02)) / RATE_HZ) * np.exp(-t / 0.08)
    return _faded(skin, 0.02)


@lru_cache(maxsize=64)
def sung(note: int, length_s: float) -> Sound:
    """Return a sung vowel: it swells, so that it tells little about when it began."""
    t = _time(length_s)
    phase = 2 * np.pi * np.cumsum(pitch_hz(note) * (1 + 0.008 * np.sin(2 * np.pi * 5.5 * t))) / RATE_HZ
    tone = sum(np.sin(n * phase) / n**1.5 for n in range(1, 9))
    return _faded(np.asarray(tone) * 0.5 * (1 - np.exp(-t / 0.06)), 0.05)


def _time(length_s: float) -> NDArray[np.float64]:
    return np.arange(int(length_s * RATE_HZ)) / RATE_HZ


def _faded(tone: NDArray[np.float64], fade_s: float) -> Sound:
    count = min(int(fade_s * RATE_HZ), len(tone))
    tone[len(tone) - count :] *= np.linspace(1, 0, count)
    return tone.astype(np.float32)
