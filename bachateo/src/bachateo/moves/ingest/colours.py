"""The colours of a film: what it declares, and what they become in BT.709, which every player shows.

Notes
-----
A film of high dynamic range is brought to BT.709 by a table of colours: the signal becomes light (ITU-R BT.2100: PQ, or
HLG as a display of 1,000 cd/m² shows it), the light that of other primaries, the brightest of it is rolled off, and the
rest becomes a signal again by the inverse of ITU-R BT.1886.

What is white? Graders put diffuse white at 203 cd/m² (ITU-R BT.2408); what a program has made of an ordinary film has
it at 100. So the brightest of the film decides, between these two: only what lies above 203 cd/m² is a highlight.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, Colorspace, ColorTrc
from numpy.typing import NDArray

from bachateo.errors import ClipError
from bachateo.moves.filters import TABLE, Filter

Array = NDArray[np.float64]

# Films of more than these are high definition: where they declare no colours, theirs are BT.709, others' BT.601.
SD_WIDTH, SD_HEIGHT = 1024, 576
UNSPECIFIED = 2
# Matrices that FFmpeg's scaler knows: RGB, BT.709, FCC, BT.601 in two lists, SMPTE 240M, BT.2020.
KNOWN_MATRICES = {0, 1, 4, 5, 6, 7, 9}
MATRIX_NAMES = {8: "YCgCo", 10: "BT.2020 with constant luminance", 14: "ICtCp", 15: "IPT"}
# How films say that their pictures are meant for Dolby Vision alone (profiles 5 and 10.0, "Dolby Vision Streams Within
# the ISO Base Media File Format", 2.6.0); those that others can show too declare their colours.
DOLBY_VISION = {"dvh1", "dvhe", "dav1"}
HIGH_RANGE = {ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67}

# From linear light in other primaries to that in those of BT.709; white is D65 in all of them.
TO_BT709 = {
    ColorPrimaries.BT2020: np.array(
        [[1.660491, -0.587641, -0.072850], [-0.124550, 1.132900, -0.008349], [-0.018151, -0.100579, 1.118730]]
    ),
    ColorPrimaries.SMPTE432: np.array(
        [[1.224940, -0.224940, 0.0], [-0.042057, 1.042057, 0.0], [-0.019638, -0.078636, 1.098274]]
    ),
}
LUMINANCE_BT709 = np.array([0.2126, 0.7152, 0.0722])
LUMINANCE_BT2020 = np.array([0.2627, 0.6780, 0.0593])

DISPLAY_GAMMA = 2.4
WHITES_CD = (100.0, 203.0)
HLG_PEAK_CD, HLG_GAMMA = 1000.0, 1.2
PQ_PEAK_CD = 10_000.0
KNEE = 0.6  # of white: what is darker than this is left as it is
LEVEL = 8  # of the table: 64 steps of each colour
BRIGHTEST = 99.5  # percentile of the pixels: edges overshoot
LOOKED_AT = 320  # pixels across, in a picture whose brightness is measured


def declare(frame: VideoFrame, name: str, tag: str = "") -> None:
    """Fill in which matrix made the colours of a picture, where its film does not say.

    Parameters
    ----------
    frame
        A decoded picture; it is changed.
    name
        Of the film, for the message.
    tag
        How its container names the encoding, in four letters.

    Raises
    ------
    ClipError
        CH096: it is one that is not read.
    """
    if frame.colorspace == UNSPECIFIED and tag in DOLBY_VISION:
        raise _not_read(name, "Dolby Vision's own (profile 5)")
    if frame.colorspace == UNSPECIFIED:
        wide = frame.color_primaries == ColorPrimaries.BT2020
        large = frame.width > SD_WIDTH or frame.height > SD_HEIGHT
        frame.colorspace = Colorspace.BT2020 if wide else Colorspace.ITU709 if large else Colorspace.ITU601
    elif frame.colorspace not in KNOWN_MATRICES:
        raise _not_read(name, MATRIX_NAMES.get(frame.colorspace, f"made by matrix {frame.colorspace}"))


def _not_read(name: str, found: str) -> ClipError:
    return ClipError("CH096", f"the colours of {name} are {found}, which is not read. Export it again as BT.709.")


def needs_table(frame: VideoFrame) -> bool:
    """Return whether the colours of a film lie outside BT.709, by what it declares."""
    return frame.color_trc in HIGH_RANGE or frame.color_primaries in TO_BT709


def peak_cd(frame: VideoFrame) -> float:
    """Return the brightest light of a picture in cd/m², where it has a high dynamic range; otherwise 100."""
    if frame.color_trc not in HIGH_RANGE:
        return WHITES_CD[0]
    width = min(frame.width, LOOKED_AT)
    height = max(2, frame.height * width // frame.width)
    small = frame.reformat(width=width, height=height, format="rgb48le", interpolation="AREA")
    light = _light(small.to_ndarray() / 65535, frame.color_trc)
    return float(np.percentile(light.max(axis=-1), BRIGHTEST))


def toning(frame: VideoFrame, brightest_cd: float) -> tuple[tuple[Filter, ...], VideoFrame]:
    """Return filters that bring colours outside BT.709 into it, and the table for them.

    Parameters
    ----------
    frame
        A picture of the film.
    brightest_cd
        The brightest light of the whole film, in cd/m².
    """
    steps = (
        ("format", "rgb48le"),
        TABLE,
        ("setparams", "color_primaries=bt709:color_trc=bt709"),
    )
    return steps, _table(frame.color_trc, frame.color_primaries, float(np.clip(brightest_cd, WHITES_CD[0], PQ_PEAK_CD)))


@lru_cache(maxsize=4)
def _table(transfer: int, primaries: int, brightest_cd: float) -> VideoFrame:
    steps = LEVEL**2
    blue, green, red = np.meshgrid(*3 * [np.linspace(0, 1, steps)], indexing="ij")
    light = _light(np.stack((red, green, blue), axis=-1).reshape(-1, 3), transfer)
    if primaries in TO_BT709:
        light = light @ TO_BT709[ColorPrimaries(primaries)].T
    white_cd = min(brightest_cd, WHITES_CD[1])
    shown = _rolled_off(_inside(light) / white_cd, brightest_cd / white_cd)
    signal = np.clip(shown, 0, 1) ** (1 / DISPLAY_GAMMA)
    pixels = np.round(signal * 65535).astype(np.uint16).reshape(LEVEL**3, LEVEL**3, 3)
    return VideoFrame.from_ndarray(pixels, format="rgb48le")


def _light(signal: Array, transfer: int) -> Array:
    """Return the light that a display shows for signals of 0 to 1, ``(…, 3)``, in cd/m²."""
    if transfer == ColorTrc.SMPTE2084:
        m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
        root = signal ** (1 / m2)
        return np.asarray(PQ_PEAK_CD * (np.clip(root - c1, 0, None) / (c2 - c3 * root)) ** (1 / m1))
    if transfer == ColorTrc.ARIB_STD_B67:
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        scene = np.where(signal <= 1 / 2, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
        luminance = (scene @ LUMINANCE_BT2020)[..., None]
        return np.asarray(HLG_PEAK_CD * luminance ** (HLG_GAMMA - 1) * scene)
    return np.asarray(WHITES_CD[0] * signal**DISPLAY_GAMMA)


def _inside(light: Array) -> Array:
    """Return light without negative parts: a colour that BT.709 does not have becomes paler, not another one."""
    grey = (light @ LUMINANCE_BT709)[:, None].clip(min=0)
    least = light.min(axis=1, keepdims=True)
    kept = np.where(least < 0, grey / np.maximum(grey - least, 1e-9), 1.0)
    return np.asarray((grey + kept * (light - grey)).clip(min=0))


def _rolled_off(light: Array, brightest: float) -> Array:
    """Return light of which white is 1, with ``brightest`` brought down to it; the hue stays.

    Above the knee a hyperbola goes on with the slope of 1 and ends at 1.
    """
    if brightest <= 1:
        return light
    largest = light.max(axis=1, keepdims=True)
    above = np.clip((largest - KNEE) / (brightest - KNEE), 0, 1)
    bend = (brightest - KNEE) / (1 - KNEE) - 1
    lowered = KNEE + (1 - KNEE) * above * (1 + bend) / (1 + bend * above)
    return np.asarray(np.where(largest > KNEE, light * lowered / np.maximum(largest, 1e-9), light))
