"""From a song, a library and wishes to a plan: the strict search first, then what may be given up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from bachateo.errors import SequencingError
from bachateo.moves import Library
from bachateo.music import Analysis
from bachateo.music.analysis import COUNTS
from bachateo.sequence.candidates import find_candidates
from bachateo.sequence.costs import NO_RELEVANCE, REPEAT_COSTS, WINDOW, PlaceCosts, Tastes
from bachateo.sequence.explain import explained
from bachateo.sequence.phrases import Phrases
from bachateo.sequence.plan import MOST_CHANGES, PlacedMove, Plan, changes_share, lacking_films
from bachateo.sequence.refusals import refusal
from bachateo.sequence.search import FoundPath, find_path
from bachateo.sequence.table import MoveTable
from bachateo.sequence.wishes import CONSTRAINTS, Wishes

# How much variety and clothes count in the first plan, and in those that follow while they are not as they are to be.
# The last of clothes is more than that a figure comes back soon, where repeats may be given up.
VARIETY, CLOTHES = (1.0, 8.0, 60.0, 400.0), (1.0, 8.0, 1500.0)


def plan_sequence(
    analysis: Analysis,
    library: Library,
    wishes: Wishes,
    *,
    table: MoveTable | None = None,
    relevance: Mapping[str, float] = NO_RELEVANCE,
) -> Plan:
    """Choose a move for every eight-count of the song.

    Parameters
    ----------
    analysis
        What was heard in the song.
    library
        The moves to choose from. To choose from what a search found, give a library of these moves.
    wishes
        Difficulty, energy, style, seed, and what may be given up.
    table
        The columns of the library's moves, when they were made before (for 100,000 moves that takes as long as the
        plan). They must be of this library.
    relevance
        From a search: ``clip_id`` to 0 to 1. A move that is not in it counts as 0, and may be danced all the same.

    Returns
    -------
    Plan
        From the first 1 to the end of the song without a gap: an intro first and an outro last when the library has
        them, no label again within ``costs.WINDOW`` eight-counts, every beat's tempo ratio within ``stretch.RATIOS``;
        films as different and clothes as much the same as :mod:`bachateo.sequence.plan` says, where the library allows
        it. What of this had to be relaxed stands in ``relaxed``.

    Raises
    ------
    SequencingError
        No such path exists; the message says which condition fails and what would help.
    """
    table = table or MoveTable.of(library.moves)
    require_relevance(table, relevance)
    require_style(table, wishes)
    costs = None
    for relaxed in wishes.concessions:
        costs = PlaceCosts(table, Phrases.of(analysis, wishes), wishes, relaxed=relaxed, relevance=relevance)
        path = _cheapest(costs)
        if path is not None:
            return explained(_plan(path, costs, analysis, library, wishes), costs, relevance=relevance)
    assert costs is not None  # noqa: S101  # nothing given up is always tried
    raise refusal(costs, analysis, wishes, _what_relaxing_would_do(costs, analysis, library, wishes))


def require_relevance(table: MoveTable, relevance: Mapping[str, float]) -> None:
    """Refuse search results that do not belong to this library."""
    for clip_id, value in relevance.items():
        if not 0 <= value <= 1:
            raise SequencingError("CH052", f"the relevance of {clip_id} is {value}; it must be from 0 to 1.")
    if relevance and not any(relevance.get(move.clip_id) for move in table.moves):
        raise SequencingError(
            "CH053",
            f"none of the {len(relevance)} clips that the search found has a relevance above 0 and is among the "
            f"{len(table)} moves. Search in the library that is danced from, or leave the relevance out.",
        )


def require_style(table: MoveTable, wishes: Wishes) -> None:
    """Refuse a style that no move has, unless it may be given up."""
    if not wishes.style or wishes.style in table.styles or "style" in wishes.concessions[-1]:
        return
    styles = ", ".join(style for style in table.styles if style)
    raise SequencingError(
        "CH045",
        f"none of the moves to choose from has the style {wishes.style!r}; "
        f"{f'they have {styles}' if styles else 'they say nothing of style'}. "
        "Choose another style, leave it out, or relax style.",
    )


def repeat_costs(relaxed: frozenset[str]) -> tuple[float, ...]:
    """Return what dancing a label again costs, by how many eight-counts lie between: infinite unless given up."""
    return REPEAT_COSTS if "repeats" in relaxed else (np.inf,) * WINDOW


def place_move(costs: PlaceCosts, row: int, slot: int, analysis: Analysis, library: Library) -> PlacedMove:
    """Return a move of the table in its place.

    Parameters
    ----------
    costs
        What each move costs in each place.
    row
        Of the move in the table.
    slot
        Eight-count in which it begins, 0 for the first.
    analysis
        The song.
    library
        Where the clip is.
    """
    move = costs.table.moves[row]
    first = analysis.starts[slot]
    after = slot + move.eight_counts
    ends = after >= analysis.eight_counts
    # An outro that is cut off by the end is judged by what is danced of it, and beats that the music has more by none.
    last, ones = len(analysis.beats_s) - 1, analysis.eights_from(first, move.eight_counts)
    danced = [(min(one, last), min(one + COUNTS, last)) for one in ones]
    beats = sum(end - begin for begin, end in danced)
    stretched_s = sum(analysis.beats_s[end] - analysis.beats_s[begin] for begin, end in danced)
    return PlacedMove(
        move=move,
        clip=library.clip(move),
        first_beat=first,
        start_s=analysis.beats_s[first],
        # The last move is held, or goes on as long as its clip does, until the song has ended. Others until the next
        # 1, where the music has some beats more, too.
        end_s=analysis.duration_s if ends else analysis.beats_s[analysis.starts[after]],
        tempo_ratio=round((move.beats_s[beats] - move.beats_s[0]) / stretched_s, 4),
    )


def _cheapest(costs: PlaceCosts) -> FoundPath | None:
    """Return the cheapest path; where it shows too few films or too many clothes, one for which these count more."""
    places, table, fitting = find_candidates(costs), costs.table, costs.fitting()
    best, least, variety, clothes = None, np.inf, 0, 0
    while variety < len(VARIETY) and clothes < len(CLOTHES):
        tastes = Tastes(VARIETY[variety], CLOTHES[clothes])
        path = find_path(table, places, repeat_costs(costs.relaxed), tastes=tastes)
        if path is None:
            break
        moves = [table.moves[row] for _, row in path.steps]
        films = lacking_films(moves, fitting) / len(moves)
        changes = max(0.0, (changes_share(moves) or 0.0) - MOST_CHANGES)
        if films + changes < least:
            best, least = path, films + changes
        if not least:
            break
        variety, clothes = variety + bool(films), clothes + bool(changes)
    return best


def _plan(path: FoundPath, costs: PlaceCosts, analysis: Analysis, library: Library, wishes: Wishes) -> Plan:
    moves = tuple(place_move(costs, row, slot, analysis, library) for slot, row in path.steps)
    return Plan(analysis, moves, wishes=wishes, library=library.folder)


def _what_relaxing_would_do(costs: PlaceCosts, analysis: Analysis, library: Library, wishes: Wishes) -> tuple[str, ...]:
    """Return what would be given up if everything might be; nothing when not even that gives a plan."""
    more = costs.relaxing(frozenset(CONSTRAINTS))
    path = None if more.relaxed == costs.relaxed else _cheapest(more)
    if path is None:
        return ()
    plan = explained(_plan(path, more, analysis, library, wishes), more)
    return tuple(_words(plan.relaxed))


def _words(sentences: Iterable[str]) -> Iterable[str]:
    words = (sentence.partition(":")[0] for sentence in sentences)
    return (word for word in words if word in CONSTRAINTS)
