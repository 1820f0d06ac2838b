"""How badly a move suits a place in the song: what may stand there, and what each misfit costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bachateo.sequence.phrases import Phrases
from bachateo.sequence.stretch import PREFERRED_RATIOS, RATIOS, WIDEST_RATIOS, Stretch
from bachateo.sequence.table import ROLES, Array, Flags, MoveTable, Rows
from bachateo.sequence.wishes import Wishes

# All of these are for one eight-count; a move that spans several pays for each.
TEMPO_COST = 20.0  # per unit of ratio outside the preferred ones: 0.1 outside costs as much as two jumps at a join
NEARER_COST = 1.0  # per unit of ratio away from 1: of two that fit, the nearer
ENERGY_COST = 0.6  # per level of energy away from the song, or from the wish
EASIER_COST = 0.3  # per level below the difficulty that was asked for
STYLE_COST = 1.0  # for another style than asked for; half of it where the style is unknown
QUALITY_COST = 1.0  # for a quality of 0 instead of 1
RELEVANCE_COST = 1.0  # for a relevance of 0 instead of 1
CUT_COST = 3.0  # per eight-count that an outro is cut off by the end of the song
LABEL_CHANCE = 1.0  # the largest random cost of a move: seeds differ, yet a misfit is not chosen for variety
CLIP_CHANCE = 0.2  # and of each clip that shows it

# In how many eight-counts before a move the same may not have been danced.
WINDOW = 4
# What giving something up costs, so high that it happens only where there is no other way, and in this order: a
# repetition after `gap` other eight-counts, a level too hard, an eight-count out of tempo, an end without its role.
REPEAT_COSTS = tuple(10.0 * (WINDOW - gap) ** 3 for gap in range(WINDOW))
HARDER_COST = 4_000.0
STRETCHED_COST = 20_000.0
ENDS_COST = 200_000.0

# What showing a film again costs: at once, and after a long time; what lies between falls by half in every ``FADES``
# eight-counts. Another film of the same figure costs a part of it.
AGAIN_COSTS, FADES, SAME_FIGURE = (2.0, 0.7), 6.0, 0.25

NO_RELEVANCE: Mapping[str, float] = {}


@dataclass(frozen=True)
class Tastes:
    """How much what spans the whole choreography counts, as a multiple of what it usually costs.

    Attributes
    ----------
    variety
        Of showing a film again.
    clothes
        Of a cut to another couple or other clothes.
    """

    variety: float = 1.0
    clothes: float = 1.0


def again_costs(slots: int) -> Array:
    """Return what it costs that a film begins again so many eight-counts after it began, ``(slots,)``."""
    near, far = AGAIN_COSTS
    costs: Array = far + (near - far) * 0.5 ** (np.arange(slots) / FADES)
    return costs


class PlaceCosts:
    """What each move costs in each eight-count.

    Parameters
    ----------
    table, phrases
        The moves and the song.
    wishes
        Difficulty, style and seed.
    relaxed
        Which of ``wishes.CONSTRAINTS`` are given up in this attempt.
    relevance
        From a search: ``clip_id`` to 0 (worst) to 1. A move that is not in it has 0; empty means no search.

    Attributes
    ----------
    allowed
        Rows of the moves that are easy enough, or of all when that is given up.
    has_intro, has_outro
        Whether an intro opens, an outro closes the choreography: the library has one, however hard. In a song of
        one eight-count there is no room for both, so neither has to.
    """

    def __init__(
        self,
        table: MoveTable,
        phrases: Phrases,
        wishes: Wishes,
        *,
        relaxed: frozenset[str] = frozenset(),
        relevance: Mapping[str, float] = NO_RELEVANCE,
    ) -> None:
        self.table, self.phrases, self.relaxed = table, phrases, relaxed
        self._wishes, self._relevance = wishes, relevance
        self.stretch = Stretch(table, phrases)
        self.limits = WIDEST_RATIOS if "tempo" in relaxed else RATIOS
        self.allowed = np.arange(len(table))
        if "difficulty" not in relaxed:
            self.allowed = self.allowed[table.difficulty <= wishes.hardest]
        self.has_intro, self.has_outro = (
            len(phrases) > 1 and bool((table.role == ROLES.index(role)).any()) for role in ("intro", "outro")
        )
        self._longest = int(table.eight_counts.max(initial=1))
        self._label_chance = np.random.default_rng(wishes.seed).uniform(
            0, LABEL_CHANCE, (len(phrases), len(table.labels))
        )
        self._everywhere = _costs_everywhere(table, wishes, relevance)

    def relaxing(self, more: frozenset[str]) -> PlaceCosts:
        """Return the same with more given up."""
        return PlaceCosts(
            self.table, self.phrases, self._wishes, relaxed=self.relaxed | more, relevance=self._relevance
        )

    def spans(self, rows: Rows, slot: int) -> Rows:
        """Return how many eight-counts of the song the moves fill from ``slot`` on."""
        return np.minimum(self.table.eight_counts[rows], len(self.phrases) - slot)

    def possible(self, slot: int) -> Rows:
        """Return which moves may begin in an eight-count: they fit before the end, their role does, their tempo too."""
        rows = self.allowed[self._in_its_role(self.allowed, slot)]
        for step, slot_then in self._steps(slot):
            spanning = self.table.eight_counts[rows] > step
            if not spanning.any():
                break
            kept = ~spanning
            kept[spanning] = self.stretch.within(rows[spanning], slot_then, step, self.limits)
            rows = rows[kept]
        return rows

    def fitting(self) -> int:
        """Return how many films may begin in some eight-count."""
        rows = np.unique(np.concatenate([self.possible(slot) for slot in range(len(self.phrases))]))
        return len(np.unique(self.table.film[rows]))

    def parts(self, rows: Rows, slot: int) -> dict[str, Array]:
        """Return what moves that may begin in ``slot`` cost there, by reason; each ``(rows,)``."""
        counts = self.table.eight_counts[rows]
        spans = self.spans(rows, slot)
        parts = {name: costs[rows] * spans.astype(float) for name, costs in self._everywhere.items()}
        parts["cut"] = CUT_COST * (counts - spans)
        lacking = self._lacks_intro(rows, slot).astype(float) + self._lacks_outro(rows, slot)
        parts["ends"] = ENDS_COST * lacking
        parts["chance"] = spans * (self._label_chance[slot, self.table.label[rows]] + self._clip_chance(slot)[rows])
        for name in ("tempo", "stretched", "energy"):
            parts[name] = np.zeros(len(rows))
        for step, slot_then in self._steps(slot):
            now = np.flatnonzero(counts > step)
            if not len(now) or slot + step >= len(self.phrases):
                break
            ratios = self.stretch.ratios(rows[now], slot_then, step)
            parts["tempo"][now] += _tempo_cost(ratios)
            misfit = np.abs(self.table.energy[rows[now]] - self.phrases.energy[slot_then])
            parts["energy"][now] += ENERGY_COST * misfit
            if "tempo" in self.relaxed:
                outside = ~self.stretch.within(rows[now], slot_then, step, RATIOS)
                parts["stretched"][now] += STRETCHED_COST * outside
        return parts

    def _steps(self, slot: int) -> list[tuple[int, int]]:
        """Return each eight-count of the longest move and the one of the song it is danced in."""
        return [(step, min(slot + step, len(self.phrases))) for step in range(self._longest)]

    def _in_its_role(self, rows: Rows, slot: int) -> Flags:
        role, last = self.table.role[rows], len(self.phrases)
        end = slot + self.table.eight_counts[rows]
        intro, outro = role == ROLES.index("intro"), role == ROLES.index("outro")
        fits: Flags = np.where(outro, end >= last, end <= last) & (~intro | (slot == 0))
        if "ends" not in self.relaxed:
            fits &= ~self._lacks_intro(rows, slot) & ~self._lacks_outro(rows, slot)
        return fits

    def _lacks_intro(self, rows: Rows, slot: int) -> Flags:
        if slot or not self.has_intro:
            return np.zeros(len(rows), bool)
        lacks: Flags = self.table.role[rows] != ROLES.index("intro")
        return lacks

    def _lacks_outro(self, rows: Rows, slot: int) -> Flags:
        if slot + self._longest < len(self.phrases) or not self.has_outro:
            return np.zeros(len(rows), bool)
        ends = slot + self.table.eight_counts[rows] >= len(self.phrases)
        lacks: Flags = ends & (self.table.role[rows] != ROLES.index("outro"))
        return lacks

    def _clip_chance(self, slot: int) -> Array:
        return np.random.default_rng((self._wishes.seed, slot)).uniform(0, CLIP_CHANCE, len(self.table))


def _costs_everywhere(table: MoveTable, wishes: Wishes, relevance: Mapping[str, float]) -> dict[str, Array]:
    costs: dict[str, Array] = {"quality": QUALITY_COST * (1 - table.quality)}
    if wishes.difficulty:
        below = (wishes.hardest - table.difficulty).astype(float)
        costs["difficulty"] = EASIER_COST * np.clip(below, 0, None)
        costs["harder"] = HARDER_COST * np.clip(-below, 0, None)
    if wishes.style and wishes.style in table.styles:
        other = table.style != table.styles.index(wishes.style)
        unknown = np.array([not style for style in table.styles])[table.style]
        costs["style"] = STYLE_COST * np.where(unknown, 0.5, other)
    if relevance:
        found = np.array([relevance.get(move.clip_id, 0.0) for move in table.moves])
        costs["relevance"] = RELEVANCE_COST * (1 - found)
    return costs


def _tempo_cost(ratios: Array) -> Array:
    low, high = PREFERRED_RATIOS
    outside = np.clip(low - ratios, 0, None) + np.clip(ratios - high, 0, None)
    costs: Array = TEMPO_COST * outside + NEARER_COST * np.abs(ratios - 1)
    return costs
