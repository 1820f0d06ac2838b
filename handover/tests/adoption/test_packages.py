"""A package that both systems have installed; its own SQL has made its queue in the database."""

import pytest

from handover_testing.newcomer import CREATE_TASK, SETTINGS, App, Newcomer, task

QUEUE = "CREATE TYPE mood AS ENUM ('calm', 'cross'); CREATE TABLE jobs (id bigint PRIMARY KEY, mood mood NOT NULL);"
JOB = """
class Job(models.Model):
    id = models.BigIntegerField(primary_key=True)
    mood = models.CharField(max_length=5, db_index=True)
    class Meta:
        managed = False
        db_table = "jobs"
"""
MADE = f'migrations.RunSQL("{QUEUE}")'
BELIEVED = (
    'migrations.CreateModel("Job", [("id", models.BigIntegerField(primary_key=True)),'
    ' ("mood", models.CharField(max_length=5, db_index=True))], options={"managed": False, "db_table": "jobs"})'
)


def installed(it: Newcomer, original: str, backend: str, models: str = "") -> None:
    """Let both have the package; the original has migrated."""
    it.write(tasks=App(task(), [CREATE_TASK]), mill=App(models, [backend]))
    App(models, [original]).write(it.folder / "original", "mill")
    (it.folder / "original/settings.py").write_text(SETTINGS.format(apps="'tasks', 'mill'", more=""))
    it.sql("INSERT INTO django_migrations (app, name, applied) VALUES ('mill', '0001_step', now())")


def queue(it: Newcomer) -> None:
    """Let both have the package with the queue."""
    installed(it, f"{MADE}, {BELIEVED}", f"{MADE}, {BELIEVED}", JOB)
    it.sql(f"{QUEUE} GRANT SELECT, INSERT, UPDATE, DELETE ON jobs TO original_app")


def test_package_of_both__is_adopted_without_statements_and_leaves_no_trace(it):
    queue(it)
    with it.without_a_trace():
        it.apply()
        assert it.backend("SELECT app FROM django_migrations WHERE app = 'mill'") == [("mill",)]
        assert it.sql("SELECT count(*) FROM pg_class WHERE relname = 'jobs'") == [(1,)]
        assert it.undo().returncode == 0


@pytest.mark.full
def test_package_of_both__plan_says_what_the_original_tolerates(it):
    queue(it)
    done = it.adopt()
    assert "Migrations of mill" not in done.stdout
    assert "tolerated by the original already: HO012 jobs.mood is mood" in done.stdout


@pytest.mark.full
@pytest.mark.parametrize("same", [True, False])
def test_package_without_tables__runs_again_only_if_it_differs_from_the_original_s(it, same):
    numbers, others = 'migrations.RunSQL("CREATE SEQUENCE numbers")', 'migrations.RunSQL("CREATE SEQUENCE others")'
    installed(it, numbers, numbers if same else others)
    said = it.adopt("--sql").stdout
    assert ("\nCREATE SEQUENCE" in said) is not same
    assert ("not run again: mill.0001_step: RunSQL" in said) is same


@pytest.mark.parametrize("both", [True, False])
def test_index_that_is_missing__refuses_where_the_backend_alone_expects_it(it, both):
    more = "title = models.CharField(max_length=50, db_index=True)"
    indexed = App(task(more), [CREATE_TASK])
    it.write(tasks=indexed)
    if both:
        (it.folder / "original/tasks/models.py").write_text((it.folder / "backend/tasks/models.py").read_text())
    done = it.adopt()
    assert ("HO018  tasks (title)" in done.stderr, "HO018 tasks (title)" in done.stdout) == (not both, both)
