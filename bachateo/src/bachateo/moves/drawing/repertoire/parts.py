"""What moves are composed of: parts of one dancer, and usual ways to hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import cos, radians, sin

from bachateo.moves.drawing.curves import Keys
from bachateo.moves.drawing.pattern import APART, FREE_COUNTS, SIDE_V, Dancer, Station, basic

LEAD, FOLLOW = -1, 1

CLOSED = ((0.0, "low"), (1.5, "frame"), (6.0, "frame"), (7.5, "low"))
EMBRACE = ((0.0, "low"), (1.5, "embrace"), (6.0, "embrace"), (7.5, "low"))
UNDER_ARM_EARLY = ((0.0, "low"), (1.0, "over follow"), (3.4, "over follow"), (4.6, "low"))
UNDER_ARM_LATE = ((0.0, "low"), (3.2, "low"), (4.4, "over follow"), (6.6, "over follow"), (7.6, "low"))
LET_GO_EARLY = ((0.0, "low"), (0.9, "free"), (3.8, "free"), (5.0, "low"))
LET_GO_LATE = ((0.0, "low"), (3.0, "low"), (4.0, "free"), (6.4, "free"), (7.6, "low"))


def part(sign: int, *free: Station, turns: float = 0.0, shape: Mapping[str, Keys] | None = None) -> Dancer:
    """Return a side basic whose counts 2 to 6 are replaced, and whose counts 7 and 8 are turned by ``turns``.

    Headings are given relative to facing the partner.

    Parameters
    ----------
    sign
        ``LEAD`` or ``FOLLOW``.
    *free
        Stations of counts 2 to 6; those of the side basic where there are none.
    turns
        Turned at counts 7 and 8, in degrees.
    shape
        Keys of the body's other movements by their name.
    """
    stations = basic(sign)
    home = stations[0][2]
    if free:
        stations[FREE_COUNTS] = [(u, v, home + turned) for u, v, turned in free]
    stations[6:] = [(u, v, home + turns) for u, v, _ in stations[6:]]
    return Dancer(stations, shape=shape or {})


def turning(sign: int, *turned: float) -> Dancer:
    """Return a side basic with the headings of counts 2 to 7."""
    u = sign * APART
    *free, last = turned
    places = [(u, v, heading) for v, heading in zip(SIDE_V[FREE_COUNTS], free, strict=True)]
    return part(sign, *places, turns=last)


def circling(sign: int) -> Dancer:
    """Return two side basics while the couple goes round once, clockwise."""
    steps = [*basic(sign), *basic(sign)]
    # The last two counts and the first are every move's; in between, steps are narrower by the way around.
    around = len(steps) - 2
    free = [
        _about((u, 0.5 * v, heading), -360 * count / around) for count, (u, v, heading) in enumerate(steps[1:around], 1)
    ]
    return Dancer([steps[0], *free, *((u, v, heading - 360) for u, v, heading in steps[around:])])


def swinging(sign: int, apart: float, angles: Sequence[float]) -> Dancer:
    """Return a side basic on the spot while the couple turns by the angles of counts 2 to 6.

    Parameters
    ----------
    sign
        ``LEAD`` or ``FOLLOW``.
    apart
        Distance from the middle of the couple, in metres.
    angles
        Of counts 2 to 6, in degrees.
    """
    home = basic(sign)[0][2]
    stations = [
        _about((sign * apart, 0.4 * v, home), angle) for v, angle in zip(SIDE_V[FREE_COUNTS], angles, strict=True)
    ]
    return part(sign, *((u, v, heading - home) for u, v, heading in stations))


def _about(station: Station, angle: float) -> Station:
    """Turn a station about the middle of the couple."""
    (u, v, heading), c, s = station, cos(radians(angle)), sin(radians(angle))
    return u * c - v * s, u * s + v * c, heading + angle


def crossing(*half: Station) -> Dancer:
    """Return sixteen counts: eight that change places, and the same eight again from the other side."""
    back = [(-u, -v, heading - 180) for u, v, heading in half]
    return Dancer([*half, *back])
