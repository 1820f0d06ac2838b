"""The original's migrations create production's schema, to the letter."""

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection

from choreography.models import ChoreographyTask
from sandbox.postgres import Database
from tests.catalog import SCHEMA, catalog_facts, differences, stated_facts
from tests.conftest import make_user, save_choreography
from users.models import User


def test_migrations_create_exactly_what_the_document_states(original_database: Database):
    stated = stated_facts(SCHEMA.read_text())

    assert len(stated) > 150
    assert differences(stated, catalog_facts(original_database.url("owner"))) == []


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (
            "DROP INDEX choreograph_user_id_1f71cb_idx",
            [
                "missing: choreography_tasks: | `choreograph_user_id_1f71cb_idx` | INDEX choreograph_user_id_1f71cb_idx"
                " ON choreography_tasks USING btree (user_id, status) |"
            ],
        ),
        (
            "ALTER TABLE saved_choreographies ALTER title TYPE varchar(100)",
            [
                "missing: saved_choreographies: | 2 | `title` | character varying(200) | NOT NULL | — |",
                "not stated: saved_choreographies: | 2 | `title` | character varying(100) | NOT NULL | — |",
            ],
        ),
        (
            "ALTER TABLE choreography_tasks RENAME CONSTRAINT choreography_tasks_user_id_a5f819be_fk_users_id TO owner",
            [
                "missing: choreography_tasks: | `choreography_tasks_user_id_a5f819be_fk_users_id` | foreign key"
                " | FOREIGN KEY (user_id) REFERENCES users(id) DEFERRABLE INITIALLY DEFERRED |",
                "not stated: choreography_tasks: | `owner` | foreign key"
                " | FOREIGN KEY (user_id) REFERENCES users(id) DEFERRABLE INITIALLY DEFERRED |",
            ],
        ),
        (
            "ALTER TABLE users ALTER preferences DROP NOT NULL",
            [
                "missing: users: | 14 | `preferences` | jsonb | NOT NULL | — |",
                "not stated: users: | 14 | `preferences` | jsonb | NULL | — |",
            ],
        ),
        (
            "ALTER TABLE users ADD nickname text",
            ["not stated: users: | 15 | `nickname` | text | NULL | — |"],
        ),
        (
            "ALTER TABLE users ALTER is_staff SET DEFAULT false",
            [
                "missing: users: | 9 | `is_staff` | boolean | NOT NULL | — |",
                "not stated: users: | 9 | `is_staff` | boolean | NOT NULL | false |",
            ],
        ),
        (
            "ALTER TABLE users ALTER id SET GENERATED ALWAYS",
            [
                "missing: users: | 1 | `id` | bigint | NOT NULL | identity by default |",
                "not stated: users: | 1 | `id` | bigint | NOT NULL | identity always |",
            ],
        ),
        (
            "CREATE TABLE likes (n integer)",
            ["not stated: likes: | 1 | `n` | integer | NULL | — |"],
        ),
        (
            "ALTER SEQUENCE users_id_seq AS integer",
            [
                "missing: sequences: `users_id_seq` (bigint)",
                "not stated: sequences: `users_id_seq` (integer)",
            ],
        ),
        (
            "DELETE FROM django_migrations WHERE name = '0003_choreographytask'",
            ["missing: django_migrations after migrate (in order): `choreography.0003_choreographytask`"],
        ),
        (
            "INSERT INTO django_content_type (app_label, model) VALUES ('users', 'dancer')",
            [
                "not stated: django_content_type (id order): users.dancer",
            ],
        ),
    ],
)
def test_the_comparison_finds_a_planted_difference(original_database: Database, damage: str, found: list[str]):
    with psycopg.connect(original_database.url("owner")) as owner:
        owner.execute(damage)

    facts = catalog_facts(original_database.url("owner"))

    assert sorted(differences(stated_facts(SCHEMA.read_text()), facts)) == sorted(found)


@pytest.mark.django_db
def test_the_models_are_what_the_migrations_say():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


@pytest.mark.django_db
def test_the_tests_run_with_the_rights_of_the_application():
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, has_schema_privilege('public', 'CREATE')")
        assert cursor.fetchone() == ("original_app", False)


@pytest.mark.django_db
def test_a_row_without_wishes_gets_the_defaults_of_production():
    user = User.objects.create(username="ana")
    task = ChoreographyTask.objects.create(task_id="not a uuid", user=user)
    saved = save_choreography(user)

    with connection.cursor() as cursor:
        cursor.execute("SELECT first_name, email, display_name, is_instructor, preferences FROM users")
        assert cursor.fetchone() == ("", "", "", False, "{}")
        cursor.execute("SELECT status, progress, stage, message, result, error FROM choreography_tasks")
        began = ("started", 0, "initializing", "Starting choreography generation...", None, None)
        assert cursor.fetchone() == began
        cursor.execute("SELECT thumbnail_path, music_info, generation_parameters FROM saved_choreographies")
        assert cursor.fetchone() == ("", None, None)
    assert (list(user.choreography_tasks.all()), list(user.choreographies.all())) == ([task], [saved])


@pytest.mark.django_db
def test_deleting_a_user_takes_the_tasks_and_choreographies_along():
    user = make_user()
    ChoreographyTask.objects.create(task_id="1", user=user)
    save_choreography(user)

    user.delete()

    assert not ChoreographyTask.objects.exists()
    assert not user.choreographies.model.objects.exists()


@pytest.mark.django_db
def test_every_model_has_the_four_permissions():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT string_agg(codename, ' ' ORDER BY codename), model FROM auth_permission"
            " JOIN django_content_type type ON type.id = content_type_id GROUP BY type.id, model"
        )
        granted = cursor.fetchall()

    assert len(granted) == 8
    for codenames, model in granted:
        assert codenames == f"add_{model} change_{model} delete_{model} view_{model}"
