"""Limits of the database: of statements, of sessions, and what a pooler in transaction mode leaves."""

import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
import pytest

from config.budget import BESIDES_THREADS, OF_A_WORKER, Budget, TooManySessionsError
from sandbox import house, pooler
from sandbox.fixtures import roomy_place
from sandbox.ports import free_port

SHOW = """
from django.db import connection
with connection.cursor() as cursor:
    for name in ("statement_timeout", "lock_timeout", "search_path"):
        cursor.execute(f"SHOW {name}")
        print(cursor.fetchone()[0])
"""
AS_WEB = f"import config.wsgi\n{SHOW}"
AS_SHELL = f"import django\ndjango.setup()\n{SHOW}"


def run(url: str, media: Path, *command: str, **settings: str) -> subprocess.CompletedProcess[str]:
    env = house.system_environment(database_url=url, media=media, secret_key="unused") | settings
    return subprocess.run(
        command,
        cwd=house.ROOT / "backend",
        env=env | {"DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def shown(url: str, media: Path, code: str, **settings: str) -> list[str]:
    done = run(url, media, sys.executable, "-c", code, **settings)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_statements__of_the_server_end__of_other_commands_do_not(phase_database, media_root):
    url = phase_database.url("backend_app")
    limited = shown(url, media_root, AS_WEB, WEB_STATEMENT_S="7", WEB_LOCK_S="3")
    assert limited[:2] == ["7s", "3s"]
    assert shown(url, media_root, AS_SHELL, WEB_STATEMENT_S="7")[:2] == ["0", "0"]


def test_statement_that_takes_too_long__ends(phase_database, media_root):
    slow = "import config.wsgi\nfrom django.db import connection\nconnection.cursor().execute('SELECT pg_sleep(600)')"
    done = run(phase_database.url("backend_app"), media_root, sys.executable, "-c", slow, WEB_STATEMENT_S="0.1")
    assert (done.returncode, "canceling statement due to statement timeout" in done.stderr) == (1, True)


def budget(**more: int) -> Budget:
    return Budget(**{"instances": 2, "processes": 1, "threads": 8, "workers": 3, "others": 20} | more)


def test_budget__counts_all_instances():
    assert budget().own == 2 * (8 + BESIDES_THREADS) + 3 * OF_A_WORKER
    budget().check(allowed=budget().own + 20, allowed_role=budget().own)


@pytest.mark.parametrize(("allowed", "role"), [(-1, None), (1000, -1)])
def test_budget__one_session_too_few__is_refused_with_what_to_do(allowed, role):
    own = budget().own
    fits = {"allowed": own + 20 + allowed if allowed < 0 else allowed, "allowed_role": role and own + role}
    with pytest.raises(TooManySessionsError) as caught:
        budget().check(**fits)
    assert f"may open {own} sessions, and others need 20 (OTHER_CONNECTIONS); the database allows" in str(caught.value)
    assert "docs/howto/cloud-sql.md" in str(caught.value)


def test_server__more_instances_than_the_database_has_room_for__does_not_start(phase_database, media_root):
    command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{free_port()}"]
    done = run(phase_database.url("backend_app"), media_root, *command, WEB_INSTANCES="100000")
    assert done.returncode != 0
    assert "WEB_INSTANCES=100000 with 1 x 32 threads and WORKER_INSTANCES=1 may open" in done.stderr


@pytest.fixture
def before(postgres):
    """pgbouncer before the server."""
    if pooler.program() is None:
        pytest.skip(pooler.MISSING)
    with tempfile.TemporaryDirectory(prefix="pooler-", dir=roomy_place()) as folder:
        query = "SET statement_timeout = 30000"
        with pooler.Pooler(postgres, Path(folder), connect_query=query) as made:
            yield made


def test_pgbouncer__in_transaction_mode__takes_the_backend_and_its_worker(before, phase_database, media_root):
    through = before.url(phase_database.url("backend_app"))
    options = {"DATABASE_POOLER": "pgbouncer"}
    found = shown(through, media_root, AS_WEB, **options)
    assert found == ["30s", "0", "backend, public"]
    with psycopg.connect(phase_database.url("owner")) as session:
        session.execute("SELECT 1")
    done = run(through, media_root, sys.executable, "manage.py", "procrastinate", "worker", "--one-shot", **options)
    assert done.returncode == 0, done.stderr


def test_pgbouncer__that_is_not_told_of__is_refused(before, phase_database, media_root):
    done = run(before.url(phase_database.url("backend_app")), media_root, sys.executable, "-c", AS_WEB)
    assert done.returncode == 1
    assert "unsupported startup parameter: options" in done.stderr


def test_socket__in_the_address__is_where_the_database_is_looked_for(media_root):
    url = "postgresql://backend_app:secret@/compas?host=/cloudsql/project:region:db"
    code = (
        "import django\ndjango.setup()\nfrom django.db import connection\n"
        "found = connection.get_connection_params()\nprint(found['host'], found['dbname'], found.get('port'))"
    )
    assert shown(url, media_root, code) == ["/cloudsql/project:region:db compas None"]
