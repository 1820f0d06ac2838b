"""ON DELETE CASCADE in the database, so that the original can delete its users and choreographies."""

from django.db import migrations

KEYS = [
    ("title_documents", "choreography_id", "saved_choreographies"),
    ("title_documents", "user_id", "users"),
    ("title_words", "user_id", "users"),
]


class Migration(migrations.Migration):
    dependencies = [("titles", "0001_initial")]

    operations = [
        migrations.RunSQL(
            sql=(
                f"ALTER TABLE {table} ADD CONSTRAINT {table}_{column}_fk_{to}"
                f" FOREIGN KEY ({column}) REFERENCES {to} (id)"
                " ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED"
            ),
            reverse_sql=f"ALTER TABLE {table} DROP CONSTRAINT {table}_{column}_fk_{to}",
        )
        for table, column, to in KEYS
    ]
