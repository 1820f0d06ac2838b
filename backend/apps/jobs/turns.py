"""Users take turns: each turn is one job, then its user goes to the end of the line (table ``turns``).

Who has a job in the making comes after those who have none, and goes to the end once more when it is made: who joins
meanwhile is next. A user is in the line from the first job that waits until a worker finds that none waits any more.
A turn changes one row and reads by an index, however many jobs wait.
"""

from collections.abc import Collection
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef

from apps.jobs import leases
from apps.jobs.models import Job, Turn

# A place further behind is not counted out: the work to tell a place must not grow with the queue.
FURTHEST = 100

# DO UPDATE and not DO NOTHING: it waits for a worker that is removing the user, and then adds the user again.
_JOIN = "INSERT INTO turns (user_id) VALUES (%s) ON CONFLICT (user_id) DO UPDATE SET user_id = excluded.user_id"
_JOIN_ALL = """
    INSERT INTO turns (user_id)
    SELECT user_id FROM jobs WHERE outcome IS NULL AND token IS NULL GROUP BY user_id ORDER BY min(created_at)
    ON CONFLICT (user_id) DO NOTHING
"""
_TO_THE_END = "UPDATE turns SET id = DEFAULT WHERE user_id = %s"
# Before the user's job number n go n - 1 of the user's own, every job that runs, and up to n of each other user:
# n of those who are before this user in the line, n - 1 of those behind.
_PLACES = """
    WITH running AS MATERIALIZED (
        SELECT user_id FROM jobs WHERE outcome IS NULL AND token IS NOT NULL
    ), mine AS (
        SELECT task_id, row_number() OVER (ORDER BY created_at, task_id) AS nth
        FROM jobs WHERE user_id = %(user_id)s AND outcome IS NULL AND token IS NULL
        ORDER BY created_at, task_id LIMIT %(furthest)s + 1
    ), asked AS MATERIALIZED (
        SELECT * FROM mine WHERE %(asked)s::text[] IS NULL OR task_id = ANY(%(asked)s::text[])
    ), others AS MATERIALIZED (
        SELECT waiting.number, (line.user_id IN (SELECT user_id FROM running), line.id) > (
            SELECT %(user_id)s IN (SELECT user_id FROM running), id FROM turns WHERE user_id = %(user_id)s
        ) IS TRUE AS is_behind
        FROM turns AS line CROSS JOIN LATERAL (
            SELECT count(*) AS number FROM (
                SELECT FROM jobs WHERE user_id = line.user_id AND outcome IS NULL AND token IS NULL
                ORDER BY created_at, task_id LIMIT coalesce((SELECT max(nth) FROM asked), 0)
            ) AS counted
        ) AS waiting
        WHERE line.user_id <> %(user_id)s ORDER BY line.id LIMIT %(furthest)s + 1
    )
    SELECT task_id, nth - 1
        + (SELECT count(*) FROM running)
        + (SELECT coalesce(sum(least(number, nth - is_behind::int)), 0) FROM others)
    FROM asked
"""


def join(user_id: int) -> None:
    """Put a user at the end of the line; one who is in it keeps the place."""
    with connection.cursor() as cursor:
        cursor.execute(_JOIN, [user_id])


def join_all() -> None:
    """Put every user in the line whose job waits. Finds nothing to do, except after an update from an older version."""
    with connection.cursor() as cursor:
        cursor.execute(_JOIN_ALL)


def next_waiting(*, apart_from: Collection[int], running: Collection[int]) -> Job | None:
    """Return the oldest waiting job of the user whose turn it is; call it in a transaction, one worker at a time.

    ``running`` are the users who come after the others, ``apart_from`` those of them who do not come at all. Users who
    wait for nothing any more leave the line. A user is passed over who is starting a job in this moment: if that web
    server stops in the middle, the others go on.
    """
    return _first_waiting(apart_from=running) or (running and _first_waiting(apart_from=apart_from)) or None


def _first_waiting(*, apart_from: Collection[int]) -> Job | None:
    line = Turn.objects.order_by("pk").exclude(user_id__in=apart_from)
    # The line is locked and then the jobs are read: a job that was just added is seen.
    while first := line.select_for_update(skip_locked=True).first():
        job = leases.waiting().filter(user_id=first.user_id).first()
        if job is not None:
            return job
        first.delete()
    return None


def end_turn(user_id: int) -> None:
    """Put the user at the end of the line."""
    with connection.cursor() as cursor:
        cursor.execute(_TO_THE_END, [user_id])


def has_waiting(*, apart_from: Collection[int]) -> bool:
    """Return whether a job of other users waits."""
    waits = Exists(leases.waiting().filter(user_id=OuterRef("user_id")))
    return Turn.objects.exclude(user_id__in=apart_from).filter(waits).exists()


def places(user_id: int, asked: Collection[str] | None = None) -> dict[str, int]:
    """Return how many jobs go before each waiting job of a user, or before these of them, if no more are added.

    A number above FURTHEST means more than that many; jobs further behind are left out.
    """
    with connection.cursor() as cursor:
        parameters: Any = {"user_id": user_id, "asked": None if asked is None else list(asked), "furthest": FURTHEST}
        cursor.execute(_PLACES, parameters)
        return {task_id: int(ahead) for task_id, ahead in cursor.fetchall()}
