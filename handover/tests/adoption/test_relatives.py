"""Unusual histories with an ordinary result: each is adopted, read by its own models, and undone without a trace."""

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
    TITLE,
    USER,
    App,
    create,
    own,
    task,
)

JOB = "models.CharField(max_length=50, null=True)"
WITH_JOB = task(f"job = {JOB}")
TO_SONG = 'models.{}("tasks.Song", null=True, on_delete=models.{})'
SET_NULL, ONE = TO_SONG.format("ForeignKey", "SET_NULL"), TO_SONG.format("OneToOneField", "CASCADE")
UNMANAGED = "        managed = False\n"
STATE = "migrations.SeparateDatabaseAndState(database_operations=[], state_operations=[{}])"
NUMBERED = SONG.replace("    class Meta", "    nr = models.IntegerField(unique=True)\n    class Meta")
JOB_FIELD = f'("job", {JOB})'
NUMBER = 'migrations.RunPython(lambda apps, _: apps.get_model("own", "Song").objects.update(nr=1))'
HISTORIES = {
    "the table that a new key points at changes its key and its name": {
        "tasks": App(
            SONG + task(f"song = {SET_NULL}"),
            [
                SMALL_SONG,
                create("Task", KEY, USER, TITLE, f'("song", {SET_NULL})', db_table="tasks"),
                BIGGER,
                'migrations.RenameModel("Song", "Tune")',
                'migrations.RenameModel("Tune", "Song")',
            ],
        ),
    },
    "a new one to one": {
        "tasks": App(
            SONG + task(f"song = {ONE}"), [CREATE_SONG, CREATE_TASK, f'migrations.AddField("task", "song", {ONE})']
        ),
    },
    "a mirror that Django does not manage": {
        "tasks": App(
            WITH_JOB + UNMANAGED, [create("Task", KEY, USER, TITLE, JOB_FIELD, db_table="tasks", managed=False)]
        )
    },
    "a mirror without a migration": {"tasks": App(task() + UNMANAGED), "own": App(SONG, [CREATE_SONG])},
    "a column that came, went and came": {
        "tasks": App(
            WITH_JOB,
            [
                CREATE_TASK,
                'migrations.AddField("task", "job", models.IntegerField(null=True))',
                'migrations.RemoveField("task", "job")',
                f'migrations.AddField("task", "job", {JOB})',
            ],
        ),
    },
    "a column that had to be filled at first": {
        "tasks": App(
            WITH_JOB,
            [
                CREATE_TASK,
                'migrations.AddField("task", "job", models.CharField(max_length=50, default=""))',
                f'migrations.AlterField("task", "job", {JOB})',
            ],
        ),
    },
    "a column that got another name": {
        "tasks": App(
            WITH_JOB,
            [
                CREATE_TASK,
                f'migrations.AddField("task", "work", {JOB})',
                'migrations.RenameField("task", "work", "job")',
            ],
        ),
    },
    "a model that moved to another app": {
        "old": App("", [CREATE_TASK, STATE.format('migrations.DeleteModel("Task")')]),
        "tasks": App(task(), [STATE.format(CREATE_TASK)], after=("old.0002_step",)),
    },
    "rows before their column is unique": {
        "tasks": TASKS,
        "own": own(
            CREATE_SONG,
            RUN,
            'migrations.AddField("song", "nr", models.IntegerField(null=True))',
            NUMBER,
            'migrations.AlterField("song", "nr", models.IntegerField(unique=True))',
            head=FILL,
            models=NUMBERED,
        ),
    },
}


@pytest.mark.thinned(to_one_in=3)
@pytest.mark.parametrize("apps", HISTORIES.values(), ids=HISTORIES)
def test_history__has_an_ordinary_result__is_adopted_and_undone(it, apps):
    it.write(new_fields=("job", "song"), **apps)
    with it.without_a_trace():
        it.apply()
        counted = it.python_says(
            "from django.apps import apps; print([list(m.objects.all()[:1]) for m in apps.get_models()] and 'read')"
        )
        assert counted.strip() == "read"
        assert it.undo().returncode == 0


def test_code_that_reads_a_renamed_mirror__reads_the_live_table(it):
    head = (
        "def fill(apps, editor):\n"
        '    for task in apps.get_model("tasks", "Task").objects.select_related("user"):\n'
        '        apps.get_model("own", "Song").objects.create(name=task.title + task.user.username)\n'
    )
    steps = [
        create("Job", KEY, USER, '("name", models.CharField(max_length=50))'),
        ('migrations.RenameModel("Job", "Task")', 'migrations.AlterModelTable("task", "tasks")'),
        'migrations.RenameField("task", "name", "title")',
    ]
    code = App(SONG, [CREATE_SONG, RUN], after=("tasks.0003_step",), head=head)
    it.write(tasks=App(task(), steps), own=code)
    with it.without_a_trace():
        it.apply()
        assert it.sql("SELECT name FROM backend.songs ORDER BY 1") == [("anaana",), ("leoleo",)]
        assert it.undo().returncode == 0
