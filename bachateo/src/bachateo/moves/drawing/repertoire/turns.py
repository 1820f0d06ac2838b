"""Turns."""

from __future__ import annotations

from bachateo.moves.drawing.pattern import Pattern
from bachateo.moves.drawing.repertoire.parts import (
    FOLLOW,
    LEAD,
    LET_GO_EARLY,
    LET_GO_LATE,
    UNDER_ARM_EARLY,
    UNDER_ARM_LATE,
    part,
    turning,
)

TURNS = (
    Pattern(
        "right turn", "turns", "beginner", "high",
        part(LEAD), turning(FOLLOW, -130, -290, -360, -360, -360, -360), UNDER_ARM_EARLY, LET_GO_EARLY,
        roles="follow_focus",
    ),
    Pattern(
        "left turn", "turns", "intermediate", "medium",
        part(LEAD), turning(FOLLOW, 0, 0, 0, 110, 250, 360), UNDER_ARM_LATE, LET_GO_LATE,
        roles="follow_focus",
    ),
    Pattern(
        "lead turn", "turns", "intermediate", "high",
        turning(LEAD, 120, 270, 360, 360, 360, 360), part(FOLLOW),
        ((0.0, "low"), (1.0, "over lead"), (3.4, "over lead"), (4.6, "low")), LET_GO_EARLY,
        roles="lead_focus",
    ),
    Pattern(
        "double turn", "turns", "advanced", "high",
        part(LEAD), turning(FOLLOW, -150, -300, -380, -500, -640, -720),
        ((0.0, "low"), (1.0, "over follow"), (6.6, "over follow"), (7.6, "low")),
        ((0.0, "low"), (0.9, "free"), (6.4, "free"), (7.6, "low")),
        roles="follow_focus", accent=0.6,
    ),
    Pattern(
        "both turn", "turns", "intermediate", "high",
        turning(LEAD, 120, 270, 360, 360, 360, 360), turning(FOLLOW, -120, -270, -360, -360, -360, -360),
        LET_GO_EARLY, LET_GO_EARLY,
    ),
    Pattern(
        "alternating turns", "turns", "advanced", "high",
        turning(LEAD, 0, 0, 0, 110, 250, 360), turning(FOLLOW, -130, -290, -360, -360, -360, -360),
        (
            (0.0, "low"), (1.0, "over follow"), (3.3, "over follow"),
            (4.4, "over lead"), (6.6, "over lead"), (7.6, "low"),
        ),
        ((0.0, "low"), (0.9, "free"), (6.4, "free"), (7.6, "low")),
    ),
    Pattern(
        # She turns under his arm into the dip on 5 and is up again on 7.
        "turn into dip", "turns", "advanced", "high",
        part(
            LEAD, (-0.36, 0.04, 0), (-0.30, 0.16, 0), (-0.22, 0.16, 0), (-0.20, 0.04, 0), (-0.30, 0.0, 0),
            shape={
                "lean": ((3, 0), (4.4, 0.20), (5, 0.20), (6.4, 0)),
                "dip": ((3, 0), (4.4, 0.13), (5, 0.13), (6.4, 0)),
            },
        ),
        part(
            FOLLOW, (0.34, 0.02, -130), (0.30, 0.14, -290), (0.24, 0.14, -360), (0.22, 0.03, -360), (0.32, 0.0, -360),
            turns=-360,
            shape={
                "lean": ((3, 0), (4.4, -0.40), (5, -0.40), (6.4, 0)),
                "dip": ((3, 0), (4.4, 0.15), (5, 0.15), (6.4, 0)),
            },
        ),
        ((0.0, "low"), (1.0, "over follow"), (2.8, "over follow"), (4.0, "frame"), (5.6, "frame"), (7.2, "low")),
        ((0.0, "low"), (0.9, "free"), (2.6, "free"), (3.7, "embrace"), (5.8, "embrace"), (7.4, "low")),
        accent=0.5,
    ),
)  # fmt: skip
