"""Migrations match the models, can be shown as SQL without a database, and land in schema backend."""

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import RunPython

from apps.choreography.models import ChoreographyTask

OWN = {
    "choreography",
    "events",
    "jobs",
    "labels",
    "media",
    "open_sessions",
    "procrastinate",
    "removals",
    "second_factor",
    "sharing",
    "songs",
    "titles",
    "tokens",
    "users",
}


def own_migrations():
    loader = MigrationLoader(None)
    plan = loader.graph._generate_plan(loader.graph.leaf_nodes(), at_end=True)
    return [(loader, key) for key in plan if key[0] in OWN]


@pytest.mark.parametrize(
    ("loader", "key"), own_migrations(), ids=lambda value: ".".join(value) if isinstance(value, tuple) else ""
)
def test_migration__is_shown_as_sql_without_a_database(loader, key):
    migration = loader.graph.nodes[key]
    assert not any(isinstance(operation, RunPython) for operation in migration.operations)
    # No database is allowed in this test: no server listens at the address in the settings.
    with connection.schema_editor(collect_sql=True, atomic=False) as editor:
        migration.apply(loader.project_state(key, at_end=False), editor, collect_sql=True)
    assert editor.collected_sql


def test_migrations__one_change_to_a_shared_table_and_it_is_nullable():
    loader = MigrationLoader(None)
    key = ("choreography", "0002_choreographytask_job_execution_name")
    with connection.schema_editor(collect_sql=True, atomic=False) as editor:
        loader.graph.nodes[key].apply(loader.project_state(key, at_end=False), editor, collect_sql=True)
    statements = [line for line in editor.collected_sql if not line.startswith("--")]
    assert statements == ['ALTER TABLE "choreography_tasks" ADD COLUMN "job_execution_name" varchar(500) NULL;']


def test_makemigrations__finds_nothing_to_do(db, capsys):
    call_command("makemigrations", check=True, dry_run=True)
    assert "No changes detected" in capsys.readouterr().out


def test_makemigrations__model_without_its_migration__is_noticed(db, monkeypatch):
    monkeypatch.setattr(ChoreographyTask._meta.get_field("stage"), "max_length", 51)
    with pytest.raises(SystemExit):
        call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_migrate__adopted_database__has_nothing_left_to_do(own_database, capsys):
    call_command("migrate", check_unapplied=True, verbosity=1)
    assert "No migrations to apply" not in capsys.readouterr().err
    call_command("migrate", plan=True)
    assert "No planned migration operations" in capsys.readouterr().out


def test_own_tables__are_in_schema_backend_and_nothing_else_is_in_public(db):
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'backend'")
        own = {name for (name,) in cursor.fetchall()}
        cursor.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        (shared,) = cursor.fetchone()
    assert {"django_migrations", "songs", "procrastinate_jobs"} <= own
    assert shared == 12


def test_songs_foreign_key__sets_null_in_the_database(db):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'songs'::regclass AND contype = 'f'"
        )
        assert cursor.fetchall() == [
            ("FOREIGN KEY (uploaded_by_id) REFERENCES users(id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED",)
        ]


def test_own_songs_foreign_keys__say_in_the_database_what_goes_with_what(db):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE conrelid IN ('own_songs'::regclass, 'job_songs'::regclass) AND contype = 'f' ORDER BY 1"
        )
        found = [line.removesuffix(" DEFERRABLE INITIALLY DEFERRED") for (line,) in cursor.fetchall()]
    assert found == [
        "job_songs FOREIGN KEY (recording_id) REFERENCES recordings(sha256) ON DELETE SET NULL",
        "job_songs FOREIGN KEY (task_id) REFERENCES jobs(task_id) ON DELETE CASCADE",
        "own_songs FOREIGN KEY (recording_id) REFERENCES recordings(sha256)",
        "own_songs FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE",
    ]


def test_file_owners_foreign_key__sets_null_in_the_database(db):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE conrelid = 'file_owners'::regclass AND contype = 'f'"
        )
        assert cursor.fetchall() == [
            ("FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED",)
        ]


def test_jobs_foreign_key__cascades_in_the_database_and_none_is_to_tasks(db):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'jobs'::regclass AND contype = 'f'"
        )
        assert cursor.fetchall() == [
            ("FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED",)
        ]
