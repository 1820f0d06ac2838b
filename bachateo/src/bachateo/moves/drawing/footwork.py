"""Feet: a planted foot does not move until it is lifted, and it lands on the count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, radians, sin

from bachateo.moves.drawing.curves import bump, ease
from bachateo.moves.drawing.pattern import COUNTS, Dancer, Station, basic

STANCE_M = 0.10  # from the middle of the body to each foot
FLIGHT_BEATS = 0.6
LIFT_M = 0.07
SHIFT_BEFORE, SHIFT_AFTER = 0.35, 0.45  # the weight follows the foot, around the count
MOST_WEIGHT = 0.86
LEFT, RIGHT = 1, -1


@dataclass(frozen=True)
class Foot:
    """Where a foot is: ball of the foot in couple coordinates, heights in metres, heading in degrees."""

    u: float
    v: float
    heading: float
    lift: float
    heel: float


@dataclass(frozen=True)
class Landing:
    """A foot comes down."""

    beat: float
    side: int
    u: float
    v: float
    heading: float
    tap: bool


class Footwork:
    """The steps of one dancer through a move.

    Parameters
    ----------
    dancer
        The part.
    first_side
        The foot that steps on 1: left for the lead, right for the follow.
    """

    def __init__(self, dancer: Dancer, first_side: int) -> None:
        stations = list(dancer.stations)
        home = basic(stations[0][0])
        # Count 7 and 8 of the move before, and count 1 of the move after, are the same for all moves.
        before = [stations[0], stations[0]] if dancer.entrance else home[6:]
        u, v, _ = home[0]
        after = [] if dancer.exit else [(u, v, stations[-1][2])]
        row = [*before, *stations, *after]
        landings = [_land(beat - 2, station, first_side) for beat, station in enumerate(row)]
        # A foot that would come down where it is stays on the floor.
        self.landings = [at for number, at in enumerate(landings) if not _stays(at, landings[:number])]
        self._of_side = {side: [at for at in self.landings if at.side == side] for side in (LEFT, RIGHT)}

    def foot(self, side: int, beat: float) -> Foot:
        """Return where the left or right foot is."""
        own = self._of_side[side]
        last = max((landing for landing in own if landing.beat <= beat), key=lambda at: at.beat, default=own[0])
        following = min((at for at in own if at.beat > beat), key=lambda at: at.beat, default=None)
        heel = 0.085 * ease((beat - last.beat) / 0.2 + 0.6) if last.tap else 0.0
        if following is None:
            return Foot(last.u, last.v, last.heading, 0.0, heel)
        way = (beat - (following.beat - FLIGHT_BEATS)) / FLIGHT_BEATS
        done = ease(way)
        far = abs(following.u - last.u) + abs(following.v - last.v)
        lift = LIFT_M * min(1.0, 0.35 + far) * bump(2 * min(max(way, 0.0), 1.0) - 1)
        rising = 0.085 * (1.0 if following.tap else bump(2 * min(max(way, 0.0), 1.0) - 1))
        return Foot(
            last.u + (following.u - last.u) * done,
            last.v + (following.v - last.v) * done,
            last.heading + (following.heading - last.heading) * done,
            lift,
            heel + (rising - heel) * done,
        )

    def left_weight(self, beat: float) -> float:
        """Return how much of the weight is on the left foot, 0 to 1."""
        weight = 0.5
        for landing in self.landings:
            if not landing.tap:
                target = MOST_WEIGHT if landing.side == LEFT else 1 - MOST_WEIGHT
                weight += (target - weight) * ease((beat - landing.beat + SHIFT_BEFORE) / (SHIFT_BEFORE + SHIFT_AFTER))
        return weight

    def accent(self, beat: float) -> float:
        """Return the accent of the hips on 4 and 8: positive to the left, at most 1."""
        return sum(
            landing.side * bump((beat - landing.beat) / (0.4 if beat < landing.beat else 0.8))
            for landing in self.landings
            if landing.tap
        )


def _land(beat: int, station: Station, first_side: int) -> Landing:
    u, v, heading = station
    count = beat % COUNTS
    # Steps alternate; the tap on 4 and 8 takes no weight, so the same foot steps next.
    side = first_side if count in {0, 2, 5, 7} else -first_side
    angle = radians(heading)
    return Landing(
        beat, side, u - sin(angle) * side * STANCE_M, v + cos(angle) * side * STANCE_M, heading, count in {3, 7}
    )


def _stays(landing: Landing, before: Sequence[Landing]) -> bool:
    last = next((at for at in reversed(before) if at.side == landing.side), None)
    return last is not None and (last.u, last.v, last.heading) == (landing.u, landing.v, landing.heading)
