"""An event stays when its user is deleted by either system, and no row is changed.

The trigger stops mistakes and injected statements of the backend. The backend's role owns the table, so
the trigger does not stop an attacker who may run any statement as that role.
"""

from django.db import migrations

GUARD = """
CREATE FUNCTION account_events_are_only_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.user_id IS NULL
        AND (to_jsonb(NEW) - 'user_id') = (to_jsonb(OLD) - 'user_id') THEN
        RETURN NEW;  -- its user was deleted
    END IF;
    IF TG_OP = 'DELETE' AND OLD.at < statement_timestamp() - interval '30 days' THEN
        RETURN OLD;  -- its time is over
    END IF;
    RAISE EXCEPTION 'account_events: % refused. Rows are only added, and deleted when they are 30 days old.', TG_OP
        USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER only_added BEFORE UPDATE OR DELETE ON account_events
    FOR EACH ROW EXECUTE FUNCTION account_events_are_only_added();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON account_events
    FOR EACH STATEMENT EXECUTE FUNCTION account_events_are_only_added();
"""


class Migration(migrations.Migration):
    dependencies = [("events", "0001_initial")]

    operations = [
        migrations.RunSQL(
            sql=(
                "ALTER TABLE account_events ADD CONSTRAINT account_events_user_id_fk_users_id"
                " FOREIGN KEY (user_id) REFERENCES users (id)"
                " ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED"
            ),
            reverse_sql="ALTER TABLE account_events DROP CONSTRAINT account_events_user_id_fk_users_id",
        ),
        migrations.RunSQL(
            sql=[GUARD],
            reverse_sql=(
                "DROP TRIGGER only_added ON account_events; DROP TRIGGER never_emptied ON account_events;"
                " DROP FUNCTION account_events_are_only_added()"
            ),
        ),
    ]
