"""The models are what the strategy says, field by field."""

import uuid

import pytest
from django.apps import apps
from django.conf import settings
from django.db import models
from django.utils import timezone

from apps.authentication.models import User
from apps.choreography.models import ChoreographyTask, TaskIdField, TaskOfPhase1, TaskOfPhase2
from apps.collections.models import SavedChoreography

NO_DEFAULT = models.NOT_PROVIDED
STATUSES = ["started", "running", "completed", "failed"]
STATUSES_OF_PHASE_2 = ["pending", "processing", "completed", "failed"]
LEVELS = ["beginner", "intermediate", "advanced"]

FIELDS = [
    # model, field, type, max_length, null, default, indexed or unique, choices
    (TaskOfPhase1, "task_id", models.CharField, 36, False, NO_DEFAULT, True, None),
    (TaskOfPhase1, "status", models.CharField, 20, False, "started", True, STATUSES),
    (TaskOfPhase1, "progress", models.IntegerField, None, False, 0, False, None),
    (TaskOfPhase1, "stage", models.CharField, 50, False, "initializing", False, None),
    (TaskOfPhase1, "message", models.TextField, None, False, "Starting choreography generation...", False, None),
    (TaskOfPhase1, "result", models.JSONField, None, True, NO_DEFAULT, False, None),
    (TaskOfPhase1, "error", models.TextField, None, True, NO_DEFAULT, False, None),
    (TaskOfPhase1, "created_at", models.DateTimeField, None, False, NO_DEFAULT, True, None),
    (TaskOfPhase1, "updated_at", models.DateTimeField, None, False, NO_DEFAULT, False, None),
    (TaskOfPhase1, "user", models.ForeignKey, None, False, NO_DEFAULT, True, None),
    (TaskOfPhase1, "job_execution_name", models.CharField, 500, True, NO_DEFAULT, False, None),
    (TaskOfPhase2, "task_id", TaskIdField, 32, False, NO_DEFAULT, True, None),
    (TaskOfPhase2, "status", models.CharField, 20, False, "pending", False, STATUSES_OF_PHASE_2),
    (TaskOfPhase2, "progress", models.IntegerField, None, False, 0, False, None),
    (TaskOfPhase2, "stage", models.CharField, 50, False, "initializing", False, None),
    (TaskOfPhase2, "message", models.TextField, None, False, "Starting choreography generation...", False, None),
    (TaskOfPhase2, "result", models.JSONField, None, True, NO_DEFAULT, False, None),
    (TaskOfPhase2, "error", models.TextField, None, True, NO_DEFAULT, False, None),
    (TaskOfPhase2, "created_at", models.DateTimeField, None, False, NO_DEFAULT, False, None),
    (TaskOfPhase2, "updated_at", models.DateTimeField, None, False, NO_DEFAULT, False, None),
    (TaskOfPhase2, "user", models.ForeignKey, None, False, NO_DEFAULT, False, None),
    (TaskOfPhase2, "job_execution_name", models.CharField, 500, True, NO_DEFAULT, False, None),
    (SavedChoreography, "id", models.UUIDField, 32, False, uuid.uuid4, True, None),
    (SavedChoreography, "title", models.CharField, 200, False, NO_DEFAULT, False, None),
    (SavedChoreography, "video_path", models.FileField, 500, False, NO_DEFAULT, False, None),
    (SavedChoreography, "thumbnail_path", models.ImageField, 500, True, NO_DEFAULT, False, None),
    (SavedChoreography, "difficulty", models.CharField, 20, False, NO_DEFAULT, True, LEVELS),
    (SavedChoreography, "duration", models.FloatField, None, False, NO_DEFAULT, False, None),
    (SavedChoreography, "music_info", models.JSONField, None, True, NO_DEFAULT, False, None),
    (SavedChoreography, "generation_parameters", models.JSONField, None, True, NO_DEFAULT, False, None),
    (SavedChoreography, "created_at", models.DateTimeField, None, False, NO_DEFAULT, True, None),
    (SavedChoreography, "user", models.ForeignKey, None, False, NO_DEFAULT, True, None),
    (User, "id", models.BigAutoField, None, False, NO_DEFAULT, True, None),
    (User, "password", models.CharField, 128, False, NO_DEFAULT, False, None),
    (User, "last_login", models.DateTimeField, None, True, NO_DEFAULT, False, None),
    (User, "is_superuser", models.BooleanField, None, False, False, False, None),
    (User, "username", models.CharField, 150, False, NO_DEFAULT, True, None),
    (User, "first_name", models.CharField, 150, False, NO_DEFAULT, False, None),
    (User, "last_name", models.CharField, 150, False, NO_DEFAULT, False, None),
    (User, "email", models.EmailField, 254, False, NO_DEFAULT, False, None),
    (User, "is_staff", models.BooleanField, None, False, False, False, None),
    (User, "is_active", models.BooleanField, None, False, True, False, None),
    (User, "date_joined", models.DateTimeField, None, False, timezone.now, False, None),
    (User, "display_name", models.CharField, 200, False, "", False, None),
    (User, "is_instructor", models.BooleanField, None, False, False, False, None),
    (User, "preferences", models.JSONField, None, False, dict, False, None),
]


@pytest.mark.parametrize(
    ("model", "name", "kind", "max_length", "null", "default", "indexed", "choices"),
    FIELDS,
    ids=[f"{row[0].__name__}.{row[1]}" for row in FIELDS],
)
def test_field__is_as_the_strategy_says(model, name, kind, max_length, null, default, indexed, choices):
    field = model._meta.get_field(name)
    assert type(field) is kind
    assert field.max_length == max_length
    assert field.null is null
    assert field.default == default
    assert bool(field.db_index or field.unique) is indexed
    assert ([value for value, _ in field.choices] if field.choices else None) == choices


@pytest.mark.parametrize("model", [TaskOfPhase1, TaskOfPhase2, SavedChoreography, User])
def test_model__has_no_other_field(model):
    listed = {row[1] for row in FIELDS if row[0] is model}
    assert {field.name for field in model._meta.concrete_fields} == listed


@pytest.mark.parametrize(
    ("model", "label", "table", "key", "ordering"),
    [
        (ChoreographyTask, "choreography.ChoreographyTask", "choreography_tasks", "task_id", ["-created_at"]),
        (SavedChoreography, "choreography.SavedChoreography", "saved_choreographies", "id", ["-created_at"]),
        (User, "users.User", "users", "id", []),
    ],
)
def test_model__has_the_originals_label_table_and_key(model, label, table, key, ordering):
    assert (model._meta.label, model._meta.db_table, model._meta.pk.name) == (label, table, key)
    assert list(model._meta.ordering) == ordering


@pytest.mark.parametrize(
    ("model", "related_name"), [(ChoreographyTask, "choreography_tasks"), (SavedChoreography, "choreographies")]
)
def test_foreign_key__has_the_originals_related_name_and_cascades(model, related_name):
    field = model._meta.get_field("user")
    assert field.remote_field.related_name == related_name
    assert field.remote_field.on_delete is models.CASCADE
    assert field.related_model is User


def test_indexes__have_the_originals_names():
    indexes = {index.name: index.fields for index in TaskOfPhase1._meta.indexes}
    assert indexes == {
        "choreograph_user_id_1f71cb_idx": ["user", "status"],
        "choreograph_created_1c4810_idx": ["created_at"],
    }


def test_timestamps__are_written_by_django():
    fields = {f"{m.__name__}.{f.name}": f for m in (ChoreographyTask, SavedChoreography) for f in m._meta.fields}
    assert fields["ChoreographyTask.created_at"].auto_now_add
    assert fields["ChoreographyTask.updated_at"].auto_now
    assert fields["SavedChoreography.created_at"].auto_now_add


def test_uploads__go_where_the_original_puts_them():
    assert SavedChoreography._meta.get_field("video_path").upload_to == "choreographies/%Y/%m/"
    assert SavedChoreography._meta.get_field("thumbnail_path").upload_to == "thumbnails/%Y/%m/"


def test_many_to_many__uses_the_originals_tables():
    tables = {field.name: field.remote_field.through._meta.db_table for field in User._meta.many_to_many}
    assert tables == {"groups": "users_groups", "user_permissions": "users_user_permissions"}


def test_app_labels__equal_the_originals():
    labels = {config.name: config.label for config in apps.get_app_configs() if config.name.startswith("apps.")}
    assert labels == {
        "apps.authentication": "users",
        "apps.choreography": "choreography",
        "apps.collections": "collections",
        "apps.events": "events",
        "apps.open_sessions": "open_sessions",
        "apps.second_factor": "second_factor",
        "apps.sharing": "sharing",
        "apps.generation": "generation",
        "apps.jobs": "jobs",
        "apps.labels": "labels",
        "apps.removals": "removals",
        "apps.logins": "logins",
        "apps.media": "media",
        "apps.songs": "songs",
        "apps.titles": "titles",
        "apps.tokens": "tokens",
        "apps.webhooks": "webhooks",
    }


def test_sessions__are_interchangeable_with_the_originals():
    assert settings.AUTH_USER_MODEL == "users.User"
    assert settings.AUTHENTICATION_BACKENDS == ("django.contrib.auth.backends.ModelBackend",)
    assert settings.SESSION_ENGINE == "django.contrib.sessions.backends.db"
    assert settings.SESSION_COOKIE_NAME == "sessionid"
    assert settings.SESSION_SERIALIZER == "django.contrib.sessions.serializers.JSONSerializer"
    assert settings.PASSWORD_HASHERS[0] == "django.contrib.auth.hashers.PBKDF2PasswordHasher"
    assert (settings.USE_TZ, settings.TIME_ZONE) == (True, "UTC")
