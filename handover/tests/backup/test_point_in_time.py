"""What the server allows between two backups is read from the server; where it archives, a moment comes back."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from handover.backup.point_in_time import point_in_time
from handover_testing.night import until
from sandbox.fixtures import FAST, roomy_place
from sandbox.postgres import Server, binaries
from sandbox.postgres.account import Account

WAIT = "the server archived nothing"


def said(server) -> str:
    with server.connect() as connection:
        return " ".join(point_in_time(connection))


@pytest.fixture
def place():
    with tempfile.TemporaryDirectory(prefix="moments-", dir=roomy_place()) as folder:
        path = Path(folder)
        account = Account.current()
        for part in (path, path / "archive"):
            part.mkdir(exist_ok=True)
            os.chown(part, account.uid, account.gid)
        yield path


def test_server_without_archive__is_said_to_know_only_backups(postgres):
    assert "Only the moments of your backups can be restored: wal_level is replica, archive_mode is off." in said(
        postgres
    )


def test_managed_server__is_not_judged_by_its_settings(postgres):
    with postgres.connect() as connection:
        connection.execute("CREATE ROLE cloudsqlsuperuser")
    try:
        assert "ask the provider" in said(postgres)
        assert "Only the moments" not in said(postgres)
    finally:
        with postgres.connect() as connection:
            connection.execute("DROP ROLE cloudsqlsuperuser")


def archived(server) -> bool:
    with server.connect() as connection:
        return bool(connection.execute("SELECT archived_count FROM pg_stat_archiver").fetchone()[0])


@pytest.mark.full
def test_moment_between_two_writes__comes_back_by_the_page_of_the_docs(place):
    """The commands are those of docs/howto/back-up-and-restore.md."""
    settings = {
        **FAST,
        "archive_mode": "on",
        "archive_command": f"test ! -f {place}/archive/%f && cp %p {place}/archive/%f",
    }
    programs = binaries.programs(Account.current())
    with Server(place / "running", settings=settings) as server:
        assert "has not archived a piece yet" in said(server)
        with server.connect() as connection:
            connection.execute("CREATE TABLE moments (name text)")
        url = server.url("postgres", "postgres")
        subprocess.run(
            [programs / "pg_basebackup", f"--dbname={url}", f"--pgdata={place / 'base'}", "--checkpoint=fast"],
            check=True,
        )
        with server.connect() as connection:
            connection.execute("INSERT INTO moments VALUES ('before')")
            (moment,) = connection.execute("SELECT clock_timestamp()::text").fetchone()
            connection.execute("INSERT INTO moments VALUES ('after')")
            connection.execute("SELECT pg_switch_wal()")
        until(lambda: archived(server), WAIT)
        assert "The server archives its log; the last piece was archived at" in said(server)
    base = place / "base"
    (base / "recovery.signal").touch()
    with (base / "postgresql.auto.conf").open("a") as file:
        file.write(f"restore_command = 'cp {place}/archive/%f %p'\n")
        file.write(f"recovery_target_time = '{moment}'\nrecovery_target_action = 'promote'\n")
    account = Account.current()
    for path in (base, *base.rglob("*")):
        os.chown(path, account.uid, account.gid)
    base.chmod(0o700)
    with Server(base, settings=FAST) as copy, copy.connect() as connection:
        assert connection.execute("SELECT name FROM moments").fetchall() == [("before",)]


@pytest.mark.full
def test_archive_that_fails__is_told(place):
    with Server(place / "running", settings={**FAST, "archive_mode": "on", "archive_command": "false"}) as server:
        with server.connect() as connection:
            connection.execute("CREATE TABLE t (x int)")
            connection.execute("SELECT pg_switch_wal()")

        def failing() -> bool:
            with server.connect() as connection:
                return bool(connection.execute("SELECT failed_count FROM pg_stat_archiver").fetchone()[0])

        until(failing, "the archive did not fail")
        assert "The server cannot archive its log" in said(server)
    shutil.rmtree(place / "running")
