"""A backend comes into a database full of hostile names, by the toolkit and by psql, and goes without a trace."""

import subprocess
from collections.abc import Iterator

import pytest
from psycopg import sql

from handover_testing.hostile import NAMES, acting_characters, plague
from handover_testing.newcomer import CREATE_TASK, Newcomer, create, own, task
from sandbox.postgres.account import Account
from sandbox.postgres.binaries import programs

KEY = '("id", models.BigAutoField(primary_key=True))'
# As Django can use it: no double quote, no percent sign.
TABLE = "m'); DROP TABLE victims; -- <b>"
COLUMN = "a\\nDROP TABLE victims;\\n\\x1b[2J"
COMMENT = "it's $$ \\\\! touch /tmp/owned"
JOB = f'models.CharField(max_length=50, null=True, db_column="{COLUMN}", db_comment="{COMMENT}")'
SONG = f"""
class Song(models.Model):
    name = models.CharField(max_length=90, db_column="{COLUMN}", db_comment="{COMMENT}", db_default="{COMMENT}")
    class Meta:
        db_table = "{TABLE}"
"""
NAME = (
    f'("name", models.CharField(max_length=90, db_column="{COLUMN}", db_comment="{COMMENT}", db_default="{COMMENT}"))'
)
FIRST = f"""migrations.RunSQL("INSERT INTO \\"{TABLE}\\" VALUES (1, 'it''s %s $$ ; DROP TABLE victims; --')")"""  # noqa: S608 - of our own
APPS = {
    "tasks": own(CREATE_TASK, f'migrations.AddField("task", "job", {JOB})', models=task(f"job = {JOB}")),
    "own": own(create("Song", KEY, NAME, db_table=TABLE), FIRST, models=SONG),
}
APPS["tasks"].after = ()


@pytest.fixture
def plagued(it) -> Iterator[Newcomer]:
    role = sql.Identifier(f"{NAMES['statement']} {it.role}")
    with it.database.server.connect(it.database.name) as connection:
        plague(connection, "tasks", "title")
        connection.execute(sql.SQL("CREATE ROLE {}").format(role))
        connection.execute(sql.SQL("GRANT SELECT ON tasks TO {}").format(role))
        connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO owner")
    it.write(new_fields=("job",), **APPS)
    yield it
    with it.database.server.connect(it.database.name) as connection:
        connection.execute(sql.SQL("DROP OWNED BY {}").format(role))
        connection.execute(sql.SQL("DROP ROLE {}").format(role))


def songs(it: Newcomer) -> list[tuple]:
    query = sql.SQL("SELECT * FROM backend.{}").format(sql.Identifier(TABLE)).as_string()
    return it.sql(query)


def check_as_the_models_say(it: Newcomer) -> None:
    assert songs(it) == [(1, "it's %s $$ ; DROP TABLE victims; --")]
    comment = "SELECT DISTINCT col_description(attrelid, attnum) FROM pg_attribute WHERE attname = E'{}'"
    assert it.sql(comment.format(COLUMN)) == [(COMMENT.replace("\\\\", "\\"),)]
    assert it.sql("SELECT to_regclass('public.victims') IS NOT NULL") == [(True,)]
    written = it.python_says(
        "from own.models import Song; Song.objects.create(pk=2); print(Song.objects.get(pk=2).name)"
    )
    assert written.strip() == COMMENT.replace("\\\\", "\\")


def test_adopt__hostile_names__comes_in_as_they_say_and_goes_without_a_trace(plagued):
    with plagued.without_a_trace():
        done = plagued.apply()
        check_as_the_models_say(plagued)
        undone = plagued.undo()
        assert undone.returncode == 0, undone.stderr
    assert acting_characters(done.stdout + done.stderr + undone.stdout + undone.stderr) == set()


def test_adopt_sql__hostile_names__psql_runs_the_whole_script_and_nothing_else(plagued, tmp_path):
    script = plagued.adopt("--sql")
    file = tmp_path / "adopt.sql"
    file.write_text(script.stdout)
    psql = [programs(Account.current()) / "psql", "--quiet", "--no-psqlrc", "--file", file]
    with plagued.without_a_trace():
        ended = subprocess.run(
            [*psql, plagued.database.url("owner")],
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert ended.returncode == 0, ended.stderr
        assert "is adopted already" in plagued.adopt().stdout
        plagued.sql(f"ALTER ROLE {plagued.role} PASSWORD 'pw'")
        check_as_the_models_say(plagued)
        assert plagued.undo().returncode == 0
