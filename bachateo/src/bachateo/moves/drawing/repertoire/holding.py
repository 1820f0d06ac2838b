"""Moves that are about how the two hold each other."""

from __future__ import annotations

from bachateo.moves.drawing.pattern import APART, Pattern
from bachateo.moves.drawing.repertoire.parts import CLOSED, EMBRACE, FOLLOW, LEAD, crossing, part

HOLDING = (
    Pattern(
        "hammerlock", "holds", "intermediate", "medium",
        part(
            LEAD, (-0.34, 0.08, -10), (-0.28, 0.24, -30), (-0.25, 0.26, -35), (-0.30, 0.12, -15), (-0.37, 0.0, 0)
        ),
        part(
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
        part(LEAD),
        part(FOLLOW, (0.20, 0.04, 80), (-0.02, 0.25, 180), (-0.04, 0.30, 180), (-0.02, 0.05, 180), (0.20, 0.0, 90)),
        (
            (0.0, "low"), (1.0, "over follow"), (1.8, "over follow"), (3.0, "wrap"),
            (4.6, "wrap"), (5.6, "over follow"), (6.2, "over follow"), (7.4, "low"),
        ),
        ((0.0, "low"), (2.4, "wrap"), (4.8, "wrap"), (6.8, "low")),
    ),
    Pattern(
        "shadow", "holds", "advanced", "medium",
        part(LEAD),
        part(FOLLOW, (0.20, 0.0, 90), (0.0, 0.25, 180), (-0.02, 0.30, 180), (0.0, 0.05, 180), (0.20, 0.0, 90)),
        ((0.0, "low"), (1.0, "over follow"), (1.6, "over follow"), (2.6, "hips"), (4.8, "hips"), (6.0, "low")),
        ((0.0, "low"), (1.0, "free"), (2.6, "hips"), (4.6, "hips"), (6.8, "low")),
        accent=1.5,
    ),
    Pattern(
        "cross body lead", "holds", "intermediate", "high",
        crossing(
            (-APART, -0.05, 0), (-0.32, 0.06, -20), (-0.16, 0.36, -65), (-0.04, 0.42, -90),
            (0.10, 0.42, -120), (0.28, 0.34, -155), (APART, 0.25, -180), (APART, 0.30, -180),
        ),
        crossing(
            (APART, -0.05, 180), (APART, -0.04, 180), (0.25, -0.12, 170), (0.16, -0.14, 155),
            (-0.05, -0.18, 115), (-0.25, -0.05, 60), (-APART, 0.25, 0), (-APART, 0.30, 0),
        ),
        right=(
            (0.0, "low"), (1.5, "embrace"), (4.2, "embrace"), (5.6, "low"),
            (8.0, "low"), (9.5, "embrace"), (12.2, "embrace"), (13.6, "low"),
        ),
    ),
    Pattern(
        "promenade", "holds", "intermediate", "medium",
        part(
            LEAD,
            (-0.34, -0.16, -55), (-0.32, -0.40, -65), (-0.32, -0.46, -60), (-0.33, -0.36, -35), (-0.36, -0.22, -10),
        ),
        part(FOLLOW, (0.32, -0.16, 55), (0.28, -0.40, 65), (0.28, -0.46, 60), (0.30, -0.36, 35), (0.36, -0.22, 10)),
        CLOSED, EMBRACE, accent=1.4,
    ),
    Pattern(
        "shadow wave", "holds", "advanced", "low",
        part(
            LEAD, (-0.36, 0.02, 0), (-0.34, 0.20, 0), (-0.33, 0.24, 0), (-0.34, 0.06, 0), (-0.37, 0.0, 0),
            shape={"wave": ((2, 0), (3.2, -0.05), (4.2, 0.06), (5.4, 0))},
        ),
        part(
            FOLLOW, (0.20, 0.0, -90), (0.02, 0.20, -180), (0.0, 0.26, -180), (0.02, 0.05, -180), (0.20, 0.0, -90),
            shape={
                "wave": ((1.8, 0), (2.8, 0.09), (3.8, -0.09), (4.6, 0.06), (5.6, 0)),
                "dip": ((1.8, 0), (3.2, 0.07), (4.6, 0.02), (5.6, 0)),
                "look": ((1.5, 0), (3, 30), (4.4, 30), (5.5, 0)),
            },
        ),
        ((0.0, "low"), (1.0, "free"), (2.6, "hips"), (4.6, "hips"), (6.8, "low")),
        ((0.0, "low"), (1.0, "over follow"), (1.6, "over follow"), (2.6, "hips"), (4.8, "hips"), (6.0, "low")),
        roles="follow_focus",
    ),
)  # fmt: skip
