"""How the two dancers look: a lead in a hat, a follow in a dress."""

from __future__ import annotations

from bachateo.moves.drawing.body import Body
from bachateo.moves.drawing.brush import Brush, Colour, ring
from bachateo.moves.drawing.camera import UP_AXIS
from bachateo.moves.drawing.footwork import LEFT, RIGHT

SIDES = (LEFT, RIGHT)

SHIRT: Colour = (246, 238, 222)
TROUSERS: Colour = (40, 48, 92)
BRACES: Colour = (176, 58, 66)
HAT: Colour = (236, 222, 190)
BAND: Colour = (190, 62, 72)
LEAD_SKIN: Colour = (156, 102, 70)
LEAD_SHOE: Colour = (62, 40, 34)
LEAD_HAIR: Colour = (42, 30, 28)

DRESS: Colour = (226, 46, 74)
DRESS_INSIDE: Colour = (138, 24, 52)
DRESS_FOLD: Colour = (186, 30, 62)
FOLLOW_SKIN: Colour = (222, 166, 128)
FOLLOW_SHOE: Colour = (240, 190, 90)
FOLLOW_HAIR: Colour = (66, 38, 34)
FLOWER: Colour = (255, 214, 110)

EYE: Colour = (40, 24, 24)
LIPS: Colour = (150, 52, 52)


def paint_lead(brush: Brush, body: Body) -> None:
    """Paint the lead."""
    for side in SIDES:
        brush.limb(body.heels[side], 0.030, body.toes[side], 0.032, LEAD_SHOE)
        brush.limb(body.hips[side], 0.092, body.knees[side], 0.068, TROUSERS)
        brush.limb(body.knees[side], 0.068, body.ankles[side], 0.055, TROUSERS)
    depth, across = _depth(body), body.leftward
    waist = ring(body.waist, across, 0.140, 0.095)
    chest = ring(body.chest, across, 0.175, 0.11)
    brush.hull([ring(body.pelvis - 0.02 * UP_AXIS, across, 0.150, 0.10), waist], TROUSERS, depth=depth - 0.001)
    brush.hull([waist, chest], SHIRT, depth=depth)
    brush.hull([chest, ring(body.shoulders, across, 0.185, 0.075)], SHIRT, depth=depth)
    _braces(brush, body, depth + 0.002)
    _arms(brush, body, SHIRT, LEAD_SKIN, 0.054)
    brush.limb(body.shoulders + 0.02 * UP_AXIS, 0.052, body.head - 0.06 * UP_AXIS, 0.05, LEAD_SKIN, depth=depth + 0.02)
    _head(brush, body, LEAD_SKIN, LEAD_HAIR)
    _hat(brush, body)


def paint_follow(brush: Brush, body: Body) -> None:
    """Paint the follow."""
    depth, across = _depth(body), body.leftward
    for side in SIDES:
        # Under the skirt, whichever way the leg points; of the two legs the nearer one is in front.
        under = float(body.pelvis[2]) - 0.06 + 0.2 * float(body.hips[side][2] - body.pelvis[2])
        brush.limb(body.heels[side], 0.016, body.toes[side], 0.027, FOLLOW_SHOE)
        brush.limb(body.hips[side], 0.080, body.knees[side], 0.055, FOLLOW_SKIN, depth=under)
        brush.limb(body.knees[side], 0.055, body.ankles[side], 0.034, FOLLOW_SKIN, depth=under - 0.001)
    _skirt(brush, body)
    waist = ring(body.waist, across, 0.108, 0.08)
    chest = ring(body.chest - 0.02 * UP_AXIS, across, 0.140, 0.10)
    neckline = ring(body.chest + 0.07 * UP_AXIS, across, 0.135, 0.09)
    brush.hull([ring(body.pelvis + 0.04 * UP_AXIS, across, 0.148, 0.11), waist], DRESS, depth=depth + 0.003)
    brush.hull([waist, chest], DRESS, depth=depth + 0.003)
    brush.hull([chest, neckline], DRESS, depth=depth + 0.003)
    brush.hull([neckline, ring(body.shoulders - 0.02 * UP_AXIS, across, 0.140, 0.06)], FOLLOW_SKIN, depth=depth + 0.001)
    for side in SIDES:
        for way in (body.forward, -body.forward):
            if float(way[2]) > 0:
                strap = [
                    body.chest + across * side * 0.09 + way * 0.085 + 0.06 * UP_AXIS,
                    body.shoulders + across * side * 0.10,
                ]
                brush.line(strap, DRESS, 0.026, depth=depth + 0.004)
    _arms(brush, body, FOLLOW_SKIN, FOLLOW_SKIN, 0.041)
    brush.limb(body.shoulders, 0.044, body.head - 0.06 * UP_AXIS, 0.042, FOLLOW_SKIN, depth=depth + 0.02)
    _head(brush, body, FOLLOW_SKIN, FOLLOW_HAIR)
    _ponytail(brush, body)


def _depth(body: Body) -> float:
    return float(body.waist[2])


def _arms(brush: Brush, body: Body, sleeve: Colour, skin: Colour, radius: float) -> None:
    for side in SIDES:
        shoulder, elbow, hand = body.shoulder[side], body.elbow[side], body.hand[side]
        fore = hand - elbow
        # An arm is in front of the body that it belongs to, unless it is behind it by more than a shoulder.
        depth = float(shoulder[2] + elbow[2]) / 2 + 0.03
        ahead = float(elbow[2] + hand[2]) / 2 + 0.04
        brush.limb(shoulder, radius + 0.008, elbow, radius, sleeve, depth=depth)
        brush.limb(elbow + 0.2 * fore, radius * 0.86, elbow + 0.86 * fore, radius * 0.68, skin, depth=ahead)
        brush.limb(elbow, radius, elbow + 0.28 * fore, radius * 0.95, sleeve, depth=ahead + 0.001)
        brush.limb(elbow + 0.86 * fore, radius * 0.74, hand, radius * 0.84, skin, depth=ahead + 0.012)


def _braces(brush: Brush, body: Body, depth: float) -> None:
    for side in SIDES:
        for way in (body.forward, -body.forward):
            if float(way[2]) > 0:
                strap = [
                    body.shoulders + body.leftward * side * 0.105 + way * 0.04 + 0.01 * UP_AXIS,
                    body.chest + body.leftward * side * 0.095 + way * 0.11,
                    body.waist + body.leftward * side * 0.075 + way * 0.095,
                ]
                brush.line(strap, BRACES, 0.028, depth=depth)


def _head(brush: Brush, body: Body, skin: Colour, hair: Colour) -> None:
    gaze, scale = body.gaze, body.scale
    towards = float(gaze[2])
    depth = float(body.head[2]) + 0.06
    # Of hair and face, the one on the camera's side is painted last.
    brush.ball(body.head - 0.040 * gaze + 0.015 * UP_AXIS, 0.108 * scale, hair, depth=depth - 0.02 * towards, flat=1.12)
    brush.ball(body.head + 0.040 * gaze, 0.094 * scale, skin, depth=depth + 0.02 * towards, flat=1.2)
    brush.ball(body.head + 0.128 * gaze - 0.012 * UP_AXIS, 0.017 * scale, skin, depth=depth + 0.02 * towards)
    if towards < 0:
        return
    sideways = body.leftward
    for side in SIDES:
        eye = body.head + gaze * 0.115 + sideways * side * 0.038 + 0.022 * UP_AXIS
        brush.ball(eye, 0.0095, EYE, depth=depth + 0.03, flat=1.3)
    smile = [
        body.head + gaze * 0.115 + sideways * x - (0.058 - 6 * x * x) * UP_AXIS
        for x in (-0.032, -0.016, 0.0, 0.016, 0.032)
    ]
    brush.line(smile, LIPS, 0.011, depth=depth + 0.03)


def _hat(brush: Brush, body: Body) -> None:
    across = body.leftward
    brim = body.head + 0.062 * UP_AXIS
    band, top = brim + 0.035 * UP_AXIS, brim + 0.105 * UP_AXIS - 0.01 * body.gaze
    depth = float(body.head[2]) + 0.11
    brush.hull([ring(brim, across, 0.165, 0.185)], HAT, depth=depth)
    brush.hull(
        [ring(brim, across, 0.108, 0.12), ring(band, across, 0.106, 0.118)], BAND, depth=depth + 0.001, outlined=False
    )
    brush.hull(
        [ring(band, across, 0.106, 0.118), ring(top, across, 0.085, 0.10)], HAT, depth=depth + 0.002, outlined=False
    )


def _ponytail(brush: Brush, body: Body) -> None:
    # Hair lags behind a turn and behind a step.
    swing = body.leftward * (-body.spin * 0.0011) - 0.9 * body.drift
    knot = body.head - 0.10 * body.gaze + 0.075 * UP_AXIS
    middle = knot - 0.07 * body.gaze - 0.13 * UP_AXIS + 0.5 * swing
    end = knot - 0.05 * body.gaze - 0.33 * UP_AXIS + swing
    depth = float(knot[2]) + 0.09 - 0.10 * float(body.gaze[2])
    brush.limb(knot, 0.042, middle, 0.052, FOLLOW_HAIR, depth=depth)
    brush.limb(middle, 0.052, end, 0.018, FOLLOW_HAIR, depth=depth)
    brush.ball(knot + 0.05 * body.leftward + 0.02 * UP_AXIS, 0.036, FLOWER, depth=depth + 0.03)


def _skirt(brush: Brush, body: Body) -> None:
    flare = min(abs(body.spin) / 360, 0.55)
    knees = (body.knees[LEFT] + body.knees[RIGHT]) / 2
    swing = 0.45 * (knees - body.pelvis) * (1.0, 0.0, 1.0) - 0.8 * body.drift
    centre = body.pelvis - (0.31 - 0.12 * flare) * body.scale * UP_AXIS + swing
    hem = ring(centre, body.leftward, 0.235 + 0.20 * flare, 0.215 + 0.20 * flare)
    depth = float(body.pelvis[2])
    brush.hull([hem], DRESS_INSIDE, depth=depth - 0.25, outlined=False)
    brush.hull([hem, ring(body.pelvis + 0.06 * UP_AXIS, body.leftward, 0.145, 0.105)], DRESS, depth=depth + 0.02)
    for point in hem[::3]:
        if point[2] > centre[2] - 0.03:
            brush.line([body.pelvis + 0.45 * (point - body.pelvis), point], DRESS_FOLD, 0.014, depth=depth + 0.021)
