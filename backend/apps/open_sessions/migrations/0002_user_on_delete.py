"""ON DELETE CASCADE in the database, so that the original can delete its users."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("open_sessions", "0001_initial")]

    operations = [
        migrations.RunSQL(
            sql=(
                "ALTER TABLE open_sessions ADD CONSTRAINT open_sessions_user_id_fk_users_id"
                " FOREIGN KEY (user_id) REFERENCES users (id)"
                " ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED"
            ),
            reverse_sql="ALTER TABLE open_sessions DROP CONSTRAINT open_sessions_user_id_fk_users_id",
        ),
    ]
