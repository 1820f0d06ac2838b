"""How a choreography begins and ends."""

from __future__ import annotations

from bachateo.moves.drawing.pattern import Dancer, Pattern, basic
from bachateo.moves.drawing.repertoire.parts import FOLLOW, LEAD

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
