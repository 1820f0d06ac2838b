"""Limits of the database: of statements, of sessions, and what a pooler in transaction mode leaves."""

import re
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import replace
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
GOOGLE = house.ROOT / "deploy/google"
# superuser_reserved_connections: PostgreSQL's default, and Cloud SQL's.
OF_SUPERUSERS = 3
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


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://backend_app:secret@/compas?host=/cloudsql/project:region:db",
        "postgresql://backend_app:secret@//cloudsql/project:region:db/compas",
    ],
)
def test_socket__in_the_address__is_where_the_database_is_looked_for(media_root, url):
    code = (
        "import django\ndjango.setup()\nfrom django.db import connection\n"
        "found = connection.get_connection_params()\nprint(found['host'], found['dbname'], found.get('port'))"
    )
    assert shown(url, media_root, code) == ["/cloudsql/project:region:db compas None"]


def budget_of_google(threads: int) -> Budget:
    """Return what a server of deploy/google counts at its start, with the defaults of all variables."""
    text = (GOOGLE / "variables.tf").read_text()
    servers, videos = (
        int(re.search(rf'variable "{name}" {{.*?default\s+= (\d+)', text, re.DOTALL)[1])
        for name in ("servers_at_most", "videos_at_once")
    )
    others = int(
        re.search(r'"OTHER_CONNECTIONS", default=(\d+)', (house.ROOT / "backend/config/env.py").read_text())[1]
    )
    # Besides the jobs there is the worker that sweeps.
    return Budget(servers, 1, threads, videos + 1, others)


def test_google__connections__are_so_few_that_the_servers_start():
    limits = tomllib.loads((house.ROOT / "docs/explanation/scale.toml").read_text())["limits"]
    most = int(re.search(r'"max_connections"\s+value = "(\d+)"', (GOOGLE / "database.tf").read_text())[1])
    threads = int(
        re.search(r"^threads = (\d+)", (house.ROOT / "backend/gunicorn.conf.py").read_text(), re.MULTILINE)[1]
    )
    counted = budget_of_google(threads)
    counted.check(allowed=most - OF_SUPERUSERS, allowed_role=None)
    with pytest.raises(TooManySessionsError):  # as it would be with the flag that was there
        counted.check(allowed=300 - OF_SUPERUSERS, allowed_role=None)
    assert limits["connections"] == most
    assert limits["connections_of_server"] == threads + BESIDES_THREADS
    assert limits["connections_of_worker"] == OF_A_WORKER
    main = (GOOGLE / "main.tf").read_text()
    assert "WEB_INSTANCES          = tostring(var.servers_at_most)" in main
    assert "WORKER_INSTANCES       = tostring(var.videos_at_once + 1)" in main
    # Beside an original one video is made at once, and the worker sweeps.
    beside = replace(counted, workers=2)
    told = (house.ROOT / "docs/howto/take-over-a-running-original.md").read_text()
    assert f"count {beside.own + beside.others} at their start, {beside.others} of them for all others" in told
    each = f"Each holds up to {limits['connections_of_server']} connections to the database, and each video at once"
    assert f"{each} {limits['connections_of_worker']}." in (GOOGLE / "variables.tf").read_text()
