"""The smallest row that still shows a difference."""

import random
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, Phase, configuration, find, settings
from hypothesis import strategies as st
from hypothesis.errors import HypothesisException, HypothesisWarning

from handover.probe.wire import Wire
from handover.proof.difference import Difference, DifferenceKey
from handover.proof.mapped_table import Example, MappedTable
from handover.side import Side

TRIES = 40  # round trips that one shrinking may cost, beside one for each column
QUIET = settings(
    max_examples=TRIES,
    database=None,
    deadline=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
    print_blob=False,
)

RoundTrip = Callable[[Example], Mapping[DifferenceKey, Difference]]


@contextmanager
def no_traces() -> Iterator[None]:
    """Run Hypothesis without its warnings, and without files that stay."""
    with tempfile.TemporaryDirectory(prefix="handover-") as place, warnings.catch_warnings():
        warnings.simplefilter("ignore", HypothesisWarning)
        configuration.set_hypothesis_home_dir(place)
        try:
            yield
        finally:
            configuration.set_hypothesis_home_dir(None)


def smallest(difference: Difference, round_trip: RoundTrip, mapped: MappedTable, seed: int) -> Difference:
    """Return the difference on the smallest row that shows it: fewest columns, then plainest values.

    Parameters
    ----------
    difference
        The difference, with the row on which it was met.
    round_trip
        Makes the round trips of a row and returns what differs.
    mapped
        The two models of the table.
    seed
        Decides which values are tried.
    """
    best = difference

    def shows(example: Example) -> bool:
        nonlocal best
        found = round_trip(example).get(difference.key)
        if found is not None:
            best = found
        return found is not None

    example = difference.example
    assert example is not None  # noqa: S101 - only of rows that were made here
    of_row, of_change = (_only(part, difference.column) for part in (example.row, example.change))
    row = mapped.completed(of_row)
    # The value may stem from the change; a row that is made with it is plainer.
    alone = (Example(row), Example(mapped.completed(of_row | of_change)), Example(row, of_change))
    if not any(map(shows, alone)):
        shows(replace(example, change={}, extra={}))
        for column in sorted({*example.row, *example.change, *example.extra}):
            assert best.example is not None  # noqa: S101 - as above
            less = best.example.without(column)
            shows(replace(less, row=mapped.completed(less.row)))
    _plainer(lambda: best, shows, mapped, seed)
    return best


def _plainer(best: Callable[[], Difference], shows: Callable[[Example], bool], mapped: MappedTable, seed: int) -> None:
    """Look for plainer values of the columns that are left, one after another."""
    tries = TRIES
    example = best().example
    assert example is not None  # noqa: S101 - only of rows that were made here
    for part in ("row", "change", "extra"):
        for column in [c for c in getattr(example, part) if _free(mapped, c)]:

            def shows_with(wire: Wire, part: str = part, column: str = column) -> bool:
                nonlocal tries
                tries -= 1
                return tries >= 0 and shows(_with(best().example, part, column, wire))

            _find(mapped.value(column), shows_with, seed)


def _find(strategy: st.SearchStrategy[Any], shows: Callable[[Wire], bool], seed: int) -> None:
    try:
        find(strategy, shows, settings=QUIET, random=random.Random(seed))  # noqa: S311 - the same seed gives the same rows
    except HypothesisException:
        return  # no plainer value shows it, or the tries are used up: the last one that showed it stays


def _with(example: Example | None, part: str, column: str, wire: Wire) -> Example:
    assert example is not None  # noqa: S101 - only of rows that were made here
    return replace(example, **{part: {**getattr(example, part), column: wire}})


def _only(row: dict[str, Wire], column: str) -> dict[str, Wire]:
    return {k: v for k, v in row.items() if k == column}


def _free(mapped: MappedTable, column: str) -> bool:
    one = mapped.fields.get(column) or mapped.own[Side.BACKEND].get(column)
    return one is not None and not (one.primary_key or one.unique or one.relation)
