"""How a couple stands: which joints, in which order and unit, and how far apart two poses are.

A pose is seen as the camera sees it, so that drawn clips and filmed ones can be compared: of each joint its place in
the picture, ``x`` to the right and ``y`` downwards. A *track* holds the poses of a clip, shape
``(moments, 2, 13, 2)``: moments evenly spread from the clip's count 1 to its end, both included; the lead, then the
follow; the joints of ``JOINTS``; x and y.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bachateo.errors import SearchError

DANCERS = ("lead", "follow")
# Left and right are the dancer's own.
JOINTS = (
    "head",
    "left shoulder", "right shoulder",
    "left elbow", "right elbow",
    "left hand", "right hand",
    "left hip", "right hip",
    "left knee", "right knee",
    "left ankle", "right ankle",
)  # fmt: skip
SHAPE = (len(DANCERS), len(JOINTS), 2)
POSE_LENGTH = len(DANCERS) * len(JOINTS) * 2
SHOULDERS, HIPS = slice(1, 3), slice(7, 9)
DECIMALS = 4  # of a stored pose: a twentieth of a millimetre

Track = NDArray[np.float64]
Pose = tuple[float, ...]


def normalise_track(track: ArrayLike) -> Track:
    """Return a track without where and how large the couple is in the picture.

    Parameters
    ----------
    track
        Shape ``(moments, 2, 13, 2)``, in pixels or any other unit.

    Returns
    -------
    ndarray
        The same shape. At each moment 0 is the middle of both dancers' hips. The unit is a *trunk*: from the middle
        of the shoulders to the middle of the hips, the median over both dancers and the whole track; about half a
        metre.

    Raises
    ------
    SearchError
        The shape is another, a number is not finite, or the trunks have no length.
    """
    joints = np.asarray(track, np.float64)
    if joints.shape[1:] != SHAPE or not len(joints):
        raise SearchError("CH100", f"a track of poses has shape {joints.shape}; it must be (moments, 2, 13, 2).")
    if not np.isfinite(joints).all():
        raise SearchError(
            "CH101", "a track of poses holds numbers that are not finite. Fill in joints that are hidden."
        )
    hips = joints[:, :, HIPS].mean(axis=2)
    trunk = float(np.median(np.linalg.norm(joints[:, :, SHOULDERS].mean(axis=2) - hips, axis=-1)))
    if not trunk > 0:
        raise SearchError("CH102", "the dancers of a track have trunks of length 0. Check the order of the joints.")
    normal: Track = (joints - hips.mean(axis=1)[:, None, None]) / trunk
    return normal


def end_poses(track: ArrayLike) -> tuple[Pose, Pose]:
    """Return the first and the last pose of a track, for ``start_pose`` and ``end_pose`` of a move.

    Returns
    -------
    tuple, tuple
        ``POSE_LENGTH`` (52) numbers each, in trunks as :func:`normalise_track` says, rounded to four decimals: for the
        lead and then the follow, for each joint of ``JOINTS``, x and y.
    """
    normal = normalise_track(track)
    start, end = (tuple(np.round(normal[moment].ravel(), DECIMALS).tolist()) for moment in (0, -1))
    return start, end


def pose_distance(a: Sequence[float], b: Sequence[float]) -> float:
    """Return how far the joints jump when one pose follows another.

    Parameters
    ----------
    a, b
        Poses as :func:`end_poses` gives them.

    Returns
    -------
    float
        Mean distance of the 26 joints, in trunks (about half a metre). Of the starter library: below 0.08 where one
        move follows another, 0.4 when the follow has turned, 0.6 in a dip, 1.1 when both have changed places.

    Raises
    ------
    SearchError
        A pose has another length, or a number that is not finite.

    Examples
    --------
    >>> pose_distance([0.0] * 52, [0.3, 0.4] * 26)
    0.5
    """
    places = [np.asarray(pose, np.float64) for pose in (a, b)]
    for place in places:
        if place.shape != (POSE_LENGTH,) or not np.isfinite(place).all():
            raise SearchError("CH103", f"a pose has {place.size} numbers; it needs {POSE_LENGTH} finite ones.")
    return float(np.linalg.norm((places[0] - places[1]).reshape(-1, 2), axis=1).mean())
