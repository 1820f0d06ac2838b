"""Whether the dancers dance as people do, for every move and moment."""

from __future__ import annotations

import numpy as np
import pytest

from bachateo.moves.drawing.camera import UP_AXIS, Camera
from bachateo.moves.drawing.encoding import FRAMES_PER_BEAT
from bachateo.moves.drawing.footwork import FLIGHT_BEATS, LEFT, RIGHT
from bachateo.moves.drawing.holds import joined
from bachateo.moves.drawing.pattern import Pattern
from bachateo.moves.drawing.repertoire import REPERTOIRE
from bachateo.moves.drawing.scene import Scene

SIZE = (320, 180)
STEP = 1 / 5
every_move = pytest.mark.parametrize("pattern", REPERTOIRE, ids=lambda pattern: pattern.label)


def _moments(pattern: Pattern) -> np.ndarray:
    return np.arange(0, pattern.beats, STEP)


@every_move
def test_feet__planted__do_not_slide(pattern: Pattern) -> None:
    scene = Scene(pattern, SIZE)
    for skeleton in (scene.lead, scene.follow):
        for side in (LEFT, RIGHT):
            lands = [landing.beat for landing in skeleton.footwork.landings if landing.side == side]
            planted = [
                beat
                for beat in _moments(pattern)
                if not any(land - FLIGHT_BEATS < beat + STEP and beat < land for land in lands)
            ]
            for beat in planted:
                here, then = (skeleton.footwork.foot(side, at) for at in (beat, beat + STEP - 1e-6))
                assert (here.u, here.v) == (then.u, then.v)
                assert here.lift == then.lift == 0


@every_move
def test_feet__steps__land_on_the_counts(pattern: Pattern) -> None:
    scene = Scene(pattern, SIZE)
    for skeleton in (scene.lead, scene.follow):
        for landing in skeleton.footwork.landings:
            assert landing.beat == round(landing.beat)
            before, after = (skeleton.footwork.foot(landing.side, landing.beat + off) for off in (-0.3, 0.0))
            assert before.lift > 0 or landing.beat < 0
            assert after.lift == 0


@every_move
def test_hands__holding__stay_together(pattern: Pattern) -> None:
    scene = Scene(pattern, SIZE)
    for beat in _moments(pattern):
        lead, follow = scene.couple(beat)
        for keys, lead_side, follow_side in ((pattern.left, LEFT, RIGHT), (pattern.right, RIGHT, LEFT)):
            if joined(keys, beat):
                assert np.linalg.norm(lead.hand[lead_side] - follow.hand[follow_side]) < 0.03, f"beat {beat}"


@every_move
def test_dancers__always__are_in_the_picture(pattern: Pattern) -> None:
    scene, camera = Scene(pattern, SIZE), Camera(*SIZE)
    for beat in _moments(pattern):
        for body in scene.couple(beat):
            for joint in (body.head + 0.17 * UP_AXIS, *body.hand.values(), *body.toes.values(), *body.heels.values()):
                x, y = camera.point(joint)
                assert 0.05 * SIZE[0] < x < 0.95 * SIZE[0]
                assert 0.02 * SIZE[1] < y < 0.98 * SIZE[1]


@every_move
@pytest.mark.thinned(to_one_in=5)
def test_legs__always__have_their_length(pattern: Pattern) -> None:
    scene = Scene(pattern, SIZE)
    for beat in _moments(pattern):
        for body in scene.couple(beat):
            for side in (LEFT, RIGHT):
                assert np.linalg.norm(body.hips[side] - body.knees[side]) == pytest.approx(0.44 * body.scale, abs=0.02)
                assert np.linalg.norm(body.knees[side] - body.ankles[side]) == pytest.approx(
                    0.43 * body.scale, abs=0.02
                )


@every_move
@pytest.mark.thinned(to_one_in=5)
def test_motion__between_pictures__has_no_jump(pattern: Pattern) -> None:
    scene = Scene(pattern, SIZE)
    before = scene.couple(0)
    for beat in np.arange(1, pattern.beats * FRAMES_PER_BEAT) / FRAMES_PER_BEAT:
        now = scene.couple(beat)
        for old, new in zip(before, now, strict=True):
            assert np.linalg.norm(new.head - old.head) < 0.09
            for side in (LEFT, RIGHT):
                assert np.linalg.norm(new.hand[side] - old.hand[side]) < 0.22, f"beat {beat}"
        before = now


def test_moves__one_after_another__fit_together() -> None:
    home = Scene(REPERTOIRE[0], SIZE).couple(0)
    ends = [Scene(pattern, SIZE).couple(pattern.beats) for pattern in REPERTOIRE if pattern.role != "outro"]
    starts = [Scene(pattern, SIZE).couple(0) for pattern in REPERTOIRE if pattern.role != "intro"]

    for couple in (*ends, *starts):
        for body, at_home in zip(couple, home, strict=True):
            assert np.linalg.norm(body.head - at_home.head) < 0.02
            for side in (LEFT, RIGHT):
                assert np.linalg.norm(body.toes[side] - at_home.toes[side]) < 0.001
                assert np.linalg.norm(body.hand[side] - at_home.hand[side]) < 0.03


def test_hips__tap_on_4_and_8__are_accented() -> None:
    scene = Scene(REPERTOIRE[0], SIZE)
    rise = [abs(body.hips[LEFT][1] - body.hips[RIGHT][1]) for body in (scene.follow.body(beat) for beat in range(8))]

    assert min(rise[3], rise[7]) > max(rise[1], rise[5])


def test_picture__dancers__are_told_apart_from_the_stage() -> None:
    scene = Scene(REPERTOIRE[0], SIZE)
    picture = np.asarray(scene.picture(2)).astype(int)
    red = (picture[..., 0] > 200) & (picture[..., 1] < 90) & (picture[..., 2] < 120)
    cream = (picture > 215).all(axis=2)

    assert picture.shape == (180, 320, 3)
    assert red.sum() > 200, "her dress"
    assert cream.sum() > 100, "his shirt"
    assert np.flatnonzero(red.any(axis=0)).mean() > np.flatnonzero(cream.any(axis=0)).mean()
