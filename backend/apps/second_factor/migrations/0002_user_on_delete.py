"""ON DELETE CASCADE in the database, so that the original can delete its users."""

from django.db import migrations

FACTORS = (
    "ALTER TABLE second_factors ADD CONSTRAINT second_factors_user_id_fk_users_id"
    " FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED"
)
CODES = (
    "ALTER TABLE recovery_codes ADD CONSTRAINT recovery_codes_factor_id_fk_second_factors_id"
    " FOREIGN KEY (factor_id) REFERENCES second_factors (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED"
)


class Migration(migrations.Migration):
    dependencies = [("second_factor", "0001_initial")]

    operations = [
        migrations.RunSQL(
            sql=FACTORS, reverse_sql="ALTER TABLE second_factors DROP CONSTRAINT second_factors_user_id_fk_users_id"
        ),
        migrations.RunSQL(
            sql=CODES,
            reverse_sql="ALTER TABLE recovery_codes DROP CONSTRAINT recovery_codes_factor_id_fk_second_factors_id",
        ),
    ]
