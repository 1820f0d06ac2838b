"""ON DELETE in the database, so that the original can delete its users.

A user's songs go with the user, and a job's note with the job. A recording that a song has cannot be deleted; one that
only ended jobs had can.
"""

from django.db import migrations

KEYS = [
    ("own_songs", "user_id", "users", "id", "CASCADE"),
    ("own_songs", "recording_id", "recordings", "sha256", "NO ACTION"),
    ("job_songs", "task_id", "jobs", "task_id", "CASCADE"),
    ("job_songs", "recording_id", "recordings", "sha256", "SET NULL"),
]


class Migration(migrations.Migration):
    dependencies = [("songs", "0003_own_songs")]

    operations = [
        migrations.RunSQL(
            sql=(
                f"ALTER TABLE {table} ADD CONSTRAINT {table}_{column}_fk_{to}"
                f" FOREIGN KEY ({column}) REFERENCES {to} ({key})"
                f" ON DELETE {action} DEFERRABLE INITIALLY DEFERRED"
            ),
            reverse_sql=f"ALTER TABLE {table} DROP CONSTRAINT {table}_{column}_fk_{to}",
        )
        for table, column, to, key, action in KEYS
    ]
