"""A backup of a product in use: while files come and go, while rows are written, and when it is killed."""

import fcntl
import itertools
import os
import signal
import stat
import subprocess
import threading
from contextlib import contextmanager

import psycopg
import pytest

from handover.backup.manifest import MANIFEST, read_files, read_manifest
from handover_testing.night import until
from sandbox.postgres import binaries
from sandbox.postgres.account import Account

PLACE = ".handover/backups"


def backups(pair):
    return sorted((pair.folder / PLACE).glob("2*"))


def back_up(pair, *words):
    ended = pair.handover("backup", "--apply", "--untried", *words)
    assert ended.returncode == 0, ended.stderr
    return backups(pair)[-1], ended.stdout


def names(backup):
    return {one["name"] for one in read_files(backup)}


@pytest.fixture
def media(pair):
    """The folder of the pair's videos, as it was before afterwards."""
    folder = pair.stage.media / "videos"
    yield folder
    for path in folder.iterdir():
        if path.name != "there.mp4":
            path.unlink()


def while_dumping(pair, tmp_path, script):
    """Let something happen between the two copies of the files, at the moment of the dump."""
    real = binaries.programs(Account.current())
    folder = tmp_path / "programs"
    folder.mkdir()
    (folder / "pg_restore").symlink_to(real / "pg_restore")
    (folder / "pg_dump").write_text(f'#!/bin/sh\n{script}\nexec {real}/pg_dump "$@"\n')
    (folder / "pg_dump").chmod(0o755)
    with (pair.folder / "handover.toml").open("a") as file:
        file.write(f'\n[backup]\nprograms = "{folder}"\nignore = [".*"]\n')
    return real


def name_in_a_row(pair, name):
    with psycopg.connect(pair.database.url("owner")) as connection:
        connection.execute(
            "UPDATE dance_videos SET path = %s WHERE ctid = (SELECT min(ctid) FROM dance_videos)", [name]
        )


def test_files_that_come_and_go__are_kept_if_a_row_names_them__and_told(pair, media, tmp_path):
    (media / "named.mp4").write_text("a row names it")
    (media / "unnamed.mp4").write_text("its row is gone already")
    (media / ".half.part").write_text("being writ")
    name_in_a_row(pair, "videos/named.mp4")
    gone = " ".join(str(media / name) for name in ("named.mp4", "unnamed.mp4"))
    while_dumping(pair, tmp_path, f"rm -f {gone}; echo new > {media}/late.mp4")
    backup, shown = back_up(pair)
    assert names(backup) == {"videos/there.mp4", "videos/named.mp4", "videos/late.mp4"}
    assert "meanwhile 1 came and 2 were deleted, of which a row still names 1, so they are kept" in shown
    # What no row needs is not kept at all: people deleted it.
    texts = {path.read_text() for path in (backup / "files").rglob("*") if path.is_file()}
    assert texts == {"", "new\n", "a row names it"}


def test_row_whose_file_is_not_there__is_told(pair, media):
    name_in_a_row(pair, "videos/lost.mp4")
    backup, shown = back_up(pair)
    assert "files are named by rows and were not there, for example" in shown
    assert "videos/lost.mp4" in read_manifest(backup)["files"]["rows_name_missing_files"]


def test_row_that_holds_the_whole_path_of_a_disk__names_its_file(pair, media):
    name_in_a_row(pair, "/srv/old/media/videos/there.mp4")
    backup, _ = back_up(pair)
    assert "/srv/old/media/videos/there.mp4" not in read_manifest(backup)["files"]["rows_name_missing_files"]


def test_second_backup__shares_equal_files__but_not_a_damaged_one(pair, media):
    (media / "long.mp4").write_bytes(b"x" * 5000)
    first, _ = back_up(pair)
    second, _ = back_up(pair)
    (one,) = (path for path in (second / "files").rglob("*") if path.is_file() and path.stat().st_size == 5000)
    assert one.samefile(first / one.relative_to(second))
    one.write_bytes(b"y" * 5000)  # both have it now, and both are damaged
    third, _ = back_up(pair)
    assert (third / one.relative_to(second)).read_bytes() == b"x" * 5000
    assert pair.handover("backup", "--verify", str(third)).returncode == 0
    damaged = pair.handover("backup", "--verify", str(second))
    assert (damaged.returncode, "is not what was written" in damaged.stderr) == (1, True)


def test_sequence_that_moves_during_the_dump__is_no_difference(pair, tmp_path, monkeypatch):
    real = binaries.programs(Account.current())
    call = "SELECT nextval('dancers_id_seq') FROM generate_series(1, 50)"
    while_dumping(pair, tmp_path, f'{real}/psql -qAtc "{call}" >/dev/null')
    backup, _ = back_up(pair)
    server, name = pair.database.server, "moved"
    server.create_database(name)
    monkeypatch.setenv("AGAIN", server.url("owner", name))
    words = ["--into", "AGAIN", "--without", "files", "--apply", "--confirm", name]
    ended = pair.handover("restore", str(backup), *words)
    server.drop_database(name)
    assert ended.returncode == 0, ended.stderr


def test_backup__holds_no_secret_and_is_closed_to_others(pair, monkeypatch):
    monkeypatch.setenv("BACKEND_DATABASE_PASSWORD", "canary-of-a-password")
    backup, shown = back_up(pair)
    password = psycopg.conninfo.conninfo_to_dict(pair.database.url("owner"))["password"]
    with pair.database.server.connect() as connection:
        kept = [k for (k,) in connection.execute("SELECT rolpassword FROM pg_authid WHERE rolpassword IS NOT NULL")]
    for path in backup.rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path
        if path.is_file():
            body = path.read_bytes()
            assert not [s for s in (password, "canary-of-a-password", *kept) if s.encode() in body], path
    assert password not in shown


@contextmanager
def backup_at_its_dump(pair, tmp_path):
    """Run a backup that waits inside its dump until the block ends."""
    lock, reached = tmp_path / "lock", tmp_path / "reached"
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        while_dumping(pair, tmp_path, f"touch {reached}; flock {lock} true")
        with pair.process("backup", "--apply", "--untried", stderr=subprocess.DEVNULL) as running:
            until(reached.exists, "the backup came to no dump")
            yield running


def test_backup__killed_in_the_middle__leaves_nothing_that_looks_whole(pair, tmp_path):
    with backup_at_its_dump(pair, tmp_path) as running:
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
        assert backups(pair) == []
        (left,) = (pair.folder / PLACE).glob(".making-*")
        assert not (left / MANIFEST).exists()
        refused = pair.handover("backup", "--verify", str(left))
        assert (refused.returncode, "holds no whole backup" in refused.stderr) == (1, True)
    back_up(pair)
    assert not list((pair.folder / PLACE).glob(".making-*"))
    assert len(backups(pair)) == 1


def test_backup__while_another_is_made__is_refused(pair, tmp_path):
    with backup_at_its_dump(pair, tmp_path):
        refused = pair.handover("backup", "--apply", "--untried")
    assert refused.returncode == 3
    assert "another backup is being made" in refused.stderr


def test_keep__removes_the_older_ones_after_a_new_one__and_shows_them_before(pair):
    one, two = back_up(pair)[0], back_up(pair)[0]
    planned = pair.handover("backup", "--keep", "2").stdout
    assert f"Would remove {one}" in planned
    assert str(two) not in planned
    assert backups(pair) == [one, two]
    three, shown = back_up(pair, "--keep", "2")
    assert backups(pair) == [two, three]
    assert f"Removed {one}" in shown
    assert pair.handover("backup", "--verify", str(two)).returncode == 0


def write_and_delete(pair, media, over):
    """Be the systems: a file is there before its row, and a row is gone before its file."""
    made = []
    insert = (
        "INSERT INTO dance_videos (id, user_id, title, path, level, duration)"
        " SELECT gen_random_uuid(), min(id), 'busy', %s, 'easy', 1 FROM dancers"
    )
    with psycopg.connect(pair.database.url("owner"), autocommit=True) as connection:
        for number in itertools.count():
            name = f"busy{number}.mp4"
            (media / name).write_text(name)
            connection.execute(insert, [f"videos/{name}"])
            made.append(name)
            if number % 3 == 0:
                gone = made.pop(0)
                connection.execute("DELETE FROM dance_videos WHERE path = %s", [f"videos/{gone}"])
                (media / gone).unlink()
            if over.wait(0.005):
                return


def test_backup_while_both_rows_and_files_are_written__has_the_file_of_every_row_or_tells(pair, media, monkeypatch):
    over = threading.Event()
    writer = threading.Thread(target=write_and_delete, args=(pair, media, over))
    writer.start()
    try:
        made = [back_up(pair)[0] for _ in range(2)]
    finally:
        over.set()
        writer.join()
    server, name = pair.database.server, "busy"
    for number, backup in enumerate(made):
        server.create_database(name)
        monkeypatch.setenv("AGAIN", server.url("owner", name))
        folder = pair.folder / f"again{number}"
        words = ["--into", "AGAIN", "--media", str(folder), "--apply", "--confirm", name]
        ended = pair.handover("restore", str(backup), *words)
        assert ended.returncode == 0, ended.stderr
        with psycopg.connect(server.url("owner", name)) as connection:
            rows = connection.execute("SELECT path FROM dance_videos WHERE title = 'busy'").fetchall()
        told = set(read_manifest(backup)["files"]["rows_name_missing_files"])
        assert rows
        assert {path for (path,) in rows if not (folder / path).exists()} <= told
        assert all((folder / path).read_text() in path for (path,) in rows if (folder / path).exists())
        server.drop_database(name)
