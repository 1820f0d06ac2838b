"""Basic steps."""

from __future__ import annotations

from bachateo.moves.drawing.pattern import Pattern
from bachateo.moves.drawing.repertoire.parts import (
    CLOSED,
    EMBRACE,
    FOLLOW,
    LEAD,
    circling,
    part,
    swinging,
)

BASICS = (
    Pattern("side basic", "basic", "beginner", "low", part(LEAD), part(FOLLOW), CLOSED, EMBRACE),
    Pattern("open basic", "basic", "beginner", "medium", part(LEAD), part(FOLLOW), accent=1.5),
    Pattern(
        "forward and back", "basic", "beginner", "medium",
        part(LEAD, (-0.25, 0.0, 0), (-0.03, 0.02, 0), (-0.03, 0.0, 0), (-0.30, 0.0, 0), (-0.47, 0.0, 0)),
        part(FOLLOW, (0.49, 0.0, 0), (0.71, 0.02, 0), (0.71, 0.0, 0), (0.47, 0.0, 0), (0.27, 0.0, 0)),
        CLOSED, EMBRACE,
    ),
    Pattern(
        "circle", "basic", "beginner", "low", circling(LEAD), circling(FOLLOW),
        ((0.0, "low"), (1.5, "frame"), (14.0, "frame"), (15.5, "low")),
        ((0.0, "low"), (1.5, "embrace"), (14.0, "embrace"), (15.5, "low")),
    ),
    Pattern(
        "sway", "basic", "beginner", "low",
        part(
            LEAD, (-0.32, 0.0, 0), (-0.30, 0.10, 0), (-0.30, 0.12, 0), (-0.30, 0.02, 0), (-0.33, -0.02, 0),
            shape={"side": ((0.5, 0), (2.4, 0.06), (3.2, 0.06), (5.2, -0.05), (6.8, 0))},
        ),
        part(
            FOLLOW, (0.31, 0.0, 0), (0.25, 0.10, 0), (0.24, 0.12, 0), (0.25, 0.02, 0), (0.31, -0.02, 0),
            shape={
                "side": ((0.5, 0), (2.4, -0.07), (3.2, -0.07), (5.2, 0.06), (6.8, 0)),
                "look": ((1, 0), (2.6, 25), (4.6, 25), (6.2, 0)),
            },
        ),
        CLOSED, EMBRACE, accent=1.2,
    ),
    Pattern(
        "turning basic", "basic", "beginner", "low",
        swinging(LEAD, 0.34, (20, 44, 52, 36, 12)), swinging(FOLLOW, 0.30, (20, 44, 52, 36, 12)),
        CLOSED, EMBRACE,
    ),
    Pattern(
        "box step", "basic", "beginner", "medium",
        part(LEAD, (-0.36, 0.02, 0), (-0.14, 0.20, 0), (-0.12, 0.28, 0), (-0.32, 0.20, 0), (-0.50, 0.04, 0)),
        part(FOLLOW, (0.38, 0.02, 0), (0.60, 0.20, 0), (0.62, 0.28, 0), (0.42, 0.20, 0), (0.24, 0.04, 0)),
    ),
    Pattern(
        "open out", "basic", "beginner", "medium",
        part(LEAD, (-0.36, 0.02, -25), (-0.38, 0.14, -75), (-0.38, 0.14, -82), (-0.36, 0.02, -45), (-0.36, -0.02, -8)),
        part(FOLLOW, (0.36, 0.02, 25), (0.38, 0.14, 75), (0.38, 0.14, 82), (0.36, 0.02, 45), (0.36, -0.02, 8)),
        right=((0.0, "low"), (0.8, "low"), (2.2, "free"), (4.6, "free"), (6.2, "low")), accent=1.4,
    ),
    Pattern(
        "open break", "basic", "beginner", "high",
        part(LEAD, (-0.42, 0.0, 0), (-0.52, 0.02, 0), (-0.53, 0.0, 0), (-0.30, 0.0, 0), (-0.26, -0.02, 0)),
        part(FOLLOW, (0.42, 0.0, 0), (0.52, 0.02, 0), (0.53, 0.0, 0), (0.30, 0.0, 0), (0.26, -0.02, 0)),
        accent=1.6,
    ),
    Pattern(
        "wide basic", "basic", "beginner", "high",
        part(
            LEAD, (-0.37, 0.16, 0), (-0.37, 0.46, 0), (-0.37, 0.52, 0), (-0.37, 0.20, 0), (-0.37, 0.0, 0),
            shape={"side": ((1, 0), (3, -0.06), (4.5, 0.04), (6, 0))},
        ),
        part(
            FOLLOW, (0.37, 0.16, 0), (0.37, 0.46, 0), (0.37, 0.52, 0), (0.37, 0.20, 0), (0.37, 0.0, 0),
            shape={"side": ((1, 0), (3, 0.06), (4.5, -0.04), (6, 0))},
        ),
        right=((0.0, "low"), (1.0, "low"), (2.4, "free"), (4.4, "free"), (5.8, "low")), accent=2.0,
    ),
    Pattern(
        "swivels", "basic", "beginner", "high",
        part(LEAD, (-0.37, 0.0, 38), (-0.37, 0.04, -38), (-0.37, 0.04, 34), (-0.37, 0.0, -38), (-0.37, -0.02, 30)),
        part(FOLLOW, (0.37, 0.0, -42), (0.37, 0.04, 42), (0.37, 0.04, -38), (0.37, 0.0, 42), (0.37, -0.02, -34)),
        accent=1.6,
    ),
)  # fmt: skip
