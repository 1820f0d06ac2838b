from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from bachateo.errors import SearchError
from bachateo.moves.drawing.measuring import scene_track
from bachateo.moves.drawing.repertoire import REPERTOIRE
from bachateo.moves.vectors.motion import Motion, describe_motion

LABELS = ("side basic", "right turn", "double turn", "lead turn", "dip", "cross body lead", "circle")


@pytest.fixture(scope="module")
def tracks() -> dict[str, np.ndarray]:
    return {pattern.label: scene_track(pattern) for pattern in REPERTOIRE if pattern.label in LABELS}


def _vectors(motion: Motion) -> tuple[np.ndarray, ...]:
    return tuple(vector.astype(float) for vector in (motion.lead, motion.follow, motion.interaction))


def test_describe_motion__any_move__has_unit_vectors_of_the_mapping(tracks: dict[str, np.ndarray]) -> None:
    for track in tracks.values():
        vectors = _vectors(describe_motion(track))

        assert [len(vector) for vector in vectors] == [512, 512, 256]
        assert [np.linalg.norm(vector) for vector in vectors] == pytest.approx([1, 1, 1], abs=1e-6)


def test_describe_motion__another_camera__is_the_same(tracks: dict[str, np.ndarray]) -> None:
    near, far = (_vectors(describe_motion(scale * tracks["dip"] + place)) for scale, place in ((1, 0), (0.3, 500)))

    for one, other in zip(near, far, strict=True):
        assert one == pytest.approx(other, abs=1e-6)


def test_describe_motion__sampled_more_finely__is_nearly_the_same(tracks: dict[str, np.ndarray]) -> None:
    coarse = tracks["right turn"]
    moments = np.linspace(0, len(coarse) - 1, 161)
    fine = np.array([coarse[int(at)] * (1 - at % 1) + coarse[min(int(at) + 1, 16)] * (at % 1) for at in moments])

    for one, other in zip(_vectors(describe_motion(coarse)), _vectors(describe_motion(fine)), strict=True):
        assert one @ other > 0.9999


def test_describe_motion__moves__are_told_apart_and_turns_are_alike(tracks: dict[str, np.ndarray]) -> None:
    follow = {label: describe_motion(track).follow.astype(float) for label, track in tracks.items()}
    lead = {label: describe_motion(track).lead.astype(float) for label, track in tracks.items()}

    assert follow["right turn"] @ follow["double turn"] > follow["right turn"] @ follow["side basic"]
    assert max(lead[a] @ lead[b] for a, b in combinations(LABELS, 2)) < 0.995
    assert np.mean([follow[a] @ follow[b] for a, b in combinations(LABELS, 2)]) < 0.7


def test_describe_motion__no_track__is_refused() -> None:
    with pytest.raises(SearchError, match=r"^CH100  "):
        describe_motion(np.zeros((4, 1, 13, 2)))
