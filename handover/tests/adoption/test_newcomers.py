"""Backends with complicated histories: each is adopted, both systems work, and an undo leaves no trace."""

import psycopg
import pytest

from handover_testing.newcomer import CREATE_SONG, CREATE_TASK, KEY, SONG, TITLE, USER, App, create, task
from sandbox.snapshot import changes

JOB = "job = models.CharField(max_length=50, null=True)"
JOB_FIELD = '("job", models.CharField(max_length=50, null=True))'


def key(name: str, to: str, rule: str = "CASCADE", kind: str = "ForeignKey", more: str = "") -> str:
    """Return a field that points at another model, as a migration writes it."""
    return f'("{name}", models.{kind}("{to}", on_delete=models.{rule}{more}))'


# --- a column of the backend's inside its CreateModel


def test_new_column_in_create_model__is_added_and_read_and_removed_again(it):
    it.write(new_fields=("job",), tasks=App(task(JOB), [create("Task", KEY, USER, TITLE, JOB_FIELD, db_table="tasks")]))
    with it.without_a_trace():
        assert 'ADD COLUMN "job" varchar(50) NULL' in it.adopt("--sql").stdout
    with it.without_a_trace():
        it.apply()
        said = it.python_says(
            "from tasks.models import Task; print(Task.objects.update(job='j'), Task.objects.count())"
        )
        assert said.split() == ["2", "2"]
        it.sql("INSERT INTO tasks (user_id, title) SELECT id, 'old' FROM auth_user LIMIT 1")
        assert "is adopted already" in it.adopt("--apply").stdout
        it.sql("DELETE FROM tasks WHERE title = 'old'")
        assert it.undo().returncode == 0


OPTIONS = 'DATABASES["default"]["OPTIONS"] = {{"options": "-c search_path={path}"}}'


@pytest.mark.parametrize("path", ["public", "public,backend", "backend"])
@pytest.mark.thinned(to_one_in=3)
def test_options_lead_past_the_schema_or_the_tables__is_refused_before_anything_changes(it, path):
    it.write(tasks=App(task(), [CREATE_TASK]), settings=OPTIONS.format(path=path))
    with it.without_a_trace():
        done = it.adopt("--apply")
    assert done.returncode == 3
    told = "HO044  DATABASES of the backend sets search_path = {} in its OPTIONS, which beats that of its role"
    assert told.format(path.replace(",", ", ")) in done.stderr
    assert "let it be backend, public; then adopt again" in done.stderr


def test_options_lead_to_the_schema_first__is_adopted(it):
    it.write(tasks=App(task(), [CREATE_TASK]), settings=OPTIONS.format(path="backend,public"))
    it.apply()


def test_new_column_with_index_and_constraint__comes_with_both(it):
    fields = create(
        "Task", KEY, USER, TITLE, '("job", models.CharField(max_length=50, null=True, db_index=True))', db_table="tasks"
    )
    more = """job = models.CharField(max_length=50, null=True, db_index=True)
    nr = models.IntegerField(null=True)"""
    model = (
        task(more)
        + """        constraints = [models.UniqueConstraint(fields=["user", "nr"], name="one_nr")]
        indexes = [models.Index(fields=["title", "nr"], name="title_nr")]
"""
    )
    later = (
        'migrations.AddField("task", "nr", models.IntegerField(null=True))',
        'migrations.AddConstraint("task", models.UniqueConstraint(fields=["user", "nr"], name="one_nr"))',
        'migrations.AddIndex("task", models.Index(fields=["title", "nr"], name="title_nr"))',
    )
    it.write(new_fields=("job", "nr"), tasks=App(model, [fields, later]))
    with it.without_a_trace():
        it.apply()
        names = {name for (name,) in it.sql("SELECT indexname FROM pg_indexes WHERE tablename = 'tasks'")}
        assert {"one_nr", "title_nr"} < names
        assert len([name for name in names if "job" in name]) == 2  # the index and the one for LIKE
        assert it.undo().returncode == 0


@pytest.mark.parametrize(
    ("of", "told"), [(["job"], False), (["job", "title"], True)], ids=["alone", "with a known one"]
)
def test_new_column_is_unique__hurts_the_original_only_beside_a_column_that_it_writes(it, of, told):
    once = f'models.UniqueConstraint(fields={of}, name="once")'
    steps = [create("Task", KEY, USER, TITLE, JOB_FIELD, db_table="tasks"), f'migrations.AddConstraint("task", {once})']
    it.write(new_fields=("job",), tasks=App(task(JOB) + f"        constraints = [{once}]\n", steps))
    it.apply()
    done = it.run("check")
    assert ("HO150 breaking, hurts original: tasks (once) forbids" in done.stdout) is told
    it.backend("UPDATE tasks SET job = title")
    it.sql("INSERT INTO tasks (user_id, title) SELECT id, 'old' FROM auth_user")  # no job, and so no duplicate
    it.sql("DELETE FROM tasks WHERE title = 'old'")
    if told:
        it.backend("UPDATE tasks SET job = 'same'")
        with pytest.raises(psycopg.errors.UniqueViolation):
            it.sql("UPDATE tasks SET title = 'one'")


NOT_ADDED = {
    "undeclared": ((), "null=True", "HO011  tasks.job does not exist"),
    "to be filled": (("job",), "default=''", "HO132  tasks.job will be NOT NULL"),
}


@pytest.mark.thinned(to_one_in=2)
@pytest.mark.parametrize(("declared", "option", "message"), NOT_ADDED.values(), ids=NOT_ADDED)
def test_new_column_in_create_model__that_hurts__is_refused_before_anything_changes(it, declared, option, message):
    made = f"models.CharField(max_length=50, {option})"
    step = create("Task", KEY, USER, TITLE, f'("job", {made})', db_table="tasks")
    it.write(new_fields=declared, tasks=App(task(f"job = {made}"), [step]))
    with it.without_a_trace():
        done = it.adopt("--apply")
    assert done.returncode == 3
    assert message in done.stderr


# --- a mirror that got its name or its shape on the way

RENAMED = {
    "its table": ((create("Task", KEY, USER, TITLE),), ('migrations.AlterModelTable("task", "tasks")',)),
    "its model": (
        (create("Job", KEY, USER, TITLE),),
        ('migrations.RenameModel("Job", "Task")', 'migrations.AlterModelTable("task", "tasks")'),
    ),
    "its field": (
        (create("Task", KEY, USER, '("name", models.CharField(max_length=50))', db_table="tasks"),),
        ('migrations.RenameField("task", "name", "title")',),
    ),
    "its key": (
        (create("Task", '("id", models.AutoField(primary_key=True))', USER, TITLE, db_table="tasks"),),
        ('migrations.AlterField("task", "id", models.BigAutoField(primary_key=True))',),
    ),
    "a field that is gone": (
        (create("Task", KEY, USER, TITLE, '("old", models.IntegerField())', db_table="tasks"),),
        ('migrations.RemoveField("task", "old")', 'migrations.AlterModelOptions("task", {"ordering": ["id"]})'),
    ),
    "a model that is gone": (
        (CREATE_TASK, create("Task2", KEY, db_table="tasks2")),
        ('migrations.DeleteModel("Task2")',),
    ),
    "the state alone": (
        (create("Job", KEY, USER, TITLE, db_table="tasks"),),
        (
            "migrations.SeparateDatabaseAndState(database_operations=[], state_operations=["
            f'migrations.DeleteModel("Job"), {CREATE_TASK}])',
        ),
    ),
}


@pytest.mark.thinned(to_one_in=8)
@pytest.mark.parametrize("steps", RENAMED.values(), ids=RENAMED)
def test_mirror_was_changed_by_migrations__is_recognised(it, steps):
    meets = create("Blueprint", KEY, key("task", "tasks.Task"), db_table="blueprints")
    model = 'class Blueprint(models.Model):\n    task = models.ForeignKey("tasks.Task", on_delete=models.CASCADE)\n'
    own = App(model + '    class Meta:\n        db_table = "blueprints"\n', [meets], after=("tasks.0002_step",))
    it.write(tasks=App(task(), list(steps)), own=own)
    with it.without_a_trace():
        it.apply()
        tables = it.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'backend' ORDER BY 1")
        assert tables == [("blueprints",), ("django_migrations",), ("handover_adoption",)]
        it.backend("INSERT INTO blueprints (task_id) SELECT id FROM tasks")
        it.sql("DELETE FROM tasks WHERE title = 'ana'")
        assert it.backend("SELECT count(*) FROM blueprints") == [(1,)]
        it.sql("INSERT INTO tasks OVERRIDING SYSTEM VALUE SELECT 1, id, username FROM auth_user WHERE username = 'ana'")
        assert it.undo().returncode == 0


@pytest.mark.full
def test_own_table_points_at_the_mirror_before_its_renaming__points_at_the_live_table(it):
    """Migrations run in the order of apps, not in the order of the renamings."""
    model = 'class Blueprint(models.Model):\n    task = models.ForeignKey("tasks.Task", on_delete=models.CASCADE)\n'
    meets = create("Blueprint", KEY, key("task", "tasks.Task"))
    tasks = App(task(), [create("Task", KEY, USER, TITLE), 'migrations.AlterModelTable("task", "tasks")'])
    it.write(tasks=tasks, own=App(model, [meets], after=("tasks.0001_step",)))
    it.folder.joinpath("backend/tasks/migrations/0002_step.py").write_text(
        (it.folder / "backend/tasks/migrations/0002_step.py")
        .read_text()
        .replace(
            'dependencies = [("tasks", "0001_step")]', 'dependencies = [("tasks", "0001_step"), ("own", "0001_step")]'
        )
    )
    with it.without_a_trace():
        it.apply()
        assert it.undo().returncode == 0


def test_shared_table_would_get_another_name__is_refused(it):
    """The negative control of a renamed mirror: here the live table has the former name."""
    tasks = App(task().replace('"tasks"\n', '"jobs"\n'), [CREATE_TASK, 'migrations.AlterModelTable("task", "jobs")'])
    it.write(tasks=tasks)
    with it.without_a_trace():
        done = it.adopt("--apply")
    assert done.returncode == 3
    assert "HO024  tasks.0001_step renames the live table tasks to jobs" in done.stderr
    assert "tasks/migrations/0001_step.py" in done.stderr


# --- a key from a shared table to one of the backend's own


@pytest.mark.thinned(to_one_in=2)
@pytest.mark.parametrize("inside", [True, False], ids=["in CreateModel", "in AddField"])
def test_new_key_from_shared_to_own__both_systems_delete(it, inside):
    named = "song" if inside else "song_id"  # the field, or its column
    song = key("song", "tasks.Song", "SET_NULL", more=", null=True")
    steps = (
        [CREATE_SONG, create("Task", KEY, USER, TITLE, song, db_table="tasks")]
        if inside
        else [
            (CREATE_TASK, CREATE_SONG),
            f'migrations.AddField("task", "song", {song.partition(", ")[2].rstrip(")")}))',
        ]
    )
    model = SONG + task("song = models.ForeignKey(Song, null=True, on_delete=models.SET_NULL)")
    it.write(new_fields=(named,), tasks=App(model, steps))
    with it.without_a_trace():
        it.apply()
        it.backend("INSERT INTO songs (name) VALUES ('one')")
        it.backend("UPDATE tasks SET song_id = (SELECT id FROM songs) WHERE title = 'ana'")
        # The original's own role knows neither the schema nor the column.
        it.sql("INSERT INTO tasks (user_id, title) SELECT id, 'old' FROM auth_user LIMIT 1")
        it.sql("UPDATE tasks SET title = 'ana' WHERE title = 'ana'")
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            it.sql("UPDATE tasks SET song_id = 99; SET CONSTRAINTS ALL IMMEDIATE")
        it.backend("DELETE FROM songs")
        assert it.sql("SELECT DISTINCT song_id FROM tasks") == [(None,)]
        it.sql("DELETE FROM tasks WHERE title = 'old'")
        assert it.undo().returncode == 0


@pytest.mark.full
def test_new_key_from_shared_to_own_protects__the_database_protects_as_well_and_check_is_quiet(it):
    song = key("song", "tasks.Song", "PROTECT", more=", null=True")
    model = SONG + task("song = models.ForeignKey(Song, null=True, on_delete=models.PROTECT)")
    steps = [CREATE_SONG, create("Task", KEY, USER, TITLE, song, db_table="tasks")]
    it.write(new_fields=("song",), tasks=App(model, steps))
    with it.without_a_trace():
        it.apply()
        assert "HO157" not in it.run("check").stdout
        it.backend("INSERT INTO songs (name) VALUES ('one')")
        it.backend("UPDATE tasks SET song_id = (SELECT id FROM songs) WHERE title = 'ana'")
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            it.backend("DELETE FROM songs; SET CONSTRAINTS ALL IMMEDIATE")
        assert it.undo().returncode == 0


# --- keys of own tables: what the original's deletes meet

BLUEPRINT = """
class Blueprint(models.Model):
    {field}
    class Meta:
        db_table = "blueprints"
"""
HANGING = {
    "a foreign key": (
        "task",
        key("task", "tasks.Task"),
        'models.ForeignKey("tasks.Task", on_delete=models.CASCADE)',
        0,
    ),
    "one that may be null": (
        "task",
        key("task", "tasks.Task", "SET_NULL", more=", null=True"),
        'models.ForeignKey("tasks.Task", on_delete=models.SET_NULL, null=True)',
        1,
    ),
    "one that protects and may be null": (
        "task",
        key("task", "tasks.Task", "PROTECT", more=", null=True"),
        'models.ForeignKey("tasks.Task", on_delete=models.PROTECT, null=True)',
        1,
    ),
    "one to one": (
        "task",
        key("task", "tasks.Task", kind="OneToOneField"),
        'models.OneToOneField("tasks.Task", on_delete=models.CASCADE)',
        0,
    ),
}


@pytest.mark.thinned(to_one_in=2)
@pytest.mark.parametrize(("column", "made", "model", "left"), HANGING.values(), ids=HANGING)
def test_own_table_hangs_on_a_shared_row__the_original_can_delete(it, column, made, model, left):
    own = App(
        BLUEPRINT.format(field=f"{column} = {model}"),
        [create("Blueprint", KEY, made, db_table="blueprints")],
        after=("tasks.0001_step",),
    )
    it.write(tasks=App(task(), [CREATE_TASK]), own=own)
    foreseen = it.run("check")
    assert "HO019" in foreseen.stdout
    assert "Adopt the backend (handover adopt): " in foreseen.stdout
    assert "Mend the database" not in foreseen.stdout
    assert 'ALTER TABLE "backend"."blueprints" DROP CONSTRAINT IF EXISTS "blueprints_task_id_' in foreseen.stdout
    dry = it.adopt()
    assert (
        f"blueprints.task_id gets ON DELETE {'SET NULL' if left else 'CASCADE'}: without it the original's deletes in"
        in dry.stdout
    )
    with it.without_a_trace():
        it.apply()
        it.backend("INSERT INTO blueprints (task_id) SELECT id FROM tasks WHERE title = 'leo'")
        it.sql("DELETE FROM tasks WHERE title = 'leo'")
        assert it.backend("SELECT count(*) FROM blueprints") == [(left,)]
        it.sql("INSERT INTO tasks OVERRIDING SYSTEM VALUE SELECT 2, id, username FROM auth_user WHERE username = 'leo'")
        assert it.undo().returncode == 0


@pytest.mark.full
def test_primary_key_of_an_own_table_hangs_on_a_shared_row__the_original_can_delete(it):
    field = 'task = models.OneToOneField("tasks.Task", primary_key=True, on_delete=models.CASCADE)'
    made = key("task", "tasks.Task", kind="OneToOneField", more=", primary_key=True")
    it.write(
        tasks=App(task(), [CREATE_TASK]),
        own=App(
            BLUEPRINT.format(field=field), [create("Blueprint", made, db_table="blueprints")], ("tasks.0001_step",)
        ),
    )
    it.apply()
    it.backend("INSERT INTO blueprints SELECT id FROM tasks")
    it.sql("DELETE FROM tasks")
    assert it.backend("SELECT count(*) FROM blueprints") == [(0,)]


@pytest.mark.full
def test_rows_that_point_at_deleted_rows__are_deleted_too(it):
    models = """
    class Blueprint(models.Model):
        task = models.ForeignKey("tasks.Task", on_delete=models.CASCADE)
        before = models.ForeignKey("self", on_delete=models.SET_NULL, null=True)
        likers = models.ManyToManyField("auth.User")
        marks = models.ManyToManyField("auth.Group", through="Mark")
    class Mark(models.Model):
        blueprint = models.ForeignKey(Blueprint, on_delete=models.CASCADE)
        group = models.ForeignKey("auth.Group", on_delete=models.CASCADE)
    class Page(models.Model):
        blueprint = models.ForeignKey(Blueprint, on_delete=models.CASCADE)
    """
    steps = (
        create(
            "Blueprint",
            KEY,
            key("task", "tasks.Task"),
            key("before", "self", "SET_NULL", more=", null=True"),
            '("likers", models.ManyToManyField("auth.User"))',
        ),
        create("Mark", KEY, key("blueprint", "own.Blueprint"), key("group", "auth.Group")),
        create("Page", KEY, key("blueprint", "own.Blueprint")),
        'migrations.AddField("blueprint", "marks", models.ManyToManyField("auth.Group", through="own.Mark"))',
    )
    it.write(tasks=App(task(), [CREATE_TASK]), own=App(models, [steps], after=("tasks.0001_step",)))
    with it.without_a_trace():
        it.apply()
        it.sql("INSERT INTO auth_group (name) VALUES ('g')")
        it.backend("INSERT INTO own_blueprint (task_id) SELECT id FROM tasks")
        it.backend("UPDATE own_blueprint SET before_id = (SELECT min(id) FROM own_blueprint)")
        it.backend(
            "INSERT INTO own_blueprint_likers (blueprint_id, user_id)"
            " SELECT b.id, u.id FROM own_blueprint b, auth_user u"
        )
        it.backend("INSERT INTO own_mark (blueprint_id, group_id) SELECT b.id, g.id FROM own_blueprint b, auth_group g")
        it.backend("INSERT INTO own_page (blueprint_id) SELECT id FROM own_blueprint")
        it.sql("DELETE FROM tasks WHERE title = 'ana'; DELETE FROM auth_group")
        assert it.backend("SELECT (SELECT count(*) FROM own_blueprint), (SELECT count(*) FROM own_page)") == [(1, 1)]
        assert it.backend("SELECT count(*) FROM own_mark") == [(0,)]
        it.sql("INSERT INTO tasks OVERRIDING SYSTEM VALUE SELECT 1, id, username FROM auth_user WHERE username = 'ana'")
        assert it.undo().returncode == 0


def test_child_of_a_shared_model__is_deleted_with_its_parent(it):
    model = "from tasks.models import Task\nclass Big(Task):\n    size = models.IntegerField()\n"
    parent = (
        '("task_ptr", models.OneToOneField("tasks.Task", auto_created=True, on_delete=models.CASCADE,'
        " parent_link=True, primary_key=True))"
    )
    made = f'migrations.CreateModel("Big", fields=[{parent}, ("size", models.IntegerField())], bases=("tasks.task",))'
    it.write(tasks=App(task(), [CREATE_TASK]), own=App(model, [made], after=("tasks.0001_step",)))
    it.apply()
    it.backend("INSERT INTO own_big SELECT id, 1 FROM tasks")
    assert it.python_says("from own.models import Big; print(Big.objects.count())").strip() == "2"
    it.sql("DELETE FROM tasks")
    assert it.backend("SELECT count(*) FROM own_big") == [(0,)]


def test_key_that_protects__needs_a_decision(it):
    own = BLUEPRINT.format(field='task = models.ForeignKey("tasks.Task", on_delete=models.PROTECT)')
    made = create("Blueprint", KEY, key("task", "tasks.Task", "PROTECT"), db_table="blueprints")
    it.write(tasks=App(task(), [CREATE_TASK]), own=App(own, [made], after=("tasks.0001_step",)))
    with it.without_a_trace():
        done = it.adopt("--apply")
    assert done.returncode == 3
    assert "HO019  blueprints.task_id will point at tasks, and its model says PROTECT" in done.stderr
    # The advice, followed: its own SQL decides.
    (statement,) = [line for line in done.stderr.split(": ") if line.startswith("ALTER TABLE")]
    mend = f"migrations.RunSQL({statement.strip()!r})"
    App(own, [made, mend], after=("tasks.0001_step",)).write(it.folder / "again", "own")
    (it.folder / "again/own/migrations/0002_step.py").rename(it.folder / "backend/own/migrations/0002_step.py")
    with it.without_a_trace():
        it.apply()
        it.backend("INSERT INTO blueprints (task_id) SELECT id FROM tasks WHERE title = 'leo'")
        it.sql("DELETE FROM tasks WHERE title = 'leo'")
        it.sql("INSERT INTO tasks OVERRIDING SYSTEM VALUE SELECT 2, id, username FROM auth_user WHERE username = 'leo'")
        assert it.undo().returncode == 0


def test_key_made_by_sql_without_an_action__fails_the_final_check_and_all_is_undone(it):
    """No model declares the key, so only the final check can find it."""
    sql = "CREATE TABLE notes (id bigint PRIMARY KEY, task_id bigint REFERENCES tasks (id))"
    it.write(tasks=App(task(), [CREATE_TASK]), own=App("", [f"migrations.RunSQL({sql!r})"], after=("tasks.0001_step",)))
    with it.without_a_trace():
        done = it.adopt("--apply")
    assert done.returncode == 3
    assert "is not as planned after the adoption, so it is undone" in done.stderr
    assert "HO047  backend.notes.task_id points at public.tasks" in done.stderr
    assert "Everything was undone." in done.stderr


# --- keys of the database, rights, and labels


def test_serial_keys__their_sequences_may_be_used_and_the_rights_are_revoked(it):
    """Django before 4.1 made its keys this way."""
    it.sql(
        "ALTER TABLE tasks ALTER id DROP IDENTITY; CREATE SEQUENCE tasks_id_seq OWNED BY tasks.id START 50;"
        " ALTER TABLE tasks ALTER id SET DEFAULT nextval('tasks_id_seq');"
        " GRANT USAGE ON SEQUENCE tasks_id_seq TO original_app"
    )
    it.write(tasks=App(task(), [CREATE_TASK]))
    with it.without_a_trace():
        it.apply()
        made = "from tasks.models import Task; print(Task.objects.create(user_id=1, title='new').pk)"
        assert it.python_says(made).strip() == "50"
        it.sql("DELETE FROM tasks WHERE id = 50; SELECT setval('tasks_id_seq', 50, false)")
        assert it.undo().returncode == 0


ADVISED = (
    "GRANT SELECT ON django_session TO {role}",
    "GRANT USAGE ON SEQUENCE lone TO {role}",
    "GRANT UPDATE (title) ON tasks TO {role}",
    "GRANT CREATE ON SCHEMA public TO {role}",
    "GRANT EXECUTE ON FUNCTION twice TO {role}",
)


def test_rights_granted_since__are_revoked_by_undo(it):
    """Rights that were granted on the advice of check must not prevent an undo."""
    it.sql("CREATE SEQUENCE lone; GRANT USAGE ON SEQUENCE lone TO original_app")
    it.sql(
        "CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql AS 'SELECT 2 * $1';"
        " GRANT EXECUTE ON FUNCTION twice TO owner"
    )
    with it.database.server.connect(it.database.name) as connection:
        connection.execute("GRANT CREATE ON SCHEMA public TO owner WITH GRANT OPTION")
        connection.execute("GRANT UPDATE (title) ON tasks TO original_app")
    it.write(tasks=App(task(), [CREATE_TASK]))
    with it.without_a_trace():
        it.apply()
        for statement in ADVISED:
            it.sql(statement.format(role=it.role))
        done = it.undo()
        assert done.returncode == 0, done.stderr


@pytest.mark.full
def test_right_granted_by_another_role__is_named_with_its_revoke(it):
    it.write(tasks=App(task(), [CREATE_TASK]))
    it.apply()
    with it.database.server.connect(it.database.name) as connection:
        connection.execute(f"CREATE TABLE strange (); GRANT SELECT ON strange TO {it.role}")
    before = it.snapshot()
    done = it.undo()
    assert done.returncode == 3
    assert "HO046" in done.stderr
    (todo,) = [line.partition(": ")[2] for line in done.stderr.splitlines() if "As that role: " in line]
    assert changes(before, it.snapshot()) == {}
    with it.database.server.connect(it.database.name) as connection:
        connection.execute(todo.encode())
    assert it.undo().returncode == 0


@pytest.mark.full
def test_rights_that_the_role_had_before__stay(it):
    with it.database.server.connect(it.database.name) as connection:
        connection.execute(f"CREATE ROLE {it.role} LOGIN; GRANT {it.role} TO owner WITH ADMIN OPTION")
    it.sql(f"CREATE SEQUENCE lone; GRANT USAGE ON SEQUENCE lone TO {it.role}; GRANT INSERT ON tasks TO {it.role}")
    it.write(tasks=App(task(), [CREATE_TASK]))
    with it.without_a_trace():
        it.apply()
        it.sql(f"GRANT SELECT ON SEQUENCE lone TO {it.role}")
        assert it.undo().returncode == 0


PERSON = """
from django.contrib.auth.models import AbstractUser
class Person(AbstractUser):
    id = models.AutoField(primary_key=True)
    class Meta:
        db_table = "auth_user"
"""
PERSON_FIELDS = (
    '("id", models.AutoField(primary_key=True))',
    '("password", models.CharField(max_length=128))',
    '("last_login", models.DateTimeField(blank=True, null=True))',
    '("is_superuser", models.BooleanField(default=False))',
    '("username", models.CharField(max_length=150, unique=True))',
    '("first_name", models.CharField(blank=True, max_length=150))',
    '("last_name", models.CharField(blank=True, max_length=150))',
    '("email", models.EmailField(blank=True, max_length=254))',
    '("is_staff", models.BooleanField(default=False))',
    '("is_active", models.BooleanField(default=True))',
    '("date_joined", models.DateTimeField(default=timezone.now))',
    '("groups", models.ManyToManyField("auth.Group", related_name="user_set"))',
    '("user_permissions", models.ManyToManyField("auth.Permission", related_name="user_set"))',
)


def test_user_model_under_another_label_and_renamed__is_the_same_table(it):
    people = App(
        PERSON.replace("Person", "User"),
        [create("User", *PERSON_FIELDS, db_table="people"), 'migrations.AlterModelTable("user", "auth_user")'],
        after=("auth.0012_alter_user_first_name_max_length",),
        head="from django.utils import timezone",
    )
    people_first = 'AUTH_USER_MODEL = "people.User"'
    by = "models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True)"
    song, made = f"class Song(models.Model):\n    by = {by}\n", create("Song", KEY, f'("by", {by})')
    it.write(settings=people_first, people=people, tasks=App(task(), [CREATE_TASK]), own=App(song, [made]))
    path = it.folder / "backend/people/migrations/0001_step.py"
    path.write_text(path.read_text().replace("migrations.swappable_dependency(settings.AUTH_USER_MODEL), ", ""))
    with it.without_a_trace():
        it.apply()
        it.backend("INSERT INTO own_song (by_id) SELECT id FROM auth_user")
        it.sql("DELETE FROM tasks; DELETE FROM auth_user")
        assert it.backend("SELECT DISTINCT by_id FROM own_song") == [(None,)]
        types = it.sql("SELECT app_label, model FROM django_content_type WHERE app_label = 'people'")
        assert types == [("people", "user")]
        it.sql(
            "INSERT INTO auth_user OVERRIDING SYSTEM VALUE"
            " SELECT n, '!', NULL, false, u, '', '', '', false, true, '2026-01-01Z'"
            " FROM (VALUES (1, 'ana'), (2, 'leo')) p(n, u)"
        )
        it.sql("INSERT INTO tasks OVERRIDING SYSTEM VALUE SELECT id, id, username FROM auth_user")
        assert it.undo().returncode == 0, "undo"


@pytest.mark.full
def test_many_to_many_from_a_shared_model_to_an_own_one__gets_its_table(it):
    model = SONG + task("songs = models.ManyToManyField(Song)")
    steps = [(CREATE_TASK, CREATE_SONG), 'migrations.AddField("task", "songs", models.ManyToManyField("tasks.Song"))']
    it.write(tasks=App(model, steps))
    with it.without_a_trace():
        it.apply()
        it.backend("INSERT INTO songs (name) VALUES ('one')")
        it.backend("INSERT INTO tasks_songs (task_id, song_id) SELECT t.id, s.id FROM tasks t, songs s")
        it.sql("DELETE FROM tasks WHERE title = 'ana'")
        assert it.backend("SELECT count(*) FROM tasks_songs") == [(1,)]
        it.sql("INSERT INTO tasks OVERRIDING SYSTEM VALUE SELECT 1, id, username FROM auth_user WHERE username = 'ana'")
        assert it.undo().returncode == 0
