"""What can be seen of the dancers without a model that knows people: they move, and they are not the room.

The camera stands still, or nearly. Where pixels change over a clip, there are the dancers; a colour that is frequent
there and rare elsewhere is theirs. Together both give their clothes by colour, and where they are in a picture.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from bachateo.moves.looks import FIELDS

Array = NDArray[np.float32]
Flags = NDArray[np.bool_]

WIDTH = 96  # pixels across, in the pictures that are looked at
LOOK_EVERY_S = 0.4
# The colours that are told apart: steps of brightness, and of blue and red around grey.
BRIGHTS, TINTS, TINT = 4, 16, 6.0
COLOURS = BRIGHTS * TINTS**2
MOST_COLOURS, LEAST = 96, 1e-3  # of a clip, the most frequent ones, and what is left out
STILL = 1.5  # levels of 255: what compression changes in a picture of an empty room
MOVING = 0.35  # of what the liveliest pixels change by
LIVELIEST = 92  # percentile of the pixels
CLOSING = 5  # pixels: a plain shirt moves at its edges alone
ROOM = 2.0  # how much what is frequent in the room is taken off
HEAD = 0.16  # of the height of a dancer
SKIN_BLUE, SKIN_RED = (77, 127), (133, 173)  # of 255 (Chai and Ngan, 1999)
DECIMALS = 4


@dataclass
class Watching:
    """Looks at the pictures of one clip, as they are encoded."""

    rate_hz: int
    _small: list[Array] = field(default_factory=list)
    _last: VideoFrame | None = None
    _count: int = 0

    def see(self, frame: VideoFrame) -> VideoFrame:
        """Look at the next picture, and return it."""
        if self._count % max(1, round(LOOK_EVERY_S * self.rate_hz)) == 0:
            self._small.append(_small(frame))
        self._last, self._count = frame, self._count + 1
        return frame

    def seen(self) -> dict[str, Any]:
        """Return what was seen.

        Returns
        -------
        dict
            ``colours`` of the dancers, each a number below ``COLOURS`` and how much there is of it; ``start_look``
            and ``end_look``, as :mod:`bachateo.moves.looks` says. All are empty where nothing moves.
        """
        nothing: dict[str, Any] = {"colours": [], "start_look": [], "end_look": []}
        if self._last is None:
            return nothing
        pictures = np.stack([*self._small, _small(self._last)])
        changes = _blurred(pictures.std(axis=0) @ np.array([1, 2, 2], np.float32))
        liveliest = float(np.percentile(changes, LIVELIEST))
        if liveliest < STILL:
            return nothing
        moving = _closed(changes > MOVING * liveliest)
        beside = ~_grown(moving, CLOSING // 2)
        numbers = _numbers(pictures)
        dancers, room = (_shares(numbers, where) for where in (moving, beside))
        own = np.clip(_blended(dancers) - ROOM * _blended(room), 0, None)
        chosen = np.sort(np.argsort(own)[-MOST_COLOURS:])
        chosen = chosen[own[chosen] > LEAST * own.sum()]
        if not len(chosen):
            return nothing
        shares = np.round(own[chosen] / own[chosen].sum(), DECIMALS)
        theirs = dancers > room
        first, last = (_look(pictures[at], theirs[numbers[at]] & moving) for at in (0, -1))
        return {
            "colours": [[colour, share] for colour, share in zip(chosen.tolist(), shares.tolist(), strict=True)],
            "start_look": first,
            "end_look": last,
        }


def _small(frame: VideoFrame) -> Array:
    """Return a small picture: brightness, blue and red of 0 to 255, ``(height, width, 3)``."""
    height = max(2, frame.height * WIDTH // frame.width)
    small = frame.reformat(width=WIDTH, height=height, format="yuv444p", interpolation="AREA")
    return small.to_ndarray().transpose(1, 2, 0).astype(np.float32)


def _numbers(pictures: Array) -> NDArray[np.intp]:
    bright = np.clip(pictures[..., 0] / 256 * BRIGHTS, 0, BRIGHTS - 1).astype(np.intp)
    blue, red = (
        np.clip((pictures[..., plane] - 128) / TINT + TINTS / 2, 0, TINTS - 1).astype(np.intp) for plane in (1, 2)
    )
    return np.asarray((bright * TINTS + blue) * TINTS + red, np.intp)


def _shares(numbers: NDArray[np.intp], where: Flags) -> NDArray[np.float64]:
    """Return how much there is of each colour in a part of the pictures."""
    counted = np.bincount(numbers[:, where].ravel(), minlength=COLOURS).astype(float)
    return np.asarray(counted / max(counted.sum(), 1), np.float64)


def _blended(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Let neighbouring colours run into each other: the same shirt is not quite the same in other light."""
    cube = shares.reshape(BRIGHTS, TINTS, TINTS)
    for axis in range(3):
        padded = np.pad(cube, [(1, 1) if axis == other else (0, 0) for other in range(3)], mode="edge")
        before, after = (np.take(padded, range(at, at + cube.shape[axis]), axis) for at in (0, 2))
        cube = (before + 2 * cube + after) / 4
    return np.asarray(cube.ravel(), np.float64)


def _look(picture: Array, dancers: Flags) -> list[float]:
    """Return how the couple looks in a picture, as ``FIELDS`` says; nothing where it is not seen."""
    rows, columns = np.nonzero(dancers)
    if len(rows) < len(FIELDS):
        return []
    top, bottom = np.percentile(rows, (2, 98))
    middle, height = float(columns.mean()), max(float(bottom - top), 1.0)
    numbers = [middle / picture.shape[1], 2 * float(columns.std()) / height, height / picture.shape[0]]
    for side in (columns <= middle, columns > middle):
        ys, xs = rows[side], columns[side]
        colours = picture[ys, xs].mean(axis=0) / 255 if len(ys) else np.full(3, 0.5)
        numbers += [*colours.tolist(), _facing(picture, ys, xs)]
    return [round(float(number), DECIMALS) for number in numbers]


def _facing(picture: Array, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> float:
    if not len(rows):
        return 0.0
    top, bottom = np.percentile(rows, (2, 98))
    head = rows < top + HEAD * (bottom - top)
    blue, red = picture[rows[head], columns[head], 1:].T
    skin = (blue > SKIN_BLUE[0]) & (blue < SKIN_BLUE[1]) & (red > SKIN_RED[0]) & (red < SKIN_RED[1])
    return float(skin.mean()) if len(skin) else 0.0


def _blurred(values: Array) -> Array:
    for axis in (0, 1):
        values = ((np.roll(values, 1, axis) + values + np.roll(values, -1, axis)) / 3).astype(np.float32)
    return values


def _grown(flags: Flags, by: int) -> Flags:
    wide = flags.copy()
    for shift in range(1, by + 1):
        wide[:, shift:] |= flags[:, :-shift]
        wide[:, :-shift] |= flags[:, shift:]
    return wide


def _closed(flags: Flags) -> Flags:
    """Fill what lies between two moving edges of a row."""
    return flags | ~_grown(~_grown(flags, CLOSING), CLOSING)
