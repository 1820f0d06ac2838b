"""ON DELETE CASCADE in the database, for the original deletes choreographies and users; and the count of likes.

Changes are noted by triggers on ``likes``: rows also go with their user, whom the original deletes.
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
CREATE FUNCTION likes_are_noted() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO like_changes (choreography_id, change)
    SELECT choreography_id, CASE TG_OP WHEN 'INSERT' THEN count(*) ELSE -count(*) END
    FROM changed GROUP BY choreography_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER added_are_noted AFTER INSERT ON likes REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION likes_are_noted();
CREATE TRIGGER removed_are_noted AFTER DELETE ON likes REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION likes_are_noted();
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
                "DROP TRIGGER added_are_noted ON likes; DROP TRIGGER removed_are_noted ON likes;"
                " DROP FUNCTION likes_are_noted()"
            ),
        ),
    ]
