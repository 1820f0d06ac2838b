"""How the dancers hold each other: where a pair of hands is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bachateo.moves.drawing.body import FOREARM, UPPER_ARM, Body, reach
from bachateo.moves.drawing.camera import UP_AXIS, Vector
from bachateo.moves.drawing.curves import ease
from bachateo.moves.drawing.footwork import LEFT, RIGHT

CHANGE_BEATS = 1.0  # a hold is reached this long after the hands leave the one before
ARM = 0.985


@dataclass(frozen=True)
class Arms:
    """The two arms that a hold is about: bodies, and which hand of each."""

    lead: Body
    follow: Body
    lead_side: int
    follow_side: int

    @property
    def between(self) -> Vector:
        """Return the middle of the two shoulders."""
        middle: Vector = (self.lead.shoulder[self.lead_side] + self.follow.shoulder[self.follow_side]) / 2
        return middle


Points = tuple[Vector, Vector]


def _together(point: Vector) -> Points:
    return point, point


def _at_height(point: Vector, height: float) -> Vector:
    return np.array([point[0], height, point[2]])


def _low(arms: Arms) -> Points:
    return _together(_at_height(arms.between + 0.06 * arms.lead.leftward * arms.lead_side, 1.02))


def _frame(arms: Arms) -> Points:
    return _together(_at_height(arms.between + 0.24 * arms.lead.leftward * arms.lead_side, 1.34))


def _over(dancer: Body, other: Body) -> Points:
    towards = other.head - dancer.head
    return _together(dancer.head + 0.27 * UP_AXIS + 0.12 * _at_height(towards, 0.0))


def _wrap(arms: Arms) -> Points:
    follow = arms.follow
    return _together(follow.waist + 0.08 * UP_AXIS + 0.15 * follow.forward + 0.05 * follow.leftward * arms.follow_side)


def _behind(arms: Arms) -> Points:
    follow = arms.follow
    return _together(follow.waist + 0.12 * UP_AXIS - 0.15 * follow.forward + 0.04 * follow.leftward * arms.follow_side)


def _embrace(arms: Arms) -> Points:
    lead, follow = arms.lead, arms.follow
    back = follow.chest - 0.10 * follow.forward + 0.09 * follow.leftward * arms.follow_side
    shoulder = lead.shoulder[arms.lead_side] + 0.04 * UP_AXIS + 0.05 * lead.forward
    return back, shoulder


def _hang(body: Body, side: int) -> Vector:
    return body.pelvis + 0.02 * UP_AXIS + 0.27 * body.leftward * side + 0.10 * body.forward


def _free(arms: Arms) -> Points:
    return _hang(arms.lead, arms.lead_side), _open(arms.follow, arms.follow_side)


def _open(body: Body, side: int) -> Vector:
    return body.shoulder[side] - 0.16 * UP_AXIS + 0.40 * body.leftward * side + 0.10 * body.forward


def _hair(arms: Arms) -> Points:
    follow = arms.follow
    return _hang(arms.lead, arms.lead_side), follow.head + 0.10 * UP_AXIS + 0.12 * follow.leftward * arms.follow_side


def _hips(arms: Arms) -> Points:
    follow = arms.follow
    # Behind her, his left hand is at her left side.
    hip = follow.hips[-arms.follow_side] + 0.10 * UP_AXIS - 0.03 * follow.leftward * arms.follow_side
    return hip, _open(follow, arms.follow_side)


def _offer(arms: Arms) -> Points:
    lead = arms.lead
    return lead.chest + 0.42 * lead.forward + 0.12 * lead.leftward * arms.lead_side, _hang(
        arms.follow, arms.follow_side
    )


HOLDS: dict[str, Callable[[Arms], Points]] = {
    "low": _low,
    "frame": _frame,
    "over follow": lambda arms: _over(arms.follow, arms.lead),
    "over lead": lambda arms: _over(arms.lead, arms.follow),
    "wrap": _wrap,
    "behind": _behind,
    "embrace": _embrace,
    "free": _free,
    "hair": _hair,
    "hips": _hips,
    "offer": _offer,
}
JOINED = frozenset({"low", "frame", "over follow", "over lead", "wrap", "behind"})


def join_hands(keys: Sequence[tuple[float, str]], beat: float, arms: Arms) -> None:
    """Put the two hands where the holds of a move want them at a beat.

    Hands that hold each other stay together: their point is moved to where both arms reach it.

    Parameters
    ----------
    keys
        Beats and the hold that begins at each, ascending.
    beat
        From the beginning of the move.
    arms
        The two arms that the holds join.
    """
    name, following, way = _between_keys(keys, beat)
    start, end = HOLDS[name](arms), HOLDS[following](arms)
    lead, follow = (a + (b - a) * way for a, b in zip(start, end, strict=True))
    if name in JOINED and following in JOINED:
        lead = follow = _within_reach(lead, arms)
    reach(arms.lead, arms.lead_side, lead)
    reach(arms.follow, arms.follow_side, follow)


def joined(keys: Sequence[tuple[float, str]], beat: float) -> bool:
    """Whether the two hands hold each other at a beat."""
    name, following, _ = _between_keys(keys, beat)
    return name in JOINED and following in JOINED


def pose_hands(
    left: Sequence[tuple[float, str]], right: Sequence[tuple[float, str]], beat: float, lead: Body, follow: Body
) -> None:
    """Pose all four arms.

    Parameters
    ----------
    left, right
        Holds of the lead's left and right hand: beats and the hold that begins at each.
    beat
        From the beginning of the move.
    lead, follow
        The two dancers.
    """
    join_hands(left, beat, Arms(lead, follow, LEFT, RIGHT))
    join_hands(right, beat, Arms(lead, follow, RIGHT, LEFT))


def _between_keys(keys: Sequence[tuple[float, str]], beat: float) -> tuple[str, str, float]:
    name = keys[0][1]
    for time, following in keys[1:]:
        if beat < time:
            return name, following, ease((beat - time + CHANGE_BEATS) / CHANGE_BEATS)
        name = following
    return name, name, 0.0


def _within_reach(point: Vector, arms: Arms) -> Vector:
    ends = ((arms.lead, arms.lead_side), (arms.follow, arms.follow_side))
    # Projecting on each arm's ball in turn ends where both reach, if there is such a place.
    for _ in range(8):
        for body, side in ends:
            way = point - body.shoulder[side]
            far = float(np.linalg.norm(way))
            point = body.shoulder[side] + way * min(1.0, ARM * (UPPER_ARM + FOREARM) * body.scale / far)
    return point
