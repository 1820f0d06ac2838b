from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="FailedLogins",
            fields=[
                ("who", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("failures", models.IntegerField()),
                ("ends_at", models.DateTimeField(db_index=True, help_text="when they are forgotten")),
            ],
            options={"db_table": "failed_logins"},
        ),
    ]
