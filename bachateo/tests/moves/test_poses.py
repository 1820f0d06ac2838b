from __future__ import annotations

import numpy as np
import pytest

from bachateo.errors import SearchError
from bachateo.moves.drawing.repertoire import REPERTOIRE
from bachateo.moves.poses import HIPS, JOINTS, POSE_LENGTH, SHOULDERS, end_poses, normalise_track, pose_distance


def _track(seed: int = 0, moments: int = 5) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 100, (moments, 2, 13, 2))


def test_joints__slices__name_shoulders_and_hips() -> None:
    assert JOINTS[SHOULDERS] == ("left shoulder", "right shoulder")
    assert JOINTS[HIPS] == ("left hip", "right hip")


def test_normalise_track__any_camera__origin_is_between_the_hips_and_the_unit_a_trunk() -> None:
    normal = normalise_track(_track())

    hips, shoulders = (normal[:, :, part].mean(axis=2) for part in (HIPS, SHOULDERS))
    assert hips.mean(axis=1) == pytest.approx(0, abs=1e-12)
    assert np.median(np.linalg.norm(shoulders - hips, axis=-1)) == pytest.approx(1)


def test_normalise_track__moved_and_enlarged__is_the_same() -> None:
    assert normalise_track(3 * _track() + (640, -20)) == pytest.approx(normalise_track(_track()))


@pytest.mark.parametrize(
    ("track", "message"),
    [
        (np.zeros((4, 2, 12, 2)), r"^CH100  a track of poses has shape \(4, 2, 12, 2\); it must be"),
        (np.zeros((0, 2, 13, 2)), r"^CH100  "),
        (np.full((4, 2, 13, 2), np.nan), r"^CH101  .* not finite\. Fill in joints"),
        (np.zeros((4, 2, 13, 2)), r"^CH102  .* trunks of length 0"),
    ],
)
def test_normalise_track__no_track__says_why(track: np.ndarray, message: str) -> None:
    with pytest.raises(SearchError, match=message):
        normalise_track(track)


def test_end_poses__track__are_its_first_and_last() -> None:
    start, end = end_poses(_track())

    assert len(start) == len(end) == POSE_LENGTH == 52
    assert start == pytest.approx(normalise_track(_track())[0].ravel(), abs=1e-4)
    assert end == pytest.approx(normalise_track(_track())[-1].ravel(), abs=1e-4)


def test_pose_distance__one_joint_jumps__is_its_share() -> None:
    pose = [0.0] * POSE_LENGTH
    moved = [*pose[:10], 3.0, 4.0, *pose[12:]]

    assert pose_distance(pose, pose) == 0
    assert pose_distance(pose, moved) == pytest.approx(5 / 26) == pose_distance(moved, pose)


@pytest.mark.parametrize("pose", [[0.0] * 51, [0.0] * 51 + [float("inf")], []])
def test_pose_distance__no_pose__is_refused(pose: list[float]) -> None:
    with pytest.raises(SearchError, match=r"^CH103  a pose has \d+ numbers; it needs 52 finite ones"):
        pose_distance([0.0] * 52, pose)


def test_repertoire__poses__agree_at_the_joins_and_differ_within() -> None:
    from bachateo.moves.drawing.measuring import scene_track  # noqa: PLC0415

    tracks = {p.label: scene_track(p) for p in REPERTOIRE if p.label in {"side basic", "dip", "right turn"}}
    start, end = end_poses(tracks["side basic"])
    assert pose_distance(end, end_poses(tracks["dip"])[0]) < 0.1
    assert pose_distance(start, end_poses(tracks["right turn"])[0]) < 0.1

    dipped = tuple(normalise_track(tracks["dip"])[8].ravel())
    assert pose_distance(start, dipped) > 0.3
