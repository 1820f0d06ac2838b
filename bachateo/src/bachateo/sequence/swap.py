"""One move of a plan replaced by another, all others locked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from bachateo.errors import SequencingError
from bachateo.moves import Library
from bachateo.sequence.costs import NO_RELEVANCE, SAME_FIGURE, WINDOW, PlaceCosts, again_costs
from bachateo.sequence.explain import explained, slot_of
from bachateo.sequence.joins import Joins
from bachateo.sequence.phrases import Phrases
from bachateo.sequence.plan import PlacedMove, Plan
from bachateo.sequence.planning import place_move, repeat_costs, require_relevance, require_style
from bachateo.sequence.table import ROLES, Array, Flags, MoveTable, Rows
from bachateo.sequence.wishes import CONSTRAINTS, Wishes


def swap_move(
    plan: Plan,
    library: Library,
    number: int,
    *,
    wishes: Wishes | None = None,
    relevance: Mapping[str, float] = NO_RELEVANCE,
) -> Plan:
    """Return the plan with one move replaced by the one that suits its place best.

    Parameters
    ----------
    plan
        The plan; it is not changed.
    library
        The moves to choose from.
    number
        Which move, counted from 1.
    wishes
        For the new move; by default those of the plan. Another seed may choose another one.
    relevance
        From a search, as for :func:`bachateo.sequence.plan_sequence`.

    Returns
    -------
    Plan
        Every other move is as it was, only its reasons may read otherwise. The new one is as long, plays the same
        role and shows something else: between intro and outro another label, at the ends another clip.

    Raises
    ------
    SequencingError
        There is no such move, or nothing else fits; the message says why and what would help.
    """
    if not 1 <= number <= len(plan.moves):
        raise SequencingError(
            "CH050", f"there is no move {number}; the plan has {len(plan.moves)}. Choose 1 to {len(plan.moves)}."
        )
    wishes = wishes or plan.wishes
    table = MoveTable.of(
        {move.clip_id: move for move in (*(placed.move for placed in plan.moves), *library.moves)}.values()
    )
    offered = np.isin([move.clip_id for move in table.moves], [move.clip_id for move in library.moves])
    require_relevance(table, relevance)
    require_style(table, wishes)
    phrases = Phrases.of(plan.analysis, wishes)
    for relaxed in wishes.concessions:
        costs = PlaceCosts(table, phrases, wishes, relaxed=relaxed, relevance=relevance)
        rows, total = _weighed(plan, number, costs, offered)
        if np.isfinite(total).any():
            slot = slot_of(plan.moves[number - 1], plan)
            new = place_move(costs, int(rows[total.argmin()]), slot, plan.analysis, library)
            moves = (*plan.moves[: number - 1], new, *plan.moves[number:])
            swapped = replace(plan, moves=moves, wishes=wishes, library=library.folder)
            return explained(swapped, costs, relevance=relevance)
    raise _nothing_else(plan, number, costs, offered)


def _weighed(plan: Plan, number: int, costs: PlaceCosts, offered: Flags) -> tuple[Rows, Array]:
    """Return what may stand in the place of a move, and what each costs there; infinite where it may not."""
    old, table = plan.moves[number - 1], costs.table
    slot = slot_of(old, plan)
    span = min(old.move.eight_counts, plan.analysis.eight_counts - slot)
    rows = costs.possible(slot)
    role = ROLES.index(old.move.role)
    rows = rows[offered[rows] & (costs.spans(rows, slot) == span) & (table.role[rows] == role)]
    total: Array = np.sum([*costs.parts(rows, slot).values()], axis=0)
    total += _join_costs(plan, number, table, rows)
    total += _repeat_costs(plan, number, table, repeat_costs(costs.relaxed))[table.label[rows]]
    total += span * _again_costs(plan, number, table)[rows]
    total[_same(old, table)[rows]] = np.inf
    return rows, total


def _same(old: PlacedMove, table: MoveTable) -> Flags:
    """Return which moves show the same: the clip itself and, between the ends, every clip of its label."""
    same = np.array([move.clip_id == old.move.clip_id for move in table.moves])
    if old.move.role is None:
        same |= table.label == table.labels.index(old.move.move_label)
    return same


def _join_costs(plan: Plan, number: int, table: MoveTable, rows: Rows) -> Array:
    row_of = {move.clip_id: row for row, move in enumerate(table.moves)}
    before, after = (
        np.array([row_of[placed.move.clip_id] for placed in neighbour], np.intp)
        for neighbour in (plan.moves[max(number - 2, 0) : number - 1], plan.moves[number : number + 1])
    )
    joins = Joins(table, np.unique(np.concatenate((before, rows, after))))
    total: Array = joins.between(before, rows).sum(axis=0) + joins.between(rows, after).sum(axis=1)
    return total


def _repeat_costs(plan: Plan, number: int, table: MoveTable, by_gap: tuple[float, ...]) -> Array:
    """Return what each label costs beside the moves before and after that are locked, ``(labels,)``."""
    costs = np.zeros(len(table.labels))
    code = {label: number for number, label in enumerate(table.labels)}
    new = plan.moves[number - 1]
    start = slot_of(new, plan)
    end = start + new.move.eight_counts
    for other in (*plan.moves[: number - 1], *plan.moves[number:]):
        first = slot_of(other, plan)
        # Each eight-count of the earlier one counts, seen from the beginning of the later one.
        earlier, later = (first + other.move.eight_counts, start) if first < start else (end, first)
        length = other.move.eight_counts if first < start else new.move.eight_counts
        for gap in range(later - earlier, min(later - earlier + length, WINDOW)):
            costs[code[other.move.move_label]] += by_gap[gap]
    return costs


def _again_costs(plan: Plan, number: int, table: MoveTable) -> Array:
    """Return what it costs to show each film, or another of its figure, beside the moves that are locked: (moves,)."""
    films = np.array([move.shows for move in table.moves])
    costs, slot = np.zeros(len(table)), slot_of(plan.moves[number - 1], plan)
    by_distance = again_costs(plan.analysis.eight_counts)
    for other in (*plan.moves[: number - 1], *plan.moves[number:]):
        cost = by_distance[abs(slot - slot_of(other, plan))]
        label = table.labels.index(other.move.move_label)
        costs += cost * np.where(films == other.move.shows, 1.0, SAME_FIGURE * (table.label == label))
    return costs


def _nothing_else(plan: Plan, number: int, costs: PlaceCosts, offered: Flags) -> SequencingError:
    old, table = plan.moves[number - 1], costs.table
    rows, _ = _weighed(plan, number, costs, offered)
    others = rows[~_same(old, table)[rows]]
    reason = (
        f"nothing else fits in the place of move {number} ({old.move.move_label}, {old.move.eight_counts} "
        f"eight-counts): of {int(offered.sum())} moves of the library {len(rows)} fit the difficulty, the tempo, the "
        f"length and the role, and {len(others)} of them show something else"
    )
    if len(others):
        reason += f", but each is danced within {WINDOW} eight-counts of it"
    helping = _what_relaxing_would_do(plan, number, costs, offered)
    return SequencingError(
        "CH051", f"{reason}. Add such moves to the library{f', or relax {helping}' if helping else ''}."
    )


def _what_relaxing_would_do(plan: Plan, number: int, costs: PlaceCosts, offered: Flags) -> str:
    more = [word for word in CONSTRAINTS if word not in costs.relaxed and word != "style"]
    for words in (*([word] for word in more), more):
        trial = costs.relaxing(frozenset(words))
        if np.isfinite(_weighed(plan, number, trial, offered)[1]).any():
            return " and ".join(words)
    return ""
