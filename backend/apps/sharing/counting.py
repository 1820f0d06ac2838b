"""The number of likes: what was counted in ``shares.likes``, and the changes that still wait to be counted.

Each like writes a row of its own into ``like_changes``, by a trigger. If all of them wrote the one number, 200 users at
the same moment would stand in a line before its row, and the last would wait for seconds. The changes are added to the
number a bit later, many at once; until then they are added up when the number is read. So it is always right, and only
the order of the most liked is a few seconds old.
"""

import uuid

from django.db import connection, transaction

from apps.sharing.models import Share

# So many changes may wait before the one who likes counts them; fewer wait for the sweep.
MANY = 50
# So many choreographies are counted in one sweep, so that it ends soon.
COUNTED_AT_ONCE = 1000

# The row is locked, so that no two processes count the same; the sum is taken afterwards, in another statement.
_COUNT = """
    WITH taken AS (DELETE FROM like_changes WHERE choreography_id = %s RETURNING change)
    UPDATE shares SET likes = likes + (SELECT sum(change) FROM taken)
    WHERE choreography_id = %s AND EXISTS (SELECT FROM taken)
"""
_WAITING = "SELECT DISTINCT choreography_id FROM like_changes LIMIT %s"
_FORGET_CHANGES_OF_NOTHING = """
    DELETE FROM like_changes AS change
    WHERE NOT EXISTS (SELECT FROM shares WHERE shares.choreography_id = change.choreography_id)
"""


@transaction.atomic
def count(choreography_id: uuid.UUID) -> None:
    """Add the waiting changes to the number; leave it to another process if one is at it."""
    row = Share.objects.select_for_update(no_key=True, skip_locked=True).filter(pk=choreography_id)
    if row.values("pk").first():
        with connection.cursor() as cursor:
            cursor.execute(_COUNT, [choreography_id, choreography_id])


def sweep() -> None:
    """Count what waits, and forget the changes of choreographies that are gone."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, [COUNTED_AT_ONCE])
        waiting = [key for (key,) in cursor.fetchall()]
    for key in waiting:
        count(key)
    if waiting:
        with connection.cursor() as cursor:
            cursor.execute(_FORGET_CHANGES_OF_NOTHING)
