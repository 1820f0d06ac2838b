"""ON DELETE SET NULL in the database, so that the original can delete its users.

The original does not know this table, so its own cascade, which lives in Python, would leave a row
that points at a deleted user, and the database would refuse the delete. Django 5.2 cannot say ON DELETE.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("media", "0001_initial")]

    operations = [
        migrations.RunSQL(
            sql=(
                "ALTER TABLE file_owners ADD CONSTRAINT file_owners_user_id_fk_users_id"
                " FOREIGN KEY (user_id) REFERENCES users (id)"
                " ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED"
            ),
            reverse_sql="ALTER TABLE file_owners DROP CONSTRAINT file_owners_user_id_fk_users_id",
        ),
    ]
