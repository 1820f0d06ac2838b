"""Words of a user's titles that are like a mistyped one."""

from collections.abc import Iterable

from django.db import connection

from apps.titles.words import ALIKE, SHORTEST_ALIKE, likeness, trigrams_of

MOST_ALIKE = 8
# Of those that share the most trigrams, so many are compared.
COMPARED = 100
_NEAR = """
    SELECT word FROM title_words w WHERE trigrams && %(trigrams)s
    ORDER BY (SELECT count(*) FROM unnest(trigrams) AS t WHERE t = ANY(%(trigrams)s)) DESC, length(word), word
    LIMIT %(most)s
"""


def alike(user_id: int, word: str, *, also: Iterable[str] = ()) -> list[str]:
    """Return the words like this one, the most alike first; ``also``: words of rows that have no document yet."""
    if len(word) < SHORTEST_ALIKE:
        return []
    near = {other: likeness(word, other) for other in {*_near(user_id, word), *also} - {word}}
    found = sorted((-value, other) for other, value in near.items() if value >= ALIKE)
    return [other for _, other in found[:MOST_ALIKE]]


def _near(user_id: int, word: str) -> list[str]:
    trigrams = [f"{user_id}:{part}" for part in sorted(trigrams_of(word))]
    with connection.cursor() as cursor:
        cursor.execute(_NEAR, {"trigrams": trigrams, "most": COMPARED})
        return [other for (other,) in cursor.fetchall()]
