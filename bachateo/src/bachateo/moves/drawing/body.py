"""A dancer's joints at a moment, from the steps and curves of the move."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import cos, pi

import numpy as np

from bachateo.moves.drawing.camera import UP_AXIS, Vector, facing, on_floor
from bachateo.moves.drawing.curves import Curve
from bachateo.moves.drawing.footwork import LEFT, RIGHT, Foot, Footwork
from bachateo.moves.drawing.pattern import Dancer

# Metres, for a dancer of 1.78 m; the follow is smaller by Figure.scale.
THIGH, SHIN, ANKLE, PELVIS = 0.44, 0.43, 0.085, 0.935
HEEL_BACK, TOE_AHEAD = 0.11, 0.13  # from the middle of the foot
HIP_HALF, SHOULDER_HALF = 0.095, 0.185
UPPER_ARM, FOREARM = 0.29, 0.27
WAIST_UP, CHEST_UP, SHOULDERS_UP, HEAD_UP = 0.17, 0.36, 0.53, 0.735
SHAPES = ("lean", "side", "wave", "roll", "dip", "look")


@dataclass
class Body:
    """Joints in world coordinates, metres. Pairs are indexed by ``LEFT`` and ``RIGHT``."""

    scale: float
    forward: Vector
    leftward: Vector
    spin: float  # degrees a beat
    drift: Vector  # metres the pelvis moved in the last fifth of a beat
    pelvis: Vector
    waist: Vector
    chest: Vector
    shoulders: Vector
    head: Vector
    gaze: Vector
    hips: dict[int, Vector]
    knees: dict[int, Vector]
    ankles: dict[int, Vector]
    heels: dict[int, Vector]
    toes: dict[int, Vector]
    shoulder: dict[int, Vector]
    elbow: dict[int, Vector] = field(default_factory=dict)
    hand: dict[int, Vector] = field(default_factory=dict)


class Skeleton:
    """Moves one dancer's joints through a move."""

    def __init__(self, dancer: Dancer, first_side: int, *, scale: float, accent: float, heel_m: float) -> None:
        self.footwork = Footwork(dancer, first_side)
        self.scale, self.accent, self.heel_m = scale, accent, heel_m
        self.heading = Curve([(landing.beat, landing.heading) for landing in self.footwork.landings])
        self.shape = {name: Curve(dancer.shape.get(name, ((0, 0.0),))) for name in SHAPES}

    def body(self, beat: float) -> Body:
        """Return the joints at a beat of the move; hands hang until :meth:`reach` moves them."""
        heading = self.heading(beat)
        forward, leftward = facing(heading), facing(heading + 90)
        feet = {side: self.footwork.foot(side, beat) for side in (LEFT, RIGHT)}
        ankles = {side: self._ankle(foot) for side, foot in feet.items()}
        shape = {name: curve(beat) for name, curve in self.shape.items()}
        accent = self.footwork.accent(beat) * self.accent
        weight = self.footwork.left_weight(beat)
        middle = self._middle(beat)
        pelvis = middle + leftward * (0.055 * accent) + forward * (0.35 * shape["lean"] * -0.3)
        roll = 0.045 * (2 * weight - 1) + 0.07 * accent + shape["roll"]
        hips = {side: pelvis + leftward * side * HIP_HALF * self.scale for side in (LEFT, RIGHT)}
        bounce = 0.012 * cos(2 * pi * (beat - 0.12))
        height = min(
            PELVIS * self.scale + 0.75 * self.heel_m - bounce - shape["dip"],
            *(self._reach(hip, ankles[side]) - 0.5 * roll * side for side, hip in hips.items()),
        )
        pelvis = pelvis + UP_AXIS * height
        hips = {side: hip + UP_AXIS * (height + 0.5 * roll * side) for side, hip in hips.items()}
        up = UP_AXIS * self.scale
        sway = leftward * (shape["side"] - 0.03 * accent)
        waist = pelvis + up * WAIST_UP + forward * (0.25 * shape["lean"] - 0.5 * shape["wave"]) + 0.3 * sway
        chest = pelvis + up * CHEST_UP + forward * (0.6 * shape["lean"] + shape["wave"]) + 0.7 * sway
        shoulders = pelvis + up * SHOULDERS_UP + forward * (shape["lean"] + 0.6 * shape["wave"]) + sway
        head = pelvis + up * HEAD_UP + forward * (1.35 * shape["lean"] + 0.3 * shape["wave"] + 0.015) + 1.2 * sway
        slope = -0.35 * roll
        shoulder = {
            side: shoulders + leftward * side * SHOULDER_HALF * self.scale + UP_AXIS * (slope * side)
            for side in (LEFT, RIGHT)
        }
        knees = {side: self._knee(hip, ankles[side], feet[side], leftward * side) for side, hip in hips.items()}
        return Body(
            scale=self.scale,
            forward=forward,
            leftward=leftward,
            spin=5 * (self.heading(beat + 0.1) - self.heading(beat - 0.1)),
            drift=middle - self._middle(beat - 0.2),
            pelvis=pelvis,
            waist=waist,
            chest=chest,
            shoulders=shoulders,
            head=head,
            gaze=facing(heading + shape["look"]),
            hips=hips,
            knees=knees,
            ankles=ankles,
            heels={side: self._sole(foot, -HEEL_BACK) for side, foot in feet.items()},
            toes={side: self._sole(foot, TOE_AHEAD) for side, foot in feet.items()},
            shoulder=shoulder,
        )

    def _middle(self, beat: float) -> Vector:
        weight = self.footwork.left_weight(beat)
        left, right = self.footwork.foot(LEFT, beat), self.footwork.foot(RIGHT, beat)
        u = right.u + weight * (left.u - right.u)
        v = right.v + weight * (left.v - right.v)
        return on_floor(u, v)

    def _sole(self, foot: Foot, ahead: float) -> Vector:
        # The ball of the foot stays; the heel rises around it.
        raised = foot.heel + self.heel_m if ahead < 0 else 0.0
        return on_floor(foot.u, foot.v, foot.lift + raised + 0.02) + facing(foot.heading) * ahead * self.scale

    def _ankle(self, foot: Foot) -> Vector:
        back = facing(foot.heading) * (-0.06 + 0.3 * foot.heel) * self.scale
        return on_floor(foot.u, foot.v, foot.lift + ANKLE * self.scale + 0.75 * (foot.heel + self.heel_m)) + back

    def _knee(self, hip: Vector, ankle: Vector, foot: Foot, outward: Vector) -> Vector:
        hint = facing(foot.heading) + 0.15 * outward
        return _bend(hip, ankle, THIGH * self.scale, SHIN * self.scale, hint)

    def _reach(self, hip: Vector, ankle: Vector) -> float:
        """Return the highest the hip may be for the leg to reach the foot, with a soft knee."""
        leg = (THIGH + SHIN) * self.scale * 0.992
        across = float(np.hypot(hip[0] - ankle[0], hip[2] - ankle[2]))
        return float(ankle[1]) + float(np.sqrt(max(leg * leg - across * across, 0.04)))


def reach(body: Body, side: int, target: Vector, elbow_hint: Vector | None = None) -> None:
    """Put a hand on a target, as far as the arm goes.

    Parameters
    ----------
    body
        Whose hand.
    side
        ``LEFT`` or ``RIGHT``.
    target
        Where the hand goes, in metres.
    elbow_hint
        Direction in which the elbow points; down, outward and back where it is ``None``.
    """
    upper, fore = UPPER_ARM * body.scale, FOREARM * body.scale
    shoulder = body.shoulder[side]
    way = target - shoulder
    distance = float(np.linalg.norm(way)) or 1e-6
    body.hand[side] = shoulder + way / distance * min(distance, (upper + fore) * 0.995)
    hint = elbow_hint if elbow_hint is not None else -UP_AXIS + 0.5 * body.leftward * side - 0.35 * body.forward
    body.elbow[side] = _bend(shoulder, body.hand[side], upper, fore, hint)


def _bend(start: Vector, end: Vector, first: float, second: float, hint: Vector) -> Vector:
    """Return the joint between two bones, bent towards the hint."""
    way = end - start
    distance = min(max(float(np.linalg.norm(way)), 1e-6), (first + second) * 0.9999)
    along = way / float(np.linalg.norm(way))
    ahead = (first * first - second * second + distance * distance) / (2 * distance)
    aside = hint - along * float(hint @ along)
    return (
        start
        + along * ahead
        + aside / (float(np.linalg.norm(aside)) or 1.0) * float(np.sqrt(max(first * first - ahead * ahead, 0.0)))
    )
