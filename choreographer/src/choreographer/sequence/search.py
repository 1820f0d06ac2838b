"""The cheapest path of moves through the whole song, by dynamic programming.

The song is a row of eight-counts. A state is where the dancers are in that row and which two moves they danced
last, so that the search can see a repetition coming; the cost of a path is the sum of how badly each move suits
its place. Because every path is compared, a move early in the song leaves the right one for its end.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from choreographer.errors import SequencingError
from choreographer.moves import DIFFICULTIES, Library, Move
from choreographer.music import Analysis
from choreographer.music.analysis import COUNTS
from choreographer.sequence.costs import RATIOS, move_costs, tempo_ratios
from choreographer.sequence.plan import PlacedMove, Plan
from choreographer.sequence.wishes import Wishes

# Danced again after only one other move. It must outweigh the noise of the seed.
AGAIN_COST = 2.0

Array = NDArray[np.float64]
Route = list[tuple[int, int]]  # eight-count, index of the move


def plan_sequence(analysis: Analysis, library: Library, wishes: Wishes) -> Plan:
    """Choose a move for every eight-count of the song.

    Parameters
    ----------
    analysis
        What was heard in the song.
    library
        The moves to choose from.
    wishes
        Difficulty, energy and seed.

    Returns
    -------
    Plan
        From the first 1 to the end of the song without a gap: an intro first and an outro last when the library
        has them, never the same move twice in a row, every tempo ratio within ``costs.RATIOS``.

    Raises
    ------
    SequencingError
        No such path exists; the message says which condition fails and what would help.
    """
    moves = _allowed_moves(library, wishes)
    costs = move_costs(moves, analysis, wishes)
    ratios = tempo_ratios(moves, analysis)
    _refuse_tempo(moves, analysis, ratios)
    path = _cheapest_path(moves, _keep_roles(moves, costs))
    if path is None:
        labels = sorted({move.move_label for move in moves})
        raise SequencingError(
            "CH043",
            "the same move would have to be danced twice in a row, or nothing fits between intro and outro: "
            f"there is only {', '.join(labels)}. Raise the difficulty or add moves to the library.",
        )
    return Plan(analysis, tuple(_place(moves[m], slot, float(ratios[m, slot]), library, analysis) for slot, m in path))


def _allowed_moves(library: Library, wishes: Wishes) -> list[Move]:
    # Sorted, so that the seed means the same whatever the order of the file.
    ordered = sorted(library.moves, key=lambda move: move.clip_id)
    moves = [move for move in ordered if DIFFICULTIES.index(move.difficulty) <= wishes.hardest]
    if not moves:
        raise SequencingError(
            "CH041",
            f"none of the {len(ordered)} moves is {wishes.difficulty} or easier. "
            "Raise the difficulty or add easier moves to the library.",
        )
    return moves


def _refuse_tempo(moves: Sequence[Move], analysis: Analysis, ratios: Array) -> None:
    danceable = ((ratios >= RATIOS[0]) & (ratios <= RATIOS[1])).any(axis=0)
    if danceable.all():
        return
    slot = int(np.argmin(danceable))
    edges_s = analysis.beats_s[analysis.first_count + slot * COUNTS :][: COUNTS + 1]
    tempo_bpm = 60 * COUNTS / (edges_s[-1] - edges_s[0])
    tempi_bpm = [move.estimated_tempo for move in moves]
    raise SequencingError(
        "CH042",
        f"the song is at {tempo_bpm:.0f} bpm at {edges_s[0]:.0f} s; the {len(moves)} moves allowed can be danced at "
        f"{min(tempi_bpm) * RATIOS[0]:.0f} to {max(tempi_bpm) * RATIOS[1]:.0f} bpm. "
        "Choose another song, or add moves at this tempo to the library.",
    )


def _keep_roles(moves: Sequence[Move], costs: Array) -> Array:
    """Keep intros to the first eight-count and outros to the last, and these to them where there is one."""
    kept, slots = costs.copy(), costs.shape[1]
    intros, outros = (np.array([move.role == role for move in moves]) for role in ("intro", "outro"))
    kept[intros, 1:] = np.inf
    kept[outros, :-1] = np.inf
    # A song of a single eight-count has no room for both.
    if slots > 1 and np.isfinite(kept[intros, 0]).any():
        kept[~intros, 0] = np.inf
    if slots > 1 and np.isfinite(kept[outros, -1]).any():
        for row in np.flatnonzero(~outros).tolist():
            # Whatever begins here would go on into the last eight-count.
            kept[row, -moves[row].eight_counts :] = np.inf
    return kept


def _cheapest_path(moves: Sequence[Move], costs: Array) -> Route | None:
    groups, clip_of, group_costs = _by_label(moves, costs)
    slots, none = costs.shape[1], len(groups)
    labels = np.array([*(label for label, _, _ in groups), ""])
    lengths = np.array([1 if role == "outro" else length for _, length, role in groups])
    same = labels[:, None] == labels[None, :-1]
    again = AGAIN_COST * same

    # best[slot, before, last]: the cheapest way to have filled the eight-counts before `slot`.
    best = np.full((slots + 1, none + 1, none + 1), np.inf)
    back = np.zeros(best.shape, np.intp)
    best[0, none, none] = 0
    for slot in range(slots):
        for last in np.flatnonzero(np.isfinite(best[slot]).any(axis=0)):
            ways = best[slot, :, last, None] + again
            before = ways.argmin(axis=0)
            cost = ways.min(axis=0) + group_costs[:, slot] + np.where(same[last], np.inf, 0)
            # Moves that do not fit cost infinity, so the clip of the index changes nothing.
            end = np.minimum(slot + lengths, slots)
            following = np.flatnonzero(cost < best[end, last, np.arange(none)])
            best[end[following], last, following] = cost[following]
            back[end[following], last, following] = before[following]
    if not np.isfinite(best[slots]).any():
        return None
    return _trace_back(best[slots], back, lengths, clip_of)


def _by_label(moves: Sequence[Move], costs: Array) -> tuple[list[tuple[str, int, str]], NDArray[np.intp], Array]:
    """Keep of the clips that show the same move only the one that suits each eight-count best."""
    key = [(move.move_label, move.eight_counts, move.role or "") for move in moves]
    groups = sorted(set(key))
    members = [np.array([index for index, own in enumerate(key) if own == group]) for group in groups]
    clip_of = np.array([member[costs[member].argmin(axis=0)] for member in members])
    return groups, clip_of, np.take_along_axis(costs, clip_of, axis=0)


def _trace_back(final: Array, back: NDArray[np.intp], lengths: NDArray[np.intp], clip_of: NDArray[np.intp]) -> Route:
    before, last = (int(index) for index in np.unravel_index(final.argmin(), final.shape))
    slot, path = len(back) - 1, []
    while slot > 0:
        earlier = int(back[slot, before, last])
        slot -= int(lengths[last])
        path.append((slot, int(clip_of[last, slot])))
        before, last = earlier, before
    return path[::-1]


def _place(move: Move, slot: int, tempo_ratio: float, library: Library, analysis: Analysis) -> PlacedMove:
    first = analysis.first_count + slot * COUNTS
    last_move = move.role == "outro" or slot + move.eight_counts == analysis.eight_counts
    return PlacedMove(
        move=move,
        clip=library.clip(move),
        first_beat=first,
        start_s=analysis.beats_s[first],
        # The last move is held, or goes on as long as its clip does, until the song has ended.
        end_s=analysis.duration_s if last_move else analysis.beats_s[first + move.beats],
        tempo_ratio=round(tempo_ratio, 4),
    )
