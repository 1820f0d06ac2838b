"""How much one batch does, and how long the database rests afterwards: as fast as users do not notice it."""

from dataclasses import dataclass

# Fewer rows would not be released sooner: what a batch costs besides its rows then takes longer than they do.
FEWEST_ROWS, FIRST_ROWS, MOST_ROWS = 100, 200, 10_000
WIDEST_RANGE = 20_000
GROWTH = 1.5
# Layers are of about the same size, not of exactly the same.
LAYER_SHARE = 0.8
SHORTEST_REST_S, LONGEST_REST_S = 0.02, 1.0


@dataclass
class Pace:
    """Adapts batches to a time.

    Attributes
    ----------
    target_s
        How long a batch should take, in seconds: so long may a user wait for a row of it.
    rows
        So many rows may the next batch lock.
    reach
        So many rows may the next batch look at; more than ``rows`` where most of them are filled.
    rest_s
        So long the database rests before the next batch, in seconds.
    """

    target_s: float
    rows: int = FIRST_ROWS
    reach: int = 2 * FIRST_ROWS
    rest_s: float = 0.0

    def adapt(self, *, took_s: float, full: bool) -> None:
        """Take in how long a batch took, and whether it had as many rows as it was allowed."""
        ratio = self.target_s / max(took_s, 1e-6)
        if full or ratio < 1:
            self.rows = _between(FEWEST_ROWS, self.rows * min(max(ratio, 0.5), GROWTH), MOST_ROWS)
        if full:
            self.reach = 2 * self.rows
        else:
            self.reach = _between(self.rows, self.reach * min(max(ratio, 0.5), 2), WIDEST_RANGE)
        self.reach = max(self.reach, self.rows)

    def layered_reach(self, layers: int) -> int:
        """Return of how many rows a range is that is filled in layers: most layers are one batch."""
        return int(LAYER_SHARE * self.rows * layers)

    def is_fair(self, filled: int) -> bool:
        """Say whether a batch had nearly as many rows as it was allowed, so that its time says something."""
        return filled >= LAYER_SHARE / 2 * self.rows

    def slow_down(self) -> None:
        """Halve the batches, and rest for twice as long: users feel the backfill."""
        self.rows = max(FEWEST_ROWS, self.rows // 2)
        self.reach = 2 * self.rows
        self.rest_s = min(max(2 * self.rest_s, SHORTEST_REST_S), LONGEST_REST_S)

    def recover(self) -> None:
        """Rest for half as long: no user felt the last batch."""
        self.rest_s = self.rest_s / 2 if self.rest_s > SHORTEST_REST_S else 0.0


def _between(least: int, value: float, most: int) -> int:
    return int(min(max(value, least), most))
