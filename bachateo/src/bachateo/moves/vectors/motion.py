"""How the couple moves, as vectors: the lead's part, the follow's, and what is between them.

All three are read at ``MOMENTS`` moments evenly spread over the move, so a move of eight beats and one of sixteen can
be compared. Coordinates are in trunks, see :mod:`bachateo.moves.poses`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bachateo.moves.poses import HIPS, JOINTS, SHOULDERS, Track, normalise_track

MOMENTS = 16
DANCER_DIMS, INTERACTION_DIMS = 512, 256
LEFT_HAND, RIGHT_HAND = JOINTS.index("left hand"), JOINTS.index("right hand")
HANDS, ANKLES = slice(LEFT_HAND, RIGHT_HAND + 1), slice(11, 13)

Vector = NDArray[np.float32]
Features = NDArray[np.float64]

# A dancer and a couple that stand still: what all moves share distinguishes no move, so it is left out. In trunks;
# of a dancer the joints' heights below the hips (x is 0), from the proportions of the drawn bodies.
STANDING_Y = (-1.39, -1.0, -1.0, -0.52, -0.52, -0.33, -0.33, 0.0, 0.0, 0.80, 0.80, 1.60, 1.60)
CLOSE = 1.2  # between the hips, in trunks
TRAVEL, SPEED = 1.0, 0.5  # weights of where the hips go, and how fast the limbs


@dataclass(frozen=True)
class Motion:
    """Three vectors of unit length: ``lead`` and ``follow`` of 512, ``interaction`` of 256 numbers."""

    lead: Vector
    follow: Vector
    interaction: Vector


def describe_motion(track: ArrayLike) -> Motion:
    """Return the vectors of a track.

    Parameters
    ----------
    track
        Shape ``(moments, 2, 13, 2)``, at least two moments, in any unit.

    Returns
    -------
    Motion
        Of each dancer 32 numbers at each moment: the 13 joints from the dancer's own hips less a standing figure (26),
        where the hips are compared with the first moment (2), the velocity of the hips (2), the speed of the hands
        and of the feet (2). Between them 16 numbers at each moment: from the lead's hips, shoulders and head to the
        follow's (6), between the hands of each side (4), from the lead's right hand to the follow's shoulders (2), the
        change of the first (2), the distance of the hips and of the heads less ``CLOSE`` (2).

    Raises
    ------
    SearchError
        As :func:`bachateo.moves.poses.normalise_track`.
    """
    joints = _at_moments(normalise_track(track))
    lead, follow = joints[:, 0], joints[:, 1]
    return Motion(_unit(_dancer(lead)), _unit(_dancer(follow)), _unit(_between(lead, follow)))


def _at_moments(track: Track) -> Track:
    """Resample a track, linearly; the last moment is left out, since there the next move begins."""
    wanted = np.arange(MOMENTS) * (len(track) - 1) / MOMENTS
    before = np.minimum(wanted.astype(int), max(len(track) - 2, 0))
    part = (wanted - before)[:, None, None, None]
    between: Track = (1 - part) * track[before] + part * track[np.minimum(before + 1, len(track) - 1)]
    return between


def _dancer(joints: Track) -> Features:
    hips = joints[:, HIPS].mean(axis=1)
    standing = np.stack((np.zeros(len(JOINTS)), STANDING_Y), axis=1)
    shape = joints - hips[:, None] - standing
    speed = np.linalg.norm(_change(joints - hips[:, None]), axis=-1)
    parts = (
        shape.reshape(MOMENTS, -1),
        TRAVEL * (hips - hips[0]),
        TRAVEL * _change(hips),
        SPEED * speed[:, HANDS].mean(axis=1, keepdims=True),
        SPEED * speed[:, ANKLES].mean(axis=1, keepdims=True),
    )
    return np.hstack(parts)


def _between(lead: Track, follow: Track) -> Features:
    hips = (follow - lead)[:, HIPS].mean(axis=1)
    heads = follow[:, 0] - lead[:, 0]
    parts = (
        hips,
        (follow - lead)[:, SHOULDERS].mean(axis=1),
        heads,
        follow[:, RIGHT_HAND] - lead[:, LEFT_HAND],
        follow[:, LEFT_HAND] - lead[:, RIGHT_HAND],
        follow[:, SHOULDERS].mean(axis=1) - lead[:, RIGHT_HAND],
        _change(hips),
        np.linalg.norm(hips, axis=1, keepdims=True) - CLOSE,
        np.linalg.norm(heads, axis=1, keepdims=True) - CLOSE,
    )
    return np.hstack(parts)


def _change(values: Features) -> Features:
    changed: Features = np.gradient(values, axis=0)
    return changed


def _unit(features: Features) -> Vector:
    flat = features.ravel()
    return (flat / np.linalg.norm(flat)).astype(np.float32)
