"""Every token ends: by its time, and with the password of its owner.

Older tokens get 90 days, or a year if their owner chose longer, and a mark of the password as it is now. SQL does
not know SECRET_KEY, so theirs is a plain SHA-256: of a salted hash that takes a million rounds, it reveals nothing.
"""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tokens', '0002_personaltoken_user_on_delete'),
    ]

    operations = [
        migrations.AddField(
            model_name='personaltoken',
            name='password_mark',
            field=models.CharField(db_default='', help_text='it ends with the password', max_length=80),
        ),
        migrations.AddField(
            model_name='personaltoken',
            name='refused_at',
            field=models.DateTimeField(blank=True, help_text='when its use after its end was last noted', null=True),
        ),
        migrations.RunSQL(
            sql="""
                UPDATE tokens SET
                    expires_at = least(coalesce(expires_at, statement_timestamp() + interval '90 days'),
                                       statement_timestamp() + interval '365 days'),
                    password_mark = 'sha256:' || encode(sha256(convert_to(users.password, 'UTF8')), 'hex')
                FROM users WHERE users.id = tokens.user_id
            """,
            reverse_sql=migrations.RunSQL.noop,
        ),
    ]
