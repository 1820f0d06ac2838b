"""Words of a user's titles that are like a mistyped one."""

import math
from collections.abc import Iterable

from django.db import connection

from apps.titles.words import ALIKE, SHORTEST_ALIKE, likeness, trigrams_of

MOST_ALIKE = 8
# Of those that share the most trigrams, so many are compared.
COMPARED = 100
_NEAR = """
    SELECT word FROM title_words w WHERE trigrams && %(telling)s
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
    # The beginning, which many words share, comes first.
    runs = [f"{user_id}:{run}" for run in sorted(trigrams_of(word))]
    # A word that is like it has at least ALIKE of its runs, so it has one of these too.
    telling = runs[math.ceil(ALIKE * len(runs)) - 1 :]
    with connection.cursor() as cursor:
        cursor.execute(_NEAR, {"trigrams": runs, "telling": telling, "most": COMPARED})
        return [other for (other,) in cursor.fetchall()]
