"""Search a collection by words: the best first, and of equals the newest.

How well a choreography matches is its ``MatchTier``: the title is what was typed; all words are in it; its words begin
with what was typed. Only where nothing matches, words like the typed ones are looked for, the most alike first.

A user with few rows has all of them looked at, rows without a document included. For the others a window of the newest
is looked through: a common word soon fills a page there. What the window cannot tell, the index of words can: a word
that is rare in the window has few postings. Either way a page costs the same wherever it is.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Any

from django.db import connection

from apps.titles.alike import alike
from apps.titles.documents import every, whole
from apps.titles.following import FOLLOWS, TitleRow, is_looked_at, unfollowed
from apps.titles.words import folded, words_of

WINDOW = 2_000
# The index is asked for beginnings of so many letters: shorter ones are in too many titles. A whole word may be short:
# where it stands is looked up for the titles that have the rarest word of the question.
LONG = 4


class MatchTier(IntEnum):
    """How well a choreography matches; smaller is better."""

    WHOLE = 1
    WORDS = 2
    BEGINNINGS = 3
    MOST_ALIKE = 4
    ALIKE = 5


@dataclass(frozen=True)
class FoundPlace:
    """A place in the order of what was found."""

    tier: MatchTier
    created_at: datetime
    id: uuid.UUID

    @property
    def order(self) -> tuple[int, float, int]:
        """What places are sorted by: the best first, and of equals the newest."""
        return self.tier, -self.created_at.timestamp(), -self.id.int


@dataclass(frozen=True)
class TitleSearch:
    """What is searched for, and which choreographies count at all."""

    user_id: int
    text: str
    difficulty: str = ""
    label_ids: tuple[int, ...] = field(default=())


@dataclass(frozen=True)
class WordQuestion:
    """What a document must match, and the part of it that the index is asked for; the rest is compared afterwards."""

    match: str
    index: str


# What each tier asks for, the best first. What a tier finds, the next one finds too.
Questions = dict[MatchTier, WordQuestion]


def found(asked: TitleSearch, *, after: FoundPlace | None, at_most: int) -> list[FoundPlace]:
    """Return what was found after a place, in order."""
    words = list(dict.fromkeys(words_of(asked.text)))
    if not words:
        return []
    fresh = unfollowed(asked.user_id) if is_looked_at(asked.user_id) else None
    if after is None or after.tier < MatchTier.MOST_ALIKE:
        places = _places(asked, _typed(asked, words), fresh, after, at_most)
        if places or after is not None:
            return places
    return _places(asked, _alike(asked, words, fresh or []), fresh, after, at_most)


def found_among_rows(text: str, rows: Iterable[TitleRow]) -> list[FoundPlace]:
    """Return which of these match as typed, in order: rows of whichever users, few enough to look at each."""
    words = words_of(text)
    if not words:
        return []
    tiers = ((row, _tier_of(row, text, words)) for row in rows)
    return sorted((FoundPlace(tier, row.created_at, row.id) for row, tier in tiers if tier), key=lambda at: at.order)


def _tier_of(row: TitleRow, text: str, words: list[str]) -> MatchTier | None:
    if folded(row.title) == folded(text):
        return MatchTier.WHOLE
    there = row.words
    if there.issuperset(words):
        return MatchTier.WORDS
    begun = all(any(one.startswith(word) for one in there) for word in words)
    return MatchTier.BEGINNINGS if begun else None


def _typed(asked: TitleSearch, words: list[str]) -> Questions:
    same = whole(asked.user_id, asked.text)
    return {
        MatchTier.WHOLE: WordQuestion(same, same),
        MatchTier.WORDS: _question(asked, [[word] for word in words]),
        MatchTier.BEGINNINGS: _question(asked, [[f"{word}*"] for word in words]),
    }


def _alike(asked: TitleSearch, words: list[str], fresh: list[TitleRow]) -> Questions:
    also = {word for row in fresh for word in row.words}
    choices = [[f"{word}*", *alike(asked.user_id, word, also=also)] for word in words]
    if all(len(choice) == 1 for choice in choices):
        return {}
    return {
        MatchTier.MOST_ALIKE: _question(asked, [choice[:2] for choice in choices]),
        MatchTier.ALIKE: _question(asked, choices),
    }


def _question(asked: TitleSearch, choices: list[list[str]]) -> WordQuestion:
    quick = [choice for choice in choices if not choice[0].endswith("*") or len(choice[0]) > LONG] or choices
    return WordQuestion(every(asked.user_id, choices), every(asked.user_id, quick))


def _places(
    asked: TitleSearch, questions: Questions, fresh: list[TitleRow] | None, after: FoundPlace | None, at_most: int
) -> list[FoundPlace]:
    if not questions:
        return []
    if fresh is not None:
        return _among_all(asked, questions, fresh, after, at_most)
    if after is None:
        return _of_tiers(asked, questions, list(questions), None, at_most)
    places = _of_tiers(asked, questions, [after.tier], after, at_most)
    further = [tier for tier in questions if tier > after.tier]
    if further and len(places) < at_most:
        places += _of_tiers(asked, questions, further, None, at_most - len(places))
    return places


def _of_tiers(
    asked: TitleSearch, questions: Questions, tiers: list[MatchTier], after: FoundPlace | None, at_most: int
) -> list[FoundPlace]:
    """Return what is in these tiers: of each what the window shows, if that is enough, or what the index finds."""
    values = _values(asked, questions, tiers, after) | {"most": at_most}
    window = _rows(_WINDOW, values, tiers, after)
    if not window:
        # Rare, or not there: the index finds all of it at once. Of what is common it would read too much.
        return _rows(_INDEX, values, tiers, after)
    places: list[FoundPlace] = []
    for tier in tiers:
        missing = at_most - len(places)
        hits = [place for place in window if place.tier is tier][:missing]
        if len(hits) < missing:
            values = _values(asked, questions, [tier], after) | {"most": missing}
            hits = _rows(_INDEX, values, [tier], after)
        places += hits
        if len(places) == at_most:
            break
    return places


def _among_all(
    asked: TitleSearch, questions: Questions, fresh: list[TitleRow], after: FoundPlace | None, at_most: int
) -> list[FoundPlace]:
    tiers = [tier for tier in questions if after is None or tier >= after.tier]
    values = _values(asked, questions, tiers, after) | {
        "ids": [row.id for row in fresh],
        "titles": [row.title for row in fresh],
        "songs": [row.song for row in fresh],
        "times": [row.created_at for row in fresh],
        "words": [row.document for row in fresh],
        "most": at_most,
    }
    return _rows(_ALL, values, tiers, after)


def _values(
    asked: TitleSearch, questions: Questions, tiers: list[MatchTier], after: FoundPlace | None
) -> dict[str, Any]:
    better = questions.get(MatchTier(tiers[0] - 1)) if tiers[0] > MatchTier.WHOLE else None
    return {
        "user": asked.user_id,
        "difficulty": asked.difficulty,
        "labels": list(asked.label_ids),
        "match": questions[tiers[-1]].match,
        "index": questions[tiers[-1]].index,
        "better": better.match if better else None,
        "tier": after.tier.value if after else None,
        "time": after.created_at if after else None,
        "id": after.id if after else None,
        **{f"match_{tier.value}": questions[tier].match for tier in tiers},
    }


def _rows(statement: str, values: dict[str, Any], tiers: list[MatchTier], after: FoundPlace | None) -> list[FoundPlace]:
    cases = " ".join(f"WHEN words @@ %(match_{tier.value})s::tsquery THEN {tier.value}" for tier in tiers)
    filled = statement.format(tier=f"CASE {cases} END", after="" if after is None else _AFTER)
    with connection.cursor() as cursor:
        cursor.execute(filled, values)
        return [FoundPlace(MatchTier(tier), *rest) for tier, *rest in cursor.fetchall()]


# What matches is sorted first. Then, row by row until the page is full, it is seen whether the document still counts,
# the row is the user's, and it passes the filters.
_LIVE = f"""
    SELECT d.tier, d.created_at, d.choreography_id FROM d CROSS JOIN LATERAL (
        SELECT FROM saved_choreographies s WHERE {FOLLOWS} AND s.user_id = %(user)s
        AND (%(difficulty)s = '' OR s.difficulty = %(difficulty)s)
        AND NOT EXISTS (SELECT FROM unnest(%(labels)s::bigint[]) AS l (id) WHERE NOT EXISTS (
            SELECT FROM labellings g WHERE g.label_id = l.id AND g.choreography_id = s.id))
        OFFSET 0
    ) AS live
    ORDER BY d.tier, d.created_at DESC, d.choreography_id DESC LIMIT %(most)s
"""  # noqa: S608 - all parts are constants
_COLUMNS = "choreography_id, user_id, title, song, created_at, mark, words"
# In one tier the place of a cursor is a time and an id; among all tiers it is compared in _ALL.
_AFTER = "AND (created_at, choreography_id) < (%(time)s::timestamptz, %(id)s::uuid)"
_MATCH = "words @@ %(match)s::tsquery AND (%(better)s::tsquery IS NULL OR NOT words @@ %(better)s::tsquery)"
_SORTED = "ORDER BY tier, created_at DESC, choreography_id DESC"
_WINDOW = f"""
    WITH d AS NOT MATERIALIZED (
        SELECT {_COLUMNS}, {{tier}} AS tier FROM (
            SELECT {_COLUMNS} FROM title_documents WHERE user_id = %(user)s {{after}}
            ORDER BY created_at DESC, choreography_id DESC LIMIT {WINDOW}
        ) AS newest WHERE {_MATCH} {_SORTED}
    ) {_LIVE}
"""  # noqa: S608 - see above
_INDEX = f"""
    WITH d AS NOT MATERIALIZED (
        SELECT {_COLUMNS}, {{tier}} AS tier FROM (
            SELECT {_COLUMNS} FROM title_documents WHERE words @@ %(index)s::tsquery {{after}} OFFSET 0
        ) AS indexed WHERE {_MATCH} {_SORTED}
    ) {_LIVE}
"""  # noqa: S608 - see above
_ALL = f"""
    WITH d AS NOT MATERIALIZED (
        SELECT * FROM (
            SELECT {_COLUMNS}, {{tier}} AS tier FROM (
                SELECT {_COLUMNS} FROM title_documents WHERE words @@ %(index)s::tsquery
                UNION ALL
                SELECT id, %(user)s, title, song, created_at, NULL, words::tsvector FROM unnest(
                    %(ids)s::uuid[], %(titles)s::text[], %(songs)s::text[], %(times)s::timestamptz[], %(words)s::text[]
                ) AS fresh (id, title, song, created_at, words)
            ) AS every WHERE {_MATCH}
        ) AS tiered
        WHERE %(tier)s::int IS NULL OR tier > %(tier)s
            OR (tier = %(tier)s AND (created_at, choreography_id) < (%(time)s::timestamptz, %(id)s::uuid))
        {_SORTED}
    ) {_LIVE}
"""  # noqa: S608 - see above
