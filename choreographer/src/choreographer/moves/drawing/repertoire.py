"""The moves of the starter library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import cos, radians, sin

from choreographer.moves.drawing.curves import Keys
from choreographer.moves.drawing.pattern import APART, FREE_COUNTS, SIDE_V, Dancer, Pattern, Station, basic

LEAD, FOLLOW = -1, 1

CLOSED = ((0.0, "low"), (1.5, "frame"), (6.0, "frame"), (7.5, "low"))
EMBRACE = ((0.0, "low"), (1.5, "embrace"), (6.0, "embrace"), (7.5, "low"))
UNDER_ARM_EARLY = ((0.0, "low"), (1.0, "over follow"), (3.4, "over follow"), (4.6, "low"))
UNDER_ARM_LATE = ((0.0, "low"), (3.2, "low"), (4.4, "over follow"), (6.6, "over follow"), (7.6, "low"))
LET_GO_EARLY = ((0.0, "low"), (0.9, "free"), (3.8, "free"), (5.0, "low"))
LET_GO_LATE = ((0.0, "low"), (3.0, "low"), (4.0, "free"), (6.4, "free"), (7.6, "low"))


def _part(sign: int, *free: Station, turns: float = 0.0, shape: Mapping[str, Keys] | None = None) -> Dancer:
    """Return a side basic whose counts 2 to 6 are replaced, and whose counts 7 and 8 are turned by ``turns``.

    Headings are given relative to facing the partner.
    """
    stations = basic(sign)
    home = stations[0][2]
    if free:
        stations[FREE_COUNTS] = [(u, v, home + turned) for u, v, turned in free]
    stations[6:] = [(u, v, home + turns) for u, v, _ in stations[6:]]
    return Dancer(stations, shape=shape or {})


def _turning(sign: int, *turned: float) -> Dancer:
    """Return a side basic with the headings of counts 2 to 7."""
    u = sign * APART
    *free, last = turned
    places = [(u, v, heading) for v, heading in zip(SIDE_V[FREE_COUNTS], free, strict=True)]
    return _part(sign, *places, turns=last)


def _circling(sign: int) -> Dancer:
    """Return two side basics while the couple goes round once, clockwise."""
    steps = [*basic(sign), *basic(sign)]
    # The last two counts and the first are every move's; in between, steps are narrower by the way around.
    around = len(steps) - 2
    stations = [steps[0]]
    for count, (u, v, heading) in enumerate(steps[1:around], 1):
        angle = -360 * count / around
        c, s = cos(radians(angle)), sin(radians(angle))
        stations.append((u * c - 0.5 * v * s, u * s + 0.5 * v * c, heading + angle))
    return Dancer([*stations, *((u, v, heading - 360) for u, v, heading in steps[around:])])


def _crossing(*half: Station) -> Dancer:
    """Return sixteen counts: eight that change places, and the same eight again from the other side."""
    back = [(-u, -v, heading - 180) for u, v, heading in half]
    return Dancer([*half, *back])


BASICS = (
    Pattern("side basic", "basic", "beginner", "low", _part(LEAD), _part(FOLLOW), CLOSED, EMBRACE),
    Pattern("open basic", "basic", "beginner", "medium", _part(LEAD), _part(FOLLOW), accent=1.5),
    Pattern(
        "forward and back", "basic", "beginner", "medium",
        _part(LEAD, (-0.25, 0.0, 0), (-0.03, 0.02, 0), (-0.03, 0.0, 0), (-0.30, 0.0, 0), (-0.47, 0.0, 0)),
        _part(FOLLOW, (0.49, 0.0, 0), (0.71, 0.02, 0), (0.71, 0.0, 0), (0.47, 0.0, 0), (0.27, 0.0, 0)),
        CLOSED, EMBRACE,
    ),
    Pattern(
        "circle", "basic", "beginner", "low", _circling(LEAD), _circling(FOLLOW),
        ((0.0, "low"), (1.5, "frame"), (14.0, "frame"), (15.5, "low")),
        ((0.0, "low"), (1.5, "embrace"), (14.0, "embrace"), (15.5, "low")),
    ),
)  # fmt: skip

TURNS = (
    Pattern(
        "right turn", "turns", "beginner", "high",
        _part(LEAD), _turning(FOLLOW, -130, -290, -360, -360, -360, -360), UNDER_ARM_EARLY, LET_GO_EARLY,
        roles="follow_focus",
    ),
    Pattern(
        "left turn", "turns", "intermediate", "medium",
        _part(LEAD), _turning(FOLLOW, 0, 0, 0, 110, 250, 360), UNDER_ARM_LATE, LET_GO_LATE,
        roles="follow_focus",
    ),
    Pattern(
        "lead turn", "turns", "intermediate", "high",
        _turning(LEAD, 120, 270, 360, 360, 360, 360), _part(FOLLOW),
        ((0.0, "low"), (1.0, "over lead"), (3.4, "over lead"), (4.6, "low")), LET_GO_EARLY,
        roles="lead_focus",
    ),
    Pattern(
        "double turn", "turns", "advanced", "high",
        _part(LEAD), _turning(FOLLOW, -150, -300, -380, -500, -640, -720),
        ((0.0, "low"), (1.0, "over follow"), (6.6, "over follow"), (7.6, "low")),
        ((0.0, "low"), (0.9, "free"), (6.4, "free"), (7.6, "low")),
        roles="follow_focus", accent=0.6,
    ),
)  # fmt: skip

HOLDING = (
    Pattern(
        "hammerlock", "holds", "intermediate", "medium",
        _part(
            LEAD, (-0.34, 0.08, -10), (-0.28, 0.24, -30), (-0.25, 0.26, -35), (-0.30, 0.12, -15), (-0.37, 0.0, 0)
        ),
        _part(
            FOLLOW,
            (0.25, -0.05, -130), (-0.04, -0.12, -290), (-0.15, -0.14, -360), (0.12, -0.1, -240), (0.32, -0.04, -110),
        ),
        (
            (0.0, "low"), (1.0, "over follow"), (2.4, "over follow"), (3.2, "low"),
            (3.8, "low"), (4.6, "over follow"), (6.0, "over follow"), (7.2, "low"),
        ),
        ((0.0, "low"), (2.0, "behind"), (5.0, "behind"), (6.8, "low")),
    ),
    Pattern(
        "cuddle", "holds", "intermediate", "low",
        _part(LEAD),
        _part(FOLLOW, (0.20, 0.04, 80), (-0.02, 0.25, 180), (-0.04, 0.30, 180), (-0.02, 0.05, 180), (0.20, 0.0, 90)),
        (
            (0.0, "low"), (1.0, "over follow"), (1.8, "over follow"), (3.0, "wrap"),
            (4.6, "wrap"), (5.6, "over follow"), (6.2, "over follow"), (7.4, "low"),
        ),
        ((0.0, "low"), (2.4, "wrap"), (4.8, "wrap"), (6.8, "low")),
    ),
    Pattern(
        "shadow", "holds", "advanced", "medium",
        _part(LEAD),
        _part(FOLLOW, (0.20, 0.0, 90), (0.0, 0.25, 180), (-0.02, 0.30, 180), (0.0, 0.05, 180), (0.20, 0.0, 90)),
        ((0.0, "low"), (1.0, "over follow"), (1.6, "over follow"), (2.6, "hips"), (4.8, "hips"), (6.0, "low")),
        ((0.0, "low"), (1.0, "free"), (2.6, "hips"), (4.6, "hips"), (6.8, "low")),
        accent=1.5,
    ),
    Pattern(
        "cross body lead", "holds", "intermediate", "high",
        _crossing(
            (-APART, -0.05, 0), (-0.32, 0.06, -20), (-0.16, 0.36, -65), (-0.04, 0.42, -90),
            (0.10, 0.42, -120), (0.28, 0.34, -155), (APART, 0.25, -180), (APART, 0.30, -180),
        ),
        _crossing(
            (APART, -0.05, 180), (APART, -0.04, 180), (0.25, -0.12, 170), (0.16, -0.14, 155),
            (-0.05, -0.18, 115), (-0.25, -0.05, 60), (-APART, 0.25, 0), (-APART, 0.30, 0),
        ),
        right=(
            (0.0, "low"), (1.5, "embrace"), (4.2, "embrace"), (5.6, "low"),
            (8.0, "low"), (9.5, "embrace"), (12.2, "embrace"), (13.6, "low"),
        ),
    ),
)  # fmt: skip

BODY = (
    Pattern(
        "hip roll", "body", "intermediate", "low",
        _part(
            LEAD, (-0.32, 0.0, 0), (-0.28, 0.14, 0), (-0.26, 0.14, 0), (-0.28, 0.0, 0), (-0.32, -0.06, 0),
            shape={"roll": ((1, 0), (1.5, -0.05), (2.5, 0.06), (3.5, -0.06), (4.5, 0.06), (5.5, -0.04), (6.5, 0))},
        ),
        _part(
            FOLLOW, (0.30, 0.0, 0), (0.22, 0.14, 0), (0.20, 0.14, 0), (0.22, 0.0, 0), (0.30, -0.06, 0),
            shape={
                "roll": ((1, 0), (1.5, -0.10), (2.5, 0.11), (3.5, -0.11), (4.5, 0.11), (5.5, -0.08), (6.5, 0)),
                "side": ((1, 0), (1.5, 0.05), (2.5, -0.06), (3.5, 0.06), (4.5, -0.06), (5.5, 0.04), (6.5, 0)),
                "dip": ((1, 0), (2.5, 0.05), (4.5, 0.05), (6.5, 0)),
            },
        ),
        CLOSED, EMBRACE, roles="follow_focus", accent=1.8,
    ),
    Pattern(
        "body wave", "body", "advanced", "low",
        _part(
            LEAD, (-0.32, 0.0, 0), (-0.26, 0.16, 0), (-0.24, 0.18, 0), (-0.26, 0.02, 0), (-0.32, -0.04, 0),
            shape={
                "wave": ((1, 0), (2.2, -0.05), (3.4, 0.06), (4.4, -0.04), (5.2, 0.02), (6, 0)),
                "dip": ((1, 0), (2.6, 0.05), (4, 0.01), (5, 0.04), (6.5, 0)),
            },
        ),
        _part(
            FOLLOW, (0.28, 0.0, 0), (0.20, 0.16, 0), (0.18, 0.18, 0), (0.20, 0.02, 0), (0.30, -0.04, 0),
            shape={
                "wave": ((1, 0), (2.0, 0.09), (3.2, -0.10), (4.2, 0.10), (5.2, -0.05), (6.2, 0)),
                "lean": ((1, 0), (2.4, -0.10), (3.6, 0.04), (4.8, -0.08), (6.2, 0)),
                "dip": ((1, 0), (3.0, 0.07), (4.2, 0.01), (5.2, 0.06), (6.5, 0)),
            },
        ),
        CLOSED, EMBRACE,
    ),
    Pattern(
        "dip", "body", "advanced", "medium",
        _part(
            LEAD, (-0.32, 0.0, 0), (-0.18, 0.22, 0), (-0.20, 0.14, 0), (-0.24, 0.05, 0), (-0.34, 0.0, 0),
            shape={
                "lean": ((1.5, 0), (3.2, 0.22), (4.2, 0.22), (5.6, 0)),
                "dip": ((1.5, 0), (3.2, 0.14), (4.2, 0.14), (5.6, 0)),
            },
        ),
        _part(
            FOLLOW, (0.30, 0.0, 0), (0.22, 0.20, 0), (0.20, 0.14, 0), (0.24, 0.02, 0), (0.34, 0.0, 0),
            shape={
                "lean": ((1.5, 0), (3.2, -0.42), (4.2, -0.42), (5.6, 0)),
                "dip": ((1.5, 0), (3.2, 0.16), (4.2, 0.16), (5.6, 0)),
            },
        ),
        CLOSED, EMBRACE, accent=0.5,
    ),
)  # fmt: skip

ENDS = (
    Pattern(
        "intro", "ends", "beginner", "low",
        Dancer([*[(-0.72, 0.0, 0.0)] * 4, (-0.62, 0.0, 0.0), (-0.45, -0.05, 0.0), *basic(LEAD)[6:]], entrance=True),
        Dancer(
            [*[(0.72, 0.0, 180.0)] * 4, (0.62, 0.0, 180.0), (0.45, -0.05, 180.0), *basic(FOLLOW)[6:]],
            entrance=True,
            shape={"roll": ((0, 0), (1, 0.06), (2, -0.06), (3, 0.06), (4, -0.04), (5, 0))},
        ),
        ((0.0, "free"), (1.6, "offer"), (4.6, "offer"), (6.2, "low")),
        ((0.0, "free"), (6.0, "free"), (7.2, "low")),
        role="intro",
    ),
    Pattern(
        # A turn into a dip on 7, held for as long as the song goes on.
        "outro", "ends", "beginner", "low",
        Dancer(
            [*basic(LEAD)[:4], (-0.36, 0.05, 0.0), (-0.30, 0.0, 0.0), (-0.20, -0.12, 0.0), *[(-0.20, -0.04, 0.0)] * 9],
            exit=True,
            shape={
                "lean": ((5, 0), (7, 0.22), (10, 0.20), (13, 0.23), (16, 0.21)),
                "dip": ((5, 0), (7, 0.14), (16, 0.14)),
            },
        ),
        Dancer(
            [
                *basic(FOLLOW)[:4], (0.36, 0.05, 50.0), (0.32, 0.0, -80.0), (0.22, -0.10, -180.0),
                *[(0.22, -0.02, -180.0)] * 9,
            ],
            exit=True,
            shape={
                "lean": ((5.6, 0), (7.2, -0.44), (10, -0.42), (13, -0.45), (16, -0.43)),
                "dip": ((5.4, 0), (7, 0.16), (16, 0.16)),
            },
        ),
        ((0.0, "low"), (3.2, "low"), (4.2, "over follow"), (5.8, "over follow"), (7.2, "frame")),
        ((0.0, "low"), (3.0, "low"), (4.0, "free"), (5.4, "free"), (6.8, "embrace")),
        role="outro",
    ),
)  # fmt: skip

REPERTOIRE: Sequence[Pattern] = (*BASICS, *TURNS, *HOLDING, *BODY, *ENDS)
