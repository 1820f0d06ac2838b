"""Search a collection by words: the best first, and of equals the newest.

How well a choreography matches, as its place in ``Tier``: the title is what was typed; all words are in it; its words
begin with what was typed. Only where nothing matches, words that are like the typed ones are looked for, of each the most
alike first.

A user with few rows has all of them looked at in one statement, rows without a document included. For the others each
tier is asked for by itself: first among the newest, where a common word soon fills a page; then in the index, where a
rare word has few postings. Either way a page costs the same wherever it is.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Any

from django.db import connection

from apps.titles.alike import alike
from apps.titles.documents import beginnings, either, every, whole
from apps.titles.following import FOLLOWS, TitleRow, is_looked_at, unfollowed
from apps.titles.words import words_of

# So many of the newest are looked through for a page before the index is asked.
NEWEST = 2_000


class Tier(IntEnum):
    """How well a choreography matches; smaller is better."""

    WHOLE = 1
    WORDS = 2
    BEGINNINGS = 3
    MOST_ALIKE = 4
    ALIKE = 5


@dataclass(frozen=True)
class Place:
    """A place in the order of what was found."""

    tier: Tier
    created_at: datetime
    id: uuid.UUID


@dataclass(frozen=True)
class Asked:
    """What is searched for, and which choreographies count at all."""

    user_id: int
    text: str
    difficulty: str = ""
    label_ids: tuple[int, ...] = field(default=())


def found(asked: Asked, *, after: Place | None, at_most: int) -> list[Place]:
    """Return what was found after a place, in order."""
    words = words_of(asked.text)
    if not words:
        return []
    fresh = unfollowed(asked.user_id) if is_looked_at(asked.user_id) else None
    if after is None or after.tier < Tier.MOST_ALIKE:
        typed = _typed(asked, words)
        places = _places(asked, typed, fresh, after, at_most)
        if places or after is not None:
            return places
    return _places(asked, _alike(asked, words, fresh or []), fresh, after, at_most)


def _typed(asked: Asked, words: list[str]) -> dict[Tier, str]:
    """Return the question of each tier; what a tier finds, the next one finds too."""
    return {
        Tier.WHOLE: whole(asked.user_id, asked.text),
        Tier.WORDS: every(asked.user_id, words),
        Tier.BEGINNINGS: beginnings(asked.user_id, words),
    }


def _alike(asked: Asked, words: list[str], fresh: list[TitleRow]) -> dict[Tier, str]:
    also = {word for row in fresh for word in row.words}
    choices = {word: [word, *alike(asked.user_id, word, also=also)] for word in dict.fromkeys(words)}
    if all(len(choice) == 1 for choice in choices.values()):
        return {}
    return {
        Tier.MOST_ALIKE: either(asked.user_id, [choice[:2] for choice in choices.values()]),
        Tier.ALIKE: either(asked.user_id, list(choices.values())),
    }


def _places(
    asked: Asked, questions: dict[Tier, str], fresh: list[TitleRow] | None, after: Place | None, at_most: int
) -> list[Place]:
    if not questions:
        return []
    if fresh is not None:
        return _among_all(asked, questions, fresh, after, at_most)
    places: list[Place] = []
    tiers = [tier for tier in questions if after is None or tier >= after.tier]
    for tier in tiers:
        begin = after if after and after.tier is tier else None
        places += _of_tier(asked, questions, tier, begin, at_most - len(places))
        if len(places) >= at_most:
            break
    return places


# Both statements end like this: the document counts, the row is the user's, and it passes the filters.
_LIVE = f"""
    JOIN saved_choreographies s ON {FOLLOWS}
    WHERE s.user_id = %(user)s AND d.words @@ %(question)s::tsquery
    AND (%(better)s::tsquery IS NULL OR NOT d.words @@ %(better)s::tsquery)
    AND (%(difficulty)s = '' OR s.difficulty = %(difficulty)s)
    AND NOT EXISTS (SELECT FROM unnest(%(labels)s::bigint[]) AS l (id) WHERE NOT EXISTS (
        SELECT FROM labellings g WHERE g.label_id = l.id AND g.choreography_id = s.id))
"""  # noqa: S608 - all parts are constants of this module
_ALL = f"""
    WITH d AS (
        SELECT choreography_id, user_id, title, song, created_at, words FROM title_documents WHERE user_id = %(user)s
        UNION ALL
        SELECT id, %(user)s, title, song, created_at, words::tsvector
        FROM unnest(%(ids)s::uuid[], %(titles)s::text[], %(songs)s::text[], %(times)s::timestamptz[], %(words)s::text[])
            AS fresh (id, title, song, created_at, words)
    ), found AS (
        SELECT CASE {{tiers}} END AS tier, s.created_at, s.id FROM d {_LIVE}
    )
    SELECT tier, created_at, id FROM found
    WHERE %(tier)s::int IS NULL OR tier > %(tier)s
        OR (tier = %(tier)s AND (created_at, id) < (%(time)s::timestamptz, %(id)s::uuid))
    ORDER BY tier, created_at DESC, id DESC LIMIT %(most)s
"""  # noqa: S608 - see above
# The order (created_at, id), both downwards, is that of the index title_documents_newest_idx.
_TIER = f"""
    WITH d AS {{documents}}, found AS MATERIALIZED (SELECT s.created_at, s.id FROM d {_LIVE})
    SELECT created_at, id FROM found ORDER BY created_at DESC, id DESC LIMIT %(most)s
"""  # noqa: S608 - see above
_AFTER = (
    "(%(time)s::timestamptz IS NULL OR (created_at <= %(time)s AND"
    " (created_at, choreography_id) < (%(time)s, %(id)s::uuid)))"
)
_NEWEST = f"""(
    SELECT * FROM title_documents WHERE user_id = %(user)s AND {_AFTER}
    ORDER BY created_at DESC, choreography_id DESC LIMIT {NEWEST}
)"""  # noqa: S608 - see above
_INDEX = f"MATERIALIZED (SELECT * FROM title_documents WHERE words @@ %(question)s::tsquery AND {_AFTER})"  # noqa: S608


def _among_all(
    asked: Asked, questions: dict[Tier, str], fresh: list[TitleRow], after: Place | None, at_most: int
) -> list[Place]:
    names = {tier: f"question_{tier.value}" for tier in questions}
    tiers = " ".join(f"WHEN d.words @@ %({name})s::tsquery THEN {tier.value}" for tier, name in names.items())
    values = _values(asked, after) | {
        "question": questions[max(questions)],
        "better": None,
        "ids": [row.id for row in fresh],
        "titles": [row.title for row in fresh],
        "songs": [row.song for row in fresh],
        "times": [row.created_at for row in fresh],
        "words": [row.document for row in fresh],
        "tier": after.tier if after else None,
        "most": at_most,
    }
    values |= {name: questions[tier] for tier, name in names.items()}
    return [Place(Tier(tier), *rest) for tier, *rest in _rows(_ALL.format(tiers=tiers), values)]


def _of_tier(asked: Asked, questions: dict[Tier, str], tier: Tier, after: Place | None, at_most: int) -> list[Place]:
    better = questions.get(Tier(tier - 1)) if tier > Tier.WHOLE else None
    values = _values(asked, after) | {"question": questions[tier], "better": better, "most": at_most}
    rows: list[Any] = []
    for documents in _sources(tier):
        rows = list(_rows(_TIER.format(documents=documents), values))
        if len(rows) >= at_most:
            break
    return [Place(tier, *row) for row in rows]


def _sources(tier: Tier) -> list[str]:
    """Return where to look: few titles are the same as a whole, so the index alone will do."""
    return [_INDEX] if tier is Tier.WHOLE else [_NEWEST, _INDEX]


def _values(asked: Asked, after: Place | None) -> dict[str, Any]:
    return {
        "user": asked.user_id,
        "difficulty": asked.difficulty,
        "labels": list(asked.label_ids),
        "time": after.created_at if after else None,
        "id": after.id if after else None,
    }


def _rows(statement: str, values: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        yield from cursor.fetchall()
