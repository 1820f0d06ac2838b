"""Documents follow the shared table, which the original writes too and which tells of no change.

The original changes a title in place (its form, its admin), and a row's owner and song (its admin). No column says
when, and the backend may put no trigger there. So a document names what it was made from, and counts only while that
equals the live row: what a search finds is always true. What a search could miss are rows without such a document:

- a user with at most ``LOOKED_AT`` rows: they are looked for in the same request, and take part in it (``unfollowed``);
- a user with more: the backend's own writes follow at once (``follow``), the original's with the next sweep.

The lists of such a user are read in the order of the documents, too (``apps.collections.keysets``). ``passed_since``
says which rows may have none yet.
"""

import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import connection, transaction

from apps.titles.documents import document_of, spoken
from apps.titles.models import TitlePass
from apps.titles.words import LONGEST_TEXT, VERSION, trigrams_of
from config.clock import database_now

# As many as one user may keep by default; looking through them takes some milliseconds.
LOOKED_AT = 5_000
# Looked through at once, and written at once: what is being written holds up a delete of the original.
SLICE, BATCH = 5_000, 250
SWEEP_S, AT_ONCE_S = 60.0, 3.0
FIRST = uuid.UUID(int=0)
# A row is written in a transaction that begins before; and one that is being changed is left for the next pass.
UNSEEN = timedelta(minutes=5)
# The first number of advisory locks, as in apps.quotas.limits. The second: one sweep; words are written or forgotten.
TITLES = 0x746C65
ONE_SWEEP, WORDS = 0, 1

# What a document is made from. It counts while these are equal.
SONG = f"left(s.music_info ->> 'source', {LONGEST_TEXT})"
_SAME = (
    "s.id = d.choreography_id AND s.user_id = d.user_id AND s.title = d.title AND s.created_at = d.created_at"
    f" AND {SONG} IS NOT DISTINCT FROM d.song"
)
# The same as one number, which an index holds: so a user's documents are compared without being read.
_MARK = (
    f"hashtextextended(s.title, hashtextextended(coalesce({SONG}, chr(1)),"
    f" (date_part('epoch', s.created_at) * 1000000)::bigint + {VERSION}))"
)
# A document that was just made for a search has no mark.
FOLLOWS = f"{_SAME} AND (d.mark IS NULL OR d.mark = {_MARK})"
# First which rows they are: mostly none, and of none the song has to be taken out of its JSON for this.
_ROWS = f"""
    SELECT s.id, s.user_id, s.title, {SONG}, s.created_at FROM saved_choreographies s WHERE s.id = ANY(ARRAY(
        SELECT s.id FROM saved_choreographies s WHERE NOT EXISTS (
            SELECT FROM title_documents d WHERE d.user_id = s.user_id AND d.choreography_id = s.id AND d.mark = {_MARK}
            {{also}}
        ) AND {{where}}
    ))
"""  # noqa: S608 - constants of this module
# Level and length are no words: a search finds the row without them, a list in order does not.
_SORTED_RIGHT = "AND d.difficulty = s.difficulty AND d.duration = s.duration"
# Rows that were changed meanwhile are left for the next time. FOR KEY SHARE: one that is deleted meanwhile must not be
# referred to when this commits. SKIP LOCKED: who waits for no row is part of no deadlock, so it fails no delete of the
# original.
_WRITE = f"""
    INSERT INTO title_documents
        (choreography_id, user_id, title, song, created_at, words, mark, difficulty, duration)
    SELECT s.id, s.user_id, n.title, n.song, n.created_at, n.words::tsvector, {_MARK}, s.difficulty, s.duration
    FROM unnest(%s::uuid[], %s::bigint[], %s::text[], %s::text[], %s::timestamptz[], %s::text[])
        AS n (id, user_id, title, song, created_at, words)
    JOIN saved_choreographies s ON s.id = n.id AND s.user_id = n.user_id AND s.title = n.title
        AND s.created_at = n.created_at AND {SONG} IS NOT DISTINCT FROM n.song
    ORDER BY n.id FOR KEY SHARE OF s SKIP LOCKED
    ON CONFLICT (choreography_id) DO UPDATE SET user_id = excluded.user_id, title = excluded.title,
        song = excluded.song, created_at = excluded.created_at, words = excluded.words, mark = excluded.mark,
        difficulty = excluded.difficulty, duration = excluded.duration
"""  # noqa: S608 - constants of this module
# While words are written none is forgotten.
_USERS = """
    WITH words AS MATERIALIZED (SELECT pg_advisory_xact_lock_shared(%s, %s))
    SELECT u.id FROM users u, words WHERE u.id = ANY(%s) ORDER BY u.id FOR KEY SHARE OF u SKIP LOCKED
"""
_WRITE_WORDS = """
    INSERT INTO title_words (user_id, word, trigrams)
    SELECT n.user_id, n.word, string_to_array(n.trigrams, chr(31))
    FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS n (user_id, word, trigrams)
    ORDER BY n.user_id, n.word ON CONFLICT (user_id, word) DO NOTHING
"""
# A word is cast as a document is: quoted by PostgreSQL.
_FORGET = """
    WITH looked AS MATERIALIZED (SELECT id, user_id, word FROM title_words WHERE id > %s ORDER BY id LIMIT %s),
    forgotten AS (
        DELETE FROM title_words w USING looked l WHERE w.id = l.id AND NOT EXISTS (
            SELECT FROM title_documents d
            WHERE d.words @@ array_to_tsvector(ARRAY[l.user_id || ':' || l.word])::text::tsquery))
    SELECT count(*), coalesce(max(id), 0) FROM looked
"""


@dataclass(frozen=True)
class TitleRow:
    """What the shared table says of one choreography."""

    id: uuid.UUID
    user_id: int
    title: str
    song: str | None
    created_at: datetime

    @property
    def document(self) -> str:
        return document_of(self.user_id, self.title, self.song)

    @property
    def words(self) -> set[str]:
        return spoken(self.title, self.song)


def is_looked_at(user_id: int) -> bool:
    """Return whether the user has so few rows that each search looks at all of them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (SELECT FROM saved_choreographies WHERE user_id = %s LIMIT %s) AS s",
            [user_id, LOOKED_AT + 1],
        )
        return bool(cursor.fetchone()[0] <= LOOKED_AT)


def unfollowed(user_id: int) -> list[TitleRow]:
    """Return the user's rows without a document that counts."""
    return _rows("s.user_id = %s", [user_id], also="")


def passed_since() -> datetime | None:
    """Return the time since which a row may have no document; None if any row may have none."""
    last = TitlePass.objects.first()
    return last.began_at - UNSEEN if last else None


@transaction.atomic
def follow(user_id: int, choreography_id: uuid.UUID) -> None:
    """Write the document of one row that was just written."""
    _write(_rows("s.user_id = %s AND s.id = %s", [user_id, choreography_id]))


@transaction.atomic
def follow_new(row: TitleRow) -> None:
    """Write the document of a row that is as given."""
    _write([row])


def follow_slice(after: uuid.UUID) -> tuple[uuid.UUID | None, bool]:
    """Write the documents that are missing or no longer count, of the next ``SLICE`` rows.

    Return where to go on, and whether all of these have one now.
    """
    last = _last_of_slice(after)
    rows = _rows("s.id > %s AND s.id <= %s", [after, last]) if last else []
    written = 0
    for begin in range(0, len(rows), BATCH):
        with transaction.atomic(), connection.cursor() as cursor:
            # Another process that sweeps at the same time writes these.
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [TITLES, ONE_SWEEP])
            if cursor.fetchone()[0]:
                written += _write(rows[begin : begin + BATCH])
    return last, written == len(rows)


class TitleSweep:
    """Follows all rows once a minute, a few seconds at a time: the first pass may have many to write."""

    def __init__(self) -> None:
        self._due_s, self._word = 0.0, 0
        self._row: uuid.UUID | None = FIRST
        self._began_at, self._all_have_one = datetime.max.replace(tzinfo=UTC), True

    def __call__(self) -> None:
        began_s = time.monotonic()
        if began_s < self._due_s:
            return
        if self._row == FIRST:
            self._began_at, self._all_have_one = database_now(), True
        while self._row and time.monotonic() < began_s + AT_ONCE_S:
            self._row, have_one = follow_slice(self._row)
            self._all_have_one &= have_one
        if self._row is None:
            if self._all_have_one:
                _note_pass(self._began_at)
            self._word = forget_words(after=self._word)
            self._due_s, self._row = time.monotonic() + SWEEP_S, FIRST


sweep = TitleSweep()


def _note_pass(began_at: datetime) -> None:
    TitlePass.objects.update_or_create(pk=1, defaults={"began_at": began_at})


def forget_words(*, after: int, at_most: int = 500) -> int:
    """Forget words that no title of their owner has any more, of the next so many; return where to go on."""
    with transaction.atomic(), connection.cursor() as cursor:
        # While no document is being written: a word that comes into use meanwhile would not be seen.
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [TITLES, WORDS])
        if not cursor.fetchone()[0]:
            return after
        cursor.execute(_FORGET, [after, at_most])
        seen, last = cursor.fetchone()
    return last if seen == at_most else 0


def _rows(where: str, values: list[int | uuid.UUID], *, also: str = _SORTED_RIGHT) -> list[TitleRow]:
    """Return rows without a document that counts; ``also``: what else must be as in the row."""
    with connection.cursor() as cursor:
        cursor.execute(_ROWS.format(also=also, where=where), values)
        return [TitleRow(*row) for row in cursor.fetchall()]


def _write(rows: list[TitleRow]) -> int:
    """Write their documents; return how many were written."""
    with connection.cursor() as cursor:
        cursor.execute(_USERS, [TITLES, WORDS, sorted({row.user_id for row in rows})])
        users = {user_id for (user_id,) in cursor.fetchall()}
        written = [row for row in rows if row.user_id in users]
        if not written:
            return 0
        columns = [(row.id, row.user_id, row.title, row.song, row.created_at, row.document) for row in written]
        cursor.execute(_WRITE, [list(column) for column in zip(*columns, strict=True)])
        number: int = cursor.rowcount
        words = sorted({(row.user_id, word) for row in written for word in row.words})
        if words:
            cursor.execute(_WRITE_WORDS, [list(column) for column in zip(*map(_word_row, words), strict=True)])
    return number


def _word_row(owned: tuple[int, str]) -> tuple[int, str, str]:
    user_id, word = owned
    # A trigram has no character 31, which would end it here.
    return user_id, word, "\x1f".join(f"{user_id}:{part}" for part in sorted(trigrams_of(word)))


def _last_of_slice(after: uuid.UUID) -> uuid.UUID | None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT max(id::text)::uuid FROM"
            " (SELECT id FROM saved_choreographies WHERE id > %s ORDER BY id LIMIT %s) AS slice",
            [after, SLICE],
        )
        last: uuid.UUID | None = cursor.fetchone()[0]
        return last
