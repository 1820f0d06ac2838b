"""The trigger of likes writes as its owner.

A deleted user takes likes along, also where the original deletes, whose role may not use this schema. Before
PostgreSQL 18 the trigger ran as that role, so the delete failed.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("sharing", "0002_on_delete_and_counting")]

    operations = [
        migrations.RunSQL(
            sql="ALTER FUNCTION likes_are_noted() SECURITY DEFINER SET search_path = backend, pg_temp",
            reverse_sql="ALTER FUNCTION likes_are_noted() SECURITY INVOKER SET search_path = backend, public",
        ),
    ]
