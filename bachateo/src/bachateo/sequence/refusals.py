"""Why there is no plan: which condition fails first, and what would help."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from bachateo.errors import SequencingError
from bachateo.music import Analysis
from bachateo.sequence.costs import WINDOW, PlaceCosts
from bachateo.sequence.table import ROLES, Flags, Rows
from bachateo.sequence.wishes import Wishes


def refusal(costs: PlaceCosts, analysis: Analysis, wishes: Wishes, relaxing_would_do: Sequence[str]) -> SequencingError:
    """Return the error that says why nothing fits.

    Parameters
    ----------
    costs
        Of the attempt that failed.
    analysis, wishes
        The song and what was asked for.
    relaxing_would_do
        Which constraints would have to be given up; empty when that does not help either.
    """
    code, reason, remedy = _reason(costs, analysis, wishes)
    names = " and ".join(filter(None, (", ".join(relaxing_would_do[:-1]), *relaxing_would_do[-1:])))
    return SequencingError(code, f"{reason}. {remedy}{f', or relax {names}' if names else ''}.")


def _reason(costs: PlaceCosts, analysis: Analysis, wishes: Wishes) -> tuple[str, str, str]:
    table = costs.table
    if not len(costs.allowed):
        what = f"none of the {len(table)} moves is {wishes.difficulty} or easier"
        return "CH041", what, "Raise the difficulty or add easier moves to the library"
    begins = [costs.possible(slot) for slot in range(len(costs.phrases))]
    covered = _covered(costs, begins)
    if not covered.all():
        return _not_covered(costs, analysis, int(np.argmin(covered)))
    if not _reaches_the_end(costs, begins):
        return _lengths(costs, analysis, costs.allowed)
    return _repeats(costs, begins, wishes)


def _covered(costs: PlaceCosts, begins: Sequence[Rows]) -> Flags:
    covered = np.zeros(len(begins), bool)
    for slot, rows in enumerate(begins):
        for span in np.unique(costs.spans(rows, slot)).tolist():
            covered[slot : slot + span] = True
    return covered


def _reaches_the_end(costs: PlaceCosts, begins: Sequence[Rows]) -> bool:
    reached = np.zeros(len(begins) + 1, bool)
    reached[0] = True
    for slot in np.arange(len(begins)).tolist():
        if reached[slot]:
            reached[slot + np.unique(costs.spans(begins[slot], slot))] = True
    return bool(reached[-1])


def _segments(costs: PlaceCosts, rows: Rows) -> Iterator[tuple[Rows, int]]:
    """Yield the moves that have a first eight-count, a second one, and so on."""
    for step in range(int(costs.table.eight_counts[rows].max())):
        yield rows[costs.table.eight_counts[rows] > step], step


def _may_be_danced(costs: PlaceCosts, slot: int) -> Flags:
    """Return which of the moves allowed may be danced in an eight-count as far as their role is concerned."""
    role, length = costs.table.role[costs.allowed], costs.table.eight_counts[costs.allowed]
    opens = (role != ROLES.index("intro")) | (slot < length)
    closes = (role != ROLES.index("outro")) | (slot + length >= len(costs.phrases))
    may: Flags = opens & closes
    return may


def _not_covered(costs: PlaceCosts, analysis: Analysis, slot: int) -> tuple[str, str, str]:
    low, high = costs.limits
    rows = costs.allowed[_may_be_danced(costs, slot)]
    if not len(rows):
        return _lengths(costs, analysis, costs.allowed, slot)
    segments = list(_segments(costs, rows))
    if any(costs.stretch.within(part, slot, step, costs.limits).any() for part, step in segments):
        return _lengths(costs, analysis, rows, slot)
    ratios = np.concatenate([costs.stretch.ratios(part, slot, step) for part, step in segments])
    intervals = costs.phrases.intervals_s[slot]
    at = analysis.starts[slot]
    tempo_bpm = 60 / intervals.mean()
    if ((ratios >= low) & (ratios <= high)).any():
        beat = int(np.abs(np.log(intervals / intervals.mean())).argmax())
        return (
            "CH047",
            f"the beat at {analysis.beats_s[at + beat]:.1f} s lasts {intervals[beat]:.2f} s "
            f"({60 / intervals[beat]:.0f} bpm) in an eight-count at {tempo_bpm:.0f} bpm; no move follows it within "
            f"{low:.0%} to {high:.0%} on every beat",
            "Correct the beats of the song, or choose another",
        )
    tempi_bpm = tempo_bpm / ratios
    return (
        "CH042",
        f"the song is at {tempo_bpm:.0f} bpm at {analysis.beats_s[at]:.0f} s; the {len(rows)} moves allowed "
        f"there can be danced at {tempi_bpm.min() * low:.0f} to {tempi_bpm.max() * high:.0f} bpm",
        "Choose another song, or add moves at this tempo to the library",
    )


def _lengths(costs: PlaceCosts, analysis: Analysis, rows: Rows, slot: int | None = None) -> tuple[str, str, str]:
    lengths = ", ".join(str(length) for length in np.unique(costs.table.eight_counts[rows]))
    where = "" if slot is None else f" at {analysis.beats_s[analysis.starts[slot]]:.0f} s"
    return (
        "CH049",
        f"the moves whose tempo fits do not fill the {len(costs.phrases)} eight-counts of the song without a "
        f"gap{where}, with their intro and outro: the library has lengths of {lengths} eight-counts",
        "Add shorter moves to the library",
    )


def _repeats(costs: PlaceCosts, begins: Sequence[Rows], wishes: Wishes) -> tuple[str, str, str]:
    table = costs.table
    fitting = np.unique(np.concatenate(begins))
    labels = sorted({table.labels[label] for label in table.label[fitting[table.role[fitting] == ROLES.index(None)]]})
    return (
        "CH043",
        f"too few moves fit this song to dance none again within {WINDOW} eight-counts: between intro and outro there "
        f"{'is' if len(labels) == 1 else 'are'} {', '.join(labels) or 'nothing'}",
        f"{'Raise the difficulty or add' if wishes.difficulty else 'Add'} moves at this tempo to the library",
    )
