"""Migrations that cannot be SQL ask the database or run Python, in the backend's own interpreter as its role."""

import subprocess

import psycopg
import pytest

from handover_testing.newcomer import (
    BIGGER,
    CREATE_SONG,
    CREATE_TASK,
    FILL,
    KEY,
    RUN,
    SMALL_SONG,
    SONG,
    TASKS,
    App,
    create,
    own,
    task,
)
from sandbox.postgres.account import Account
from sandbox.postgres.binaries import programs


@pytest.mark.full
def test_migration_that_asks_the_database__is_named_and_run(it):
    it.write(tasks=TASKS, own=own(SMALL_SONG, BIGGER))
    dry = it.adopt()
    assert dry.returncode == 0, dry.stderr
    line = next(line for line in dry.stdout.splitlines() if "own.0002_step" in line)
    assert f"by the backend's interpreter, as {it.role}: AlterField song.id asks the database" in line
    assert "(own/migrations/0002_step.py) (no SQL)" in line
    with it.without_a_trace():
        it.apply()
        kinds = it.sql(
            "SELECT data_type FROM information_schema.columns WHERE table_name = 'songs' AND column_name = 'id'"
        )
        assert kinds == [("bigint",)]
        assert it.sql("SELECT tableowner FROM pg_tables WHERE tablename = 'songs'") == [(it.role,)]
        said = it.python_says(
            "from django.core.management import call_command as c; c('migrate', check=True, verbosity=0);"
            " from own.models import Song; print(Song.objects.create(name='x').pk)"
        )
        assert said.strip() == "1"
        assert it.undo().returncode == 0


INTROSPECT = {
    "unique is taken off": (
        create("Song", KEY, '("name", models.CharField(max_length=9, unique=True))', db_table="songs"),
        'migrations.AlterField("song", "name", models.CharField(max_length=9))',
    ),
    "uniqueness together is taken off": (
        create(
            "Song",
            KEY,
            '("name", models.CharField(max_length=9))',
            '("n", models.IntegerField(null=True))',
            db_table="songs",
            unique_together={("name", "n")},
        ),
        ('migrations.AlterUniqueTogether("song", set())', 'migrations.RemoveField("song", "n")'),
    ),
    "a renamed model that others point at": (
        (
            create("Tune", KEY, '("name", models.CharField(max_length=9))'),
            create("Part", KEY, '("tune", models.ForeignKey("own.Tune", on_delete=models.CASCADE))'),
        ),
        (
            'migrations.RenameModel("Tune", "Song")',
            'migrations.AlterModelTable("song", "songs")',
            'migrations.DeleteModel("Part")',
        ),
    ),
    "an index built concurrently": (
        CREATE_SONG,
        "concurrently.AddIndexConcurrently('song', models.Index(fields=['name'], name='by_name'))",
    ),
}


@pytest.mark.thinned(to_one_in=2)
@pytest.mark.parametrize("what", INTROSPECT)
def test_migration_of_every_kind_that_asks__is_run(it, what):
    first, second = INTROSPECT[what]
    concurrently = "concurrently" in second
    head = "from django.contrib.postgres import operations as concurrently" if concurrently else ""
    models = SONG + "        indexes = [models.Index(fields=['name'], name='by_name')]\n" if concurrently else SONG
    it.write(tasks=TASKS, own=own(first, second, head=head, models=models, atomic=not concurrently))
    with it.without_a_trace():
        it.apply()
        assert it.python_says("from own.models import Song; print(Song.objects.create(name='x').name)").strip() == "x"
        assert it.undo().returncode == 0


def test_migration_with_code__is_run_as_the_role_in_its_schema(it):
    it.write(tasks=TASKS, own=own(CREATE_SONG, RUN, head=FILL))
    assert f"as {it.role}: RunPython fill runs Python code (own/migrations/0002_step.py)" in it.adopt().stdout
    with it.without_a_trace():
        it.apply()
        assert it.sql("SELECT name FROM backend.songs") == [("first",)]
        assert it.undo().returncode == 0


@pytest.mark.full
def test_code_between_operations_about_shared_tables__runs_alone(it):
    """One migration with a mirror, an own table and code: only the last two are done."""
    steps = [(CREATE_TASK, CREATE_SONG), (RUN.replace("fill,", "fill_tasks,"),)]
    head = FILL.replace("fill", "fill_tasks").replace('"own"', '"tasks"')
    it.write(tasks=App(task() + SONG, steps, head=head))
    with it.without_a_trace():
        it.apply()
        assert it.sql("SELECT name FROM backend.songs") == [("first",)]
        assert it.undo().returncode == 0


def test_code_that_changes_a_shared_row__is_undone_and_names_two_remedies(it):
    head = 'def fill(apps, editor):\n    apps.get_model("tasks", "Task").objects.update(title="gone")\n'
    it.write(tasks=TASKS, own=own(CREATE_SONG, RUN, head=head))
    with it.without_a_trace():
        done = it.adopt("--apply")
    assert done.returncode == 3
    assert "HO042  migration own.0002_step (own/migrations/0002_step.py) failed at RunPython fill" in done.stderr
    assert "permission denied for table tasks" in done.stderr
    assert 'migrate_later = ["own.0002_step"]' in done.stderr
    # The way, walked.
    toml = it.folder / "handover.toml"
    toml.write_text(toml.read_text().replace("[backend]\n", '[backend]\nmigrate_later = ["own.0002_step"]\n'))
    assert "left for manage.py migrate, afterwards: own.0002_step" in it.adopt().stdout
    assert "Left for later: manage.py migrate own 0002_step" in it.apply().stdout
    it.python_says("from django.core.management import call_command as c; c('migrate', verbosity=0)")
    assert it.sql("SELECT DISTINCT title FROM tasks") == [("gone",)]
    assert it.undo().returncode == 0


def test_code_that_raises__is_undone_and_its_message_is_shown(it):
    it.write(
        tasks=TASKS, own=own(CREATE_SONG, RUN, head="def fill(apps, editor):\n    raise ValueError('no songs today')\n")
    )
    with it.without_a_trace():
        done = it.adopt("--apply")
    assert done.returncode == 3
    assert "failed at RunPython fill: ValueError: no songs today." in done.stderr


@pytest.mark.full
def test_sql_that_changes_a_shared_table__is_undone_and_names_the_file(it):
    it.write(tasks=TASKS, own=own(CREATE_SONG, 'migrations.RunSQL("ALTER TABLE tasks ADD COLUMN x int")'))
    with it.without_a_trace():
        done = it.adopt("--apply")
    assert done.returncode == 3
    assert "HO042  migration own.0002_step (own/migrations/0002_step.py) was refused by the database" in done.stderr
    assert "must be owner of table tasks" in done.stderr


@pytest.mark.full
def test_code_of_a_mirrored_app__runs_only_if_handover_toml_says_so(it):
    head = 'def fill(apps, editor):\n    apps.get_model("tasks", "Task").objects.update(title="again")\n'
    it.write(tasks=App(task(), [CREATE_TASK, RUN], head=head))
    with it.without_a_trace():
        done = it.adopt("--apply")
        assert done.returncode == 3
        assert "HO040  tasks.0002_step does RunPython fill in tasks/migrations/0002_step.py" in done.stderr
        assert 'already_true = ["tasks.0002_step"]' in done.stderr
    toml = it.folder / "handover.toml"
    toml.write_text(toml.read_text().replace("[backend]\n", '[backend]\nalready_true = ["tasks.0002_step"]\n'))
    assert "not run again: tasks.0002_step: RunPython fill (tasks/migrations/0002_step.py)" in it.adopt().stdout
    with it.without_a_trace():
        it.apply()
        assert it.sql("SELECT title FROM tasks ORDER BY id") == [("ana",), ("leo",)]
        assert it.undo().returncode == 0


@pytest.mark.full
def test_code_of_a_mirrored_app__that_the_original_ran__does_not_run_again(it):
    it.sql("INSERT INTO django_migrations (app, name, applied) VALUES ('tasks', '0002_step', now())")
    head = 'def fill(apps, editor):\n    apps.get_model("tasks", "Task").objects.update(title="again")\n'
    it.write(tasks=App(task(), [CREATE_TASK, RUN], head=head))
    it.apply()
    assert it.sql("SELECT title FROM tasks ORDER BY id") == [("ana",), ("leo",)]


def test_name_in_handover_toml_that_no_migration_has__is_refused(it):
    it.write(tasks=TASKS, backend='migrate_later = ["tasks.0009_gone"]')
    done = it.adopt("--apply")
    assert done.returncode == 3
    assert "HO041  tasks.0009_gone is named under [backend] in handover.toml" in done.stderr


def test_model_without_migration__is_refused_before_anything_changes(it):
    it.write(tasks=TASKS, own=own(models=SONG))
    with it.without_a_trace():
        done = it.adopt("--apply")
    assert done.returncode == 3
    assert "HO039  songs is made by no migration of the backend, and own.Song reads and writes it." in done.stderr


def test_model_that_its_migrations_forgot__fails_the_final_check_and_all_is_undone(it):
    it.write(tasks=TASKS, own=own(CREATE_SONG, models=SONG.replace("name", "title")))
    with it.without_a_trace():
        done = it.adopt("--apply")
    assert done.returncode == 3
    assert f"HO044  songs cannot be read by {it.role} through own.Song: ProgrammingError: column" in done.stderr
    assert "Everything was undone." in done.stderr


@pytest.mark.parametrize("obeyed", [True, False])
def test_script_for_psql__waits_where_python_has_to_run(it, tmp_path, obeyed):
    it.write(tasks=TASKS, own=own(CREATE_SONG, RUN, head=FILL))
    file = tmp_path / "adopt.sql"
    file.write_text(it.adopt("--sql").stdout)
    assert (
        "-- psql cannot run it. In another session, as the role and at this point: manage.py migrate own 0002_step"
        in (file.read_text())
    )
    psql = [str(programs(Account.current()) / "psql"), "--quiet", "--file", str(file), it.database.url("owner")]
    with subprocess.Popen(
        psql, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as run:
        said = ""
        while not said.endswith("press Enter "):
            said += run.stdout.read(1)
        if obeyed:
            it.sql(f"ALTER ROLE {it.role} PASSWORD 'pw'")
            it.python_says(
                "from django.core.management import call_command as c; c('migrate', 'own', '0002', verbosity=0)"
            )
        said += run.communicate("\n")[0]
    assert run.returncode == (0 if obeyed else 3), said
    if obeyed:
        assert it.sql("SELECT name FROM backend.songs") == [("first",)]
        assert "is adopted already" in it.adopt().stdout
    else:
        assert "own.0002_step was not run; the script ends here." in said
        assert "HO031" in it.adopt().stderr
    assert it.undo().returncode == 0


@pytest.mark.full
@pytest.mark.parametrize(
    ("package", "table", "column"),
    [
        ("django.contrib.admin", "django_admin_log", "user_id"),
        ("rest_framework.authtoken", "authtoken_token", "user_id"),
    ],
)
def test_package_that_only_the_backend_has__is_adopted(it, package, table, column):
    it.write(tasks=TASKS, settings=f"INSTALLED_APPS += ['django.contrib.messages', {package!r}]")
    with it.without_a_trace():
        it.apply()
        (definition,) = it.sql(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint"  # noqa: S608 - the test's own
            f" WHERE conrelid = 'backend.{table}'::regclass AND contype = 'f' AND confrelid = 'auth_user'::regclass"
        )
        assert f"({column}) REFERENCES auth_user(id) ON DELETE CASCADE" in definition[0]
        assert it.undo().returncode == 0


def test_history_that_was_squashed__is_adopted(it):
    it.write(tasks=TASKS, own=own(CREATE_SONG, RUN, head=FILL))
    migrations = it.folder / "backend/own/migrations"
    text = (migrations / "0002_step.py").read_text()
    squashed = text.replace('dependencies = [("own", "0001_step")]', 'dependencies = [("tasks", "0001_step")]')
    squashed = squashed.replace(
        "    operations = [",
        f"    replaces = [('own', '0001_step'), ('own', '0002_step')]\n    operations = [\n        {CREATE_SONG},",
    )
    (migrations / "0001_squashed.py").write_text(squashed)
    with it.without_a_trace():
        it.apply()
        assert it.sql("SELECT name FROM backend.songs") == [("first",)]
        said = it.python_says("from django.core.management import call_command as c; c('migrate', check=True)")
        assert "No planned migration" in said or not said.strip()
        assert it.undo().returncode == 0


def test_lock_that_a_migration_needs__is_waited_for_and_tells_who_holds_it(it):
    """As with SQL: two seconds for each attempt, and the message names the session that holds the lock."""
    model = SONG.replace(
        "name =", 'task = models.ForeignKey("tasks.Task", on_delete=models.CASCADE, null=True)\n    name ='
    )
    add = 'migrations.AddField("song", "task", models.ForeignKey("tasks.Task", on_delete=models.CASCADE, null=True))'
    it.write(tasks=TASKS, own=App(model, [CREATE_SONG, (RUN, add)], after=("tasks.0001_step",), head=FILL))
    with psycopg.connect(it.database.url("owner"), application_name="a long report") as holder, it.without_a_trace():
        holder.execute("LOCK tasks IN ROW EXCLUSIVE MODE")
        done = it.adopt("--apply", "--attempts", "1")
        holder.rollback()
    assert done.returncode == 3
    assert "HO028" in done.stderr
    assert "a long report" in done.stderr
