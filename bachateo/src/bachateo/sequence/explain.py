"""Why a plan is as it is, in sentences for people: read off the same costs that chose it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from bachateo.moves import DIFFICULTIES
from bachateo.moves.looks import Look, holds_close
from bachateo.sequence.costs import EASIER_COST, ENERGY_COST, NO_RELEVANCE, WINDOW, PlaceCosts
from bachateo.sequence.joins import POSE_COST, Joins
from bachateo.sequence.phrases import Phrases
from bachateo.sequence.plan import MOST_CHANGES, PlacedMove, Plan, lacking_films
from bachateo.sequence.stretch import PREFERRED_RATIOS, RATIOS
from bachateo.sequence.table import ROLES, MoveTable
from bachateo.sequence.wishes import CONSTRAINTS

FITS = 0.5  # levels of energy, within which a move is as the song
SMOOTH, ROUGH = (
    0.15,
    0.5,
)  # distance of poses, in trunks: below the first the cut is not seen; above the second it is plain
EVERYTHING = frozenset(CONSTRAINTS)


def explained(plan: Plan, chosen_by: PlaceCosts, *, relevance: Mapping[str, float] = NO_RELEVANCE) -> Plan:
    """Return the plan with the reasons of each move and with what was given up.

    Parameters
    ----------
    plan
        Moves in their places.
    chosen_by
        The costs that chose them, of the whole library.
    relevance
        What the search found, if there was one.
    """
    table = MoveTable.of({placed.move.clip_id: placed.move for placed in plan.moves}.values())
    row_of = {move.clip_id: row for row, move in enumerate(table.moves)}
    phrases = Phrases.of(plan.analysis, plan.wishes)
    costs = PlaceCosts(table, phrases, plan.wishes, relaxed=EVERYTHING, relevance=relevance)
    joins = Joins(table, np.arange(len(table)))
    slots = [slot_of(placed, plan) for placed in plan.moves]
    rows = [np.array([row_of[placed.move.clip_id]]) for placed in plan.moves]
    parts = [
        {name: float(cost[0]) for name, cost in costs.parts(row, slot).items()}
        for row, slot in zip(rows, slots, strict=True)
    ]
    gaps = repeat_gaps(plan)
    moves = []
    for number, placed in enumerate(plan.moves):
        span = int(costs.spans(rows[number], slots[number])[0])
        known = {name: cost / span for name, cost in parts[number].items()}
        reasons = [
            *_role(placed, parts[number]),
            _tempo(placed, known),
            _energy(placed, known, plan),
            *_wished(placed, known, plan),
            *(_join(plan.moves[number - 1], placed, joins, rows[number - 1 : number + 1]) if number else ()),
            *(_variety(gaps[number]) if placed.move.role is None else ()),
        ]
        if relevance:
            reasons.append(f"The search found it {relevance.get(placed.move.clip_id, 0.0):.2f} relevant, of 1.")
        moves.append(replace(placed, reasons=tuple(reasons)))
    return replace(plan, moves=tuple(moves), relaxed=tuple(_given_up(plan, chosen_by, parts, gaps)))


def slot_of(placed: PlacedMove, plan: Plan) -> int:
    """Return the eight-count of the song in which a move begins."""
    return plan.analysis.starts.index(placed.first_beat)


def repeat_gaps(plan: Plan) -> list[int | None]:
    """Return how many eight-counts lie between each move and the one before of the same label; ``None``: no such."""
    ended: dict[str, int] = {}
    gaps = []
    for placed in plan.moves:
        slot, label = slot_of(placed, plan), placed.move.move_label
        gaps.append(slot - ended[label] if label in ended else None)
        ended[label] = slot + placed.move.eight_counts
    return gaps


def _role(placed: PlacedMove, costs: Mapping[str, float]) -> list[str]:
    if placed.move.role == "intro":
        return ["It opens the choreography."]
    if placed.move.role == "outro":
        return ["It closes the choreography" + (", cut off by the end of the song." if costs["cut"] else ".")]
    return []


def _tempo(placed: PlacedMove, costs: Mapping[str, float]) -> str:
    low, high = PREFERRED_RATIOS
    per_cent = round(100 * (placed.tempo_ratio - 1))
    speed = f"{abs(per_cent)} % {'faster' if per_cent > 0 else 'slower'} than" if per_cent else "as fast as"
    verdict = "which shows a little" if not low <= placed.tempo_ratio <= high else "which is not noticed"
    if costs["stretched"]:
        verdict = "beyond the limits"
    return f"It is played {speed} it was danced" + (f", {verdict}." if per_cent or costs["stretched"] else ".")


def _energy(placed: PlacedMove, costs: Mapping[str, float], plan: Plan) -> str:
    wanted = "that was asked for" if plan.wishes.energy else "of the song here"
    levels = costs["energy"] / ENERGY_COST
    if levels <= FITS:
        return f"Its energy, {placed.move.energy_level}, is the one {wanted}."
    return f"Its energy, {placed.move.energy_level}, is {levels:.1f} levels from the one {wanted}."


def _wished(placed: PlacedMove, costs: Mapping[str, float], plan: Plan) -> Iterable[str]:
    if plan.wishes.difficulty:
        below = round(costs["difficulty"] / EASIER_COST)
        compared = "harder than asked" if costs["harder"] else "easier than asked" if below else "as asked"
        yield f"It is {placed.move.difficulty}, {compared}."
    if plan.wishes.style:
        if costs.get("style") == 0:
            yield f"Its style is {placed.move.style}, as asked."
        elif placed.move.style:
            yield f"Its style is {placed.move.style}, not {plan.wishes.style}."
        else:
            yield "Its style is not known."


def _join(before: PlacedMove, placed: PlacedMove, joins: Joins, rows: Sequence[np.ndarray]) -> Iterable[str]:
    if before.move.end_pose is not None and placed.move.start_pose is not None:
        distance = float(joins.poses(*rows)[0, 0]) / POSE_COST
        if distance <= SMOOTH:
            yield "It begins as the move before ends."
        elif distance <= ROUGH:
            yield "It begins a little otherwise than the move before ends."
        else:
            yield "It begins otherwise than the move before ends, so the cut shows."
    elif before.move.end_look is not None and placed.move.start_look is not None:
        yield from _looks(before.move.end_look, placed.move.start_look)
    if before.move.wardrobe and placed.move.wardrobe:
        changed = joins.wardrobes(*rows)[0, 0] > 0
        yield "The couple or its clothes change." if changed else "The same couple and clothes as before."


def _looks(before: Look, after: Look) -> Iterable[str]:
    hold = "a close hold" if holds_close(after) else "an open hold"
    same = holds_close(before) == holds_close(after)
    yield (
        f"It begins in {hold}, as the move before ends."
        if same
        else f"It begins in {hold}, the move before does not end in one."
    )


def _variety(gap: int | None) -> Iterable[str]:
    if gap is None:
        yield "It was not danced before."
    else:
        yield f"It was last danced {_eight_counts(gap)} before." if gap else "It was danced just before."


def _eight_counts(count: int) -> str:
    return f"{count} eight-count{'s' if count != 1 else ''}"


def _given_up(
    plan: Plan, chosen_by: PlaceCosts, parts: Sequence[Mapping[str, float]], gaps: Sequence[int | None]
) -> Iterable[str]:
    """Say what was given up, in the order of ``CONSTRAINTS``, then of films and couple; each begins with its word."""
    placed = plan.moves
    again = [move for move, gap in zip(placed, gaps, strict=True) if gap is not None and gap < WINDOW]
    if again:
        yield (
            f"repeats: {len(again)} of {len(placed)} moves come back within {_eight_counts(WINDOW)} "
            f"({_labels(again)}); too few others fit this song."
        )
    harder = [move for move, costs in zip(placed, parts, strict=True) if costs.get("harder")]
    if harder:
        hardest = max((move.move.difficulty for move in harder), key=DIFFICULTIES.index)
        yield f"difficulty: {_labels(harder)}: up to {hardest}, harder than the {plan.wishes.difficulty} asked for."
    if plan.wishes.style and plan.wishes.style not in chosen_by.table.styles:
        yield f"style: none of the moves to choose from is {plan.wishes.style}."
    stretched = [move for move, costs in zip(placed, parts, strict=True) if costs["stretched"]]
    if stretched:
        ratios = [move.tempo_ratio for move in stretched]
        speeds = " to ".join(dict.fromkeys((f"{min(ratios):.0%}", f"{max(ratios):.0%}")))
        yield (
            f"tempo: {_labels(stretched)}: played at {speeds} of the speed of the clip; "
            f"the limits are {RATIOS[0]:.0%} to {RATIOS[1]:.0%}, on every beat."
        )
    lacking = [
        role
        for role, has, end in (
            ("intro", chosen_by.has_intro, placed[0]),
            ("outro", chosen_by.has_outro, placed[-1]),
        )
        if has and end.move.role != role
    ]
    if lacking:
        yield f"ends: of the moves to choose from, {' and '.join(_lacking(role, chosen_by) for role in lacking)}."
    yield from _spanning(plan, chosen_by)


def _lacking(role: str, chosen_by: PlaceCosts) -> str:
    easy = chosen_by.table.role[chosen_by.allowed] == ROLES.index(role)
    return f"no {role} fits" if easy.any() else f"no {role} is as easy as asked for"


def _spanning(plan: Plan, chosen_by: PlaceCosts) -> Iterable[str]:
    """Say where the films are not as different, or the clothes not as much the same, as they are to be."""
    moves, changes = [placed.move for placed in plan.moves], plan.changes_share
    fitting = chosen_by.fitting()
    if lacking_films(moves, fitting):
        again = len(moves) - len({move.shows for move in moves})
        yield f"films: {again} of {len(moves)} moves show a film again, though {fitting} fit this song."
    if changes is not None and changes > MOST_CHANGES:
        known = sum(1 for before, after in pairwise(moves) if before.wardrobe and after.wardrobe)
        yield (
            f"couple: the couple or its clothes change at {round(changes * known)} of {known} cuts; "
            "in the same clothes too few moves fit."
        )


def _labels(moves: Iterable[PlacedMove]) -> str:
    return ", ".join(sorted({placed.move.move_label for placed in moves}))
