"""ON DELETE CASCADE in the database, for the original deletes choreographies and users; and the count of likes.

The count is kept by triggers on ``likes``: rows also go with their user, whom the original deletes. A trigger locks
rows of ``shares`` in the order of their keys, so that two users who are deleted at once do not wait for each other there.
"""

from django.db import migrations


def _foreign_key(table: str, column: str, to: str) -> migrations.RunSQL:
    name = f"{table}_{column}_fk_{to}"
    return migrations.RunSQL(
        sql=(
            f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY ({column}) REFERENCES {to} (id)"
            " ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED"
        ),
        reverse_sql=f"ALTER TABLE {table} DROP CONSTRAINT {name}",
    )


# The path of this migration: the original's sessions, whose path is another, fire the trigger too.
COUNT = """
CREATE FUNCTION likes_are_counted() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM FROM shares WHERE choreography_id IN (SELECT choreography_id FROM changed)
    ORDER BY choreography_id FOR NO KEY UPDATE;
    UPDATE shares SET likes = shares.likes + CASE TG_OP WHEN 'INSERT' THEN counted.number ELSE -counted.number END
    FROM (SELECT choreography_id, count(*) AS number FROM changed GROUP BY choreography_id) AS counted
    WHERE shares.choreography_id = counted.choreography_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER added_are_counted AFTER INSERT ON likes REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION likes_are_counted();
CREATE TRIGGER removed_are_counted AFTER DELETE ON likes REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION likes_are_counted();
"""


class Migration(migrations.Migration):
    dependencies = [("sharing", "0001_initial")]

    operations = [
        _foreign_key("likes", "choreography_id", "saved_choreographies"),
        _foreign_key("likes", "user_id", "users"),
        _foreign_key("favourites", "choreography_id", "saved_choreographies"),
        _foreign_key("favourites", "user_id", "users"),
        _foreign_key("shares", "choreography_id", "saved_choreographies"),
        _foreign_key("shares", "user_id", "users"),
        migrations.RunSQL(
            sql=[COUNT],
            reverse_sql=(
                "DROP TRIGGER added_are_counted ON likes; DROP TRIGGER removed_are_counted ON likes;"
                " DROP FUNCTION likes_are_counted()"
            ),
        ),
    ]
