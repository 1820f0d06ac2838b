import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("choreography", "0002_choreographytask_job_execution_name"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Favourite",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("added_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "choreography",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="choreography.savedchoreography",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="favourites",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "favourites",
                "indexes": [models.Index(fields=["user", "id"], name="favourites_of_user_idx")],
                "constraints": [models.UniqueConstraint(fields=("user", "choreography"), name="favourites_once")],
            },
        ),
        migrations.CreateModel(
            name="LikeChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("choreography_id", models.UUIDField(db_index=True)),
                ("change", models.IntegerField()),
            ],
            options={"db_table": "like_changes"},
        ),
        migrations.CreateModel(
            name="Like",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("liked_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "choreography",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="choreography.savedchoreography",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "likes",
                "constraints": [models.UniqueConstraint(fields=("choreography", "user"), name="likes_one_each")],
            },
        ),
        migrations.CreateModel(
            name="Share",
            fields=[
                (
                    "choreography",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="choreography.savedchoreography",
                    ),
                ),
                ("public_since", models.DateTimeField(help_text="set as long as it is public", null=True)),
                ("link_nonce", models.CharField(max_length=64, null=True)),
                ("link_mark", models.CharField(help_text="a keyed hash of the link", max_length=64, null=True)),
                (
                    "shows_name",
                    models.BooleanField(db_default=True, help_text="the owner's display name, beside what is shared"),
                ),
                ("likes", models.IntegerField(db_default=0, help_text="as counted; what waits in like_changes comes on top")),
                (
                    "user",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "shares",
                "indexes": [
                    models.Index(
                        condition=models.Q(("public_since__isnull", False)),
                        fields=["public_since", "choreography"],
                        name="shares_newest_idx",
                    ),
                    models.Index(
                        condition=models.Q(("public_since__isnull", False)),
                        fields=["likes", "choreography"],
                        name="shares_most_liked_idx",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("link_mark",), name="shares_link_uniq"),
                    models.CheckConstraint(condition=models.Q(("likes__gte", 0)), name="shares_likes_check"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("link_mark__isnull", True), ("link_nonce__isnull", True)),
                            models.Q(("link_mark__isnull", False), ("link_nonce__isnull", False)),
                            _connector="OR",
                        ),
                        name="shares_link_check",
                    ),
                ],
            },
        ),
    ]
