"""The limits for one user. Each is checked and used up under a lock of the user's, so two requests cannot both pass.

What a user has already beyond a limit stays and goes on working; only more of it is refused.
"""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import connection

from apps.authentication.models import User
from apps.jobs import leases
from apps.media.folders import folder_of
from apps.media.storage import media
from config.errors import QueueFullError, QuotaError

MIB = 1024 * 1024
# So much of a user's place is kept free for each video that is not made yet.
VIDEO_BYTES = 64 * MIB
# A place in the queue is free again when a video is made, which takes some seconds.
RETRY_AFTER_S = 30
# The first number of the advisory locks of users; nothing else uses it. The second is the user.
LIMITING = 0x6C696D


def one_at_a_time(user_id: int) -> None:
    """Let other requests of this user that use up a limit wait until this transaction ends.

    Called first in the transaction: a row that is locked before could make two transactions wait for each other.
    """
    with connection.cursor() as cursor:
        # A web server that is stopped in the middle keeps its user waiting no longer than a lease lasts.
        lock = f"SELECT pg_advisory_xact_lock(%s, %s), {leases.SHORT}"
        cursor.execute(lock, [LIMITING, user_id % 2**31, leases.shortest_ms()])


def check_new_task(user: User) -> datetime:
    """Raise QueueFullError or QuotaError unless the user may start one more; call it in the transaction that does.

    Return the time of the database.
    """
    one_at_a_time(user.pk)
    most = settings.USER_WAITING_LIMIT
    used = _used(user)
    waiting = min(used.waiting, most + 1)
    if waiting >= most:
        detail = f"You have {waiting if waiting == most else f'more than {most}'} waiting choreographies"
        raise QueueFullError(
            f"{detail}; at most {most} may wait. Wait until one is made, or cancel one.",
            limit=most,
            retry_after_s=RETRY_AFTER_S,
        )
    _check_bytes(user, VIDEO_BYTES, "A new video", used)
    return used.now


def waiting_left(user: User) -> tuple[int, int]:
    """Return how many tasks of a user may wait, and how many more that are."""
    most = settings.USER_WAITING_LIMIT
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, {"user": user.pk, "most": most})
        (waiting,) = cursor.fetchone()
    return most, most - waiting


def check_new_song(user: User, *, size: int) -> None:
    """Raise QuotaError unless the user may store one more song; call it in the transaction that does."""
    most = settings.USER_SONGS_LIMIT
    songs = user.own_songs.count() + user.songs.count()
    if songs >= most:
        raise QuotaError(
            f"You have added {songs} songs; one user may add {most}. Delete one that you do not need.",
            code="quota-songs",
            limit=most,
        )
    _check_bytes(user, size, "This song", _used(user))


def check_new_choreography(user: User) -> None:
    """Raise QuotaError unless the user may keep one more; call it after ``one_at_a_time``, in its transaction."""
    most = settings.USER_CHOREOGRAPHIES_LIMIT
    kept = user.choreographies.count()
    if kept >= most:
        raise QuotaError(
            f"Your collection has {kept} choreographies; one user may keep {most}. Delete one that you do not need.",
            code="quota-choreographies",
            limit=most,
        )


def check_new_favourite(user: User) -> None:
    """Raise QuotaError unless the user may mark one more; call it in the transaction that does."""
    one_at_a_time(user.pk)
    most = settings.USER_FAVOURITES_LIMIT
    favourites = user.favourites.count()
    if favourites >= most:
        raise QuotaError(
            f"You have {favourites} favourites; one user may have {most}. Take the mark from one that you do not need.",
            code="quota-favourites",
            limit=most,
        )


def check_new_token(user: User) -> None:
    """Raise QuotaError unless the user may have one more token; call it in the transaction that issues it."""
    one_at_a_time(user.pk)
    most = settings.USER_TOKENS_LIMIT
    tokens = user.tokens.count()
    if tokens >= most:
        raise QuotaError(
            f"You have {tokens} tokens, expired ones included; one user may have {most}. Revoke one that you do not"
            " need.",
            code="quota-tokens",
            limit=most,
        )


@dataclass(frozen=True)
class Used:
    """What a user has used up; waiting jobs are not counted further than any limit needs."""

    now: datetime
    waiting: int
    taken: int
    song_bytes: int


# Not further than a limit needs.
_WAITING = """
    SELECT count(*) FROM (
        SELECT FROM jobs WHERE user_id = %(user)s AND outcome IS NULL AND token IS NULL
        ORDER BY created_at, task_id LIMIT %(most)s
    ) AS counted
"""
# A content that several users have brought counts with each of them: it must not show that others have it.
_USED = f"""
    SELECT statement_timestamp(), ({_WAITING}),
        (SELECT count(*) FROM jobs WHERE user_id = %(user)s AND outcome IS NULL AND token IS NOT NULL),
        (SELECT coalesce(sum(size), 0) FROM songs WHERE uploaded_by_id = %(user)s)
        + (SELECT coalesce(sum(r.size), 0) FROM own_songs o JOIN recordings r ON r.sha256 = o.recording_id
           WHERE o.user_id = %(user)s)
"""  # noqa: S608 - what is put in is a constant


def _used(user: User) -> Used:
    most = max(settings.USER_WAITING_LIMIT, settings.USER_STORED_MB * MIB // VIDEO_BYTES) + 1
    with connection.cursor() as cursor:
        cursor.execute(_USED, {"user": user.pk, "most": most})
        now, waiting, taken, song_bytes = cursor.fetchone()
    return Used(now, waiting, taken, int(song_bytes))


def stored_bytes(user: User) -> int:
    """Return how much the user's songs and videos take."""
    return _used(user).song_bytes + _file_bytes(user)


def _file_bytes(user: User) -> int:
    return sum(file.size for file in media().files(folder_of(user.pk)))


def _check_bytes(user: User, more: int, what: str, used: Used) -> None:
    most = settings.USER_STORED_MB * MIB
    # The live jobs come before the files: a job that ends in between is counted twice rather than not at all.
    stored = (used.taken + used.waiting) * VIDEO_BYTES + used.song_bytes + _file_bytes(user)
    if stored + more > most:
        raise QuotaError(
            f"{what} needs up to {_mb(more)} MB. Your songs and videos have {_mb(stored)} MB, those in the making"
            f" included; one user may have {settings.USER_STORED_MB} MB. Delete songs or choreographies that you do not"
            " need.",
            code="quota-storage",
            limit=most,
        )


def _mb(number: int) -> int:
    return -(-number // MIB)
