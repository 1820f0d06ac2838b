"""ON DELETE CASCADE in the database; and a delivery for each webhook in the transaction that ends a job.

A trigger, so that no way to end a job can forget it, and none waits for a webhook.
"""

from django.db import migrations

WEBHOOKS = (
    "ALTER TABLE webhooks ADD CONSTRAINT webhooks_user_id_fk_users_id"
    " FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED"
)
DELIVERIES = (
    "ALTER TABLE webhook_deliveries ADD CONSTRAINT webhook_deliveries_webhook_id_fk_webhooks_id"
    " FOREIGN KEY (webhook_id) REFERENCES webhooks (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED"
)
ENDED = """
CREATE FUNCTION jobs_that_end_are_told() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO webhook_deliveries (id, webhook_id, event, task_id)
    SELECT gen_random_uuid(), id, 'task.' || NEW.outcome, NEW.task_id
    FROM webhooks
    WHERE user_id = NEW.user_id AND disabled_at IS NULL AND events ? ('task.' || NEW.outcome);
    RETURN NULL;
END
$$;
CREATE TRIGGER told_when_it_ends AFTER UPDATE OF outcome ON jobs
    FOR EACH ROW WHEN (OLD.outcome IS NULL AND NEW.outcome IS NOT NULL)
    EXECUTE FUNCTION jobs_that_end_are_told();
CREATE TRIGGER told_when_it_had_ended AFTER INSERT ON jobs
    FOR EACH ROW WHEN (NEW.outcome IS NOT NULL)
    EXECUTE FUNCTION jobs_that_end_are_told();
"""


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0001_initial"), ("jobs", "0003_turns")]

    operations = [
        migrations.RunSQL(sql=WEBHOOKS, reverse_sql="ALTER TABLE webhooks DROP CONSTRAINT webhooks_user_id_fk_users_id"),
        migrations.RunSQL(
            sql=DELIVERIES,
            reverse_sql=(
                "ALTER TABLE webhook_deliveries DROP CONSTRAINT webhook_deliveries_webhook_id_fk_webhooks_id"
            ),
        ),
        migrations.RunSQL(
            sql=[ENDED],
            reverse_sql=(
                "DROP TRIGGER told_when_it_ends ON jobs; DROP TRIGGER told_when_it_had_ended ON jobs;"
                " DROP FUNCTION jobs_that_end_are_told()"
            ),
        ),
    ]
