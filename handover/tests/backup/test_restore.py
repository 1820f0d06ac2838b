"""A backup goes into an empty place only, whole, and what is there afterwards is compared."""

import json
import re
import secrets
import shutil

import httpx
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from handover.backup.database import dump_version
from handover.backup.manifest import place_of, read_files
from handover.backup.media import write_files
from handover.backup.programs import BackupError
from handover.backup.restore import same_words
from handover.config.config import load_config
from sandbox.postgres import binaries
from sandbox.postgres.account import Account
from sandbox.search import SearchServer

INDEX = "dances"
MAPPING = {"v": {"type": "dense_vector", "dims": 2, "index": True, "similarity": "cosine"}, "name": {"type": "keyword"}}


def backups(pair):
    return sorted((pair.folder / ".handover" / "backups").glob("2*"))


def back_up(pair, **environment):
    ended = pair.handover("backup", "--apply", "--untried", **environment)
    assert ended.returncode == 0, ended.stderr
    return backups(pair)[-1]


@pytest.fixture
def target(pair):
    """An empty database beside the pair's."""
    server, name = pair.database.server, f"again_{secrets.token_hex(4)}"
    server.create_database(name)
    pair.patch.setenv("AGAIN", server.url("owner", name))
    yield name
    server.drop_database(name)


def restore(pair, backup, *words, name="", **environment):
    media = ["--media", str(pair.folder / "again")]
    confirm = ["--apply", "--confirm", name] if name else []
    return pair.handover("restore", str(backup), "--into", "AGAIN", *media, *words, *confirm, **environment)


def rows(pair, name):
    with psycopg.connect(pair.database.server.url("owner", name)) as connection:
        return connection.execute(
            "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        ).fetchone()[0]


def test_restore__into_an_empty_place__is_equal_with_owners_rights_and_files(pair, target):
    backup = back_up(pair)
    planned = restore(pair, backup)
    assert planned.returncode == 0, planned.stderr
    assert "Nothing was changed." in planned.stdout
    assert rows(pair, target) == 0
    done = restore(pair, backup, name=target)
    assert done.returncode == 0, done.stderr
    assert "restored, and equal." in done.stdout
    assert (pair.folder / "again" / "videos" / "there.mp4").read_bytes() == b""
    # What the copy holds is what the systems may use: the same grants as before.
    with psycopg.connect(pair.database.server.url("owner", target)) as connection:
        assert connection.execute("SELECT has_table_privilege('drift_backend', 'dancers', 'UPDATE')").fetchone() == (
            True,
        )


def test_restore__twice__is_refused_the_second_time_and_changes_nothing(pair, target):
    backup = back_up(pair)
    assert restore(pair, backup, name=target).returncode == 0
    again = restore(pair, backup, name=target)
    assert again.returncode == 3
    assert f"the database {target} is not empty" in again.stderr
    assert "An interrupted restore leaves it like this, too. Then drop the database first." in again.stderr
    assert "CREATE DATABASE restored TEMPLATE template0 ENCODING 'UTF8'" in again.stderr
    assert "Nothing was changed." in again.stderr


@pytest.mark.parametrize(
    "made", ["CREATE TYPE mood AS ENUM ('fine')", "CREATE SCHEMA other", "CREATE SEQUENCE numbers"]
)
def test_restore__database_with_one_object__is_not_empty(pair, target, made):
    with psycopg.connect(pair.database.server.url("owner", target)) as connection:
        connection.execute(made.encode())
    refused = restore(pair, back_up(pair), name=target)
    assert refused.returncode == 3, refused.stderr
    assert "is not empty" in refused.stderr


def test_restore__folder_with_a_file_or_no_folder__is_refused(pair, target):
    backup = back_up(pair)
    (pair.folder / "again").mkdir()
    (pair.folder / "again" / "mine.mp4").touch()
    refused = restore(pair, backup, name=target)
    assert (refused.returncode, "Then remove the folder first." in refused.stderr) == (3, True), refused.stderr
    unnamed = pair.handover("restore", str(backup), "--into", "AGAIN", "--apply", "--confirm", target)
    assert (unnamed.returncode, "--without files. Nothing was changed." in unnamed.stderr) == (3, True), unnamed.stderr
    assert rows(pair, target) == 0


def test_restore__damaged_backup_or_wrong_name_typed__changes_nothing(pair, target):
    backup = back_up(pair)
    assert restore(pair, backup, name="other").returncode == 3
    with (backup / "database.dump").open("r+b") as file:
        file.seek(200)
        file.write(b"!")
    damaged = restore(pair, backup, name=target)
    assert damaged.returncode == 1
    assert "HO561" in damaged.stderr
    assert "database.dump is not what was written" in damaged.stderr
    assert rows(pair, target) == 0


@pytest.mark.parametrize(
    ("loses", "said"),
    [
        ("DELETE FROM dance_videos", "table public.dance_videos"),
        ("REVOKE UPDATE ON dancers FROM drift_backend", "structure: only here: GRANT"),
        ("ALTER TABLE dancers ALTER username DROP NOT NULL", "structure: only in the copy"),
        ("SELECT setval('dancers_id_seq', 4711)", "sequence public.dancers_id_seq"),
    ],
)
@pytest.mark.thinned(to_one_in=4)
def test_restore__that_loses_something__is_seen(pair, target, tmp_path, loses, said):
    backup = back_up(pair)
    real = binaries.programs(Account.current())
    folder = tmp_path / "programs"
    folder.mkdir()
    (folder / "pg_dump").symlink_to(real / "pg_dump")
    lossy = folder / "pg_restore"
    lossy.write_text(f'#!/bin/sh\n{real}/pg_restore "$@" && {real}/psql -qc "{loses}"\n')
    lossy.chmod(0o755)
    with (pair.folder / "handover.toml").open("a") as file:
        file.write(f'\n[backup]\nprograms = "{folder}"\n')
    ended = restore(pair, backup, name=target)
    assert ended.returncode == 1, ended.stdout
    assert "the restored database is not what was backed up" in ended.stderr
    assert said in ended.stderr
    assert f"Let no system use {target}." in ended.stderr


def test_restore__role_is_missing_and_may_not_be_made__says_so_and_leaves_the_database_empty(pair, target):
    backup = back_up(pair)
    roles = json.loads((backup / "roles.json").read_text())
    assert "drift_backend" in roles["roles"]
    pair.superuser("CREATE ROLE passing NOLOGIN")
    pair.superuser("GRANT SELECT ON dancers TO passing")
    backup = back_up(pair)
    pair.superuser("DROP OWNED BY passing")
    pair.superuser("DROP ROLE passing")
    with pair.narrow(target) as url:
        ended = restore(pair, backup, name=target, AGAIN=url)
    assert ended.returncode == 1
    assert re.search("the roles .*passing.* are missing on this server and could not be made", ended.stderr), (
        ended.stderr
    )
    assert rows(pair, target) == 0
    assert restore(pair, backup, name=target, AGAIN=pair.database.server.url("owner", target)).returncode == 0
    with psycopg.connect(pair.database.server.url("owner", target)) as connection:
        found = connection.execute("SELECT has_table_privilege('passing', 'dancers', 'SELECT')").fetchone()
        assert found == (True,)
    with pair.database.server.connect(target) as connection:
        connection.execute("DROP OWNED BY passing")
    pair.superuser("DROP ROLE passing")


def test_roles__are_those_of_this_database_and_those_between_them(pair):
    one, two, three = (f"{letter}_{secrets.token_hex(4)}" for letter in ("reader", "between", "elsewhere"))
    try:
        pair.superuser(f"CREATE ROLE {one} NOLOGIN; CREATE ROLE {two} NOLOGIN; CREATE ROLE {three} NOLOGIN")
        # The owner made the third for another database; the backend reads by the first, as a member of the second.
        pair.superuser(f"GRANT SELECT ON dancers TO {one}; GRANT {one} TO {two}; GRANT {two} TO drift_backend")
        pair.superuser(f"GRANT {three} TO owner WITH ADMIN OPTION; GRANT pg_monitor TO drift_backend")
        needed = json.loads((back_up(pair) / "roles.json").read_text())
    finally:
        pair.superuser(f"DROP OWNED BY {one}; DROP ROLE {one}, {two}, {three}; REVOKE pg_monitor FROM drift_backend")
    assert {one, two} <= needed["roles"].keys()
    assert three not in needed["roles"]
    assert [one, two] in needed["members"]
    assert ["pg_monitor", "drift_backend"] in needed["members"]


def test_search_index__backed_up_and_restored__holds_the_same_documents(pair, target):
    with (pair.folder / "handover.toml").open("a") as file:
        file.write(f'\n[index]\nname = "{INDEX}"\nsetting = "X"\nurl_env = "FROM"\n')
    with SearchServer() as one, SearchServer() as other:
        httpx.put(f"{one.url}/{INDEX}", json={"mappings": {"properties": MAPPING}})
        lines = [part for n in range(5) for part in ({"index": {"_id": f"d{n}"}}, {"v": [1, n], "name": f"n{n}"})]
        body = "\n".join([*map(json.dumps, lines), ""])
        httpx.post(f"{one.url}/{INDEX}/_bulk?refresh=true", content=body)
        backup = back_up(pair, FROM=one.url)
        assert len((backup / "index.jsonl").read_text().splitlines()) == 6
        unnamed = restore(pair, backup, name=target)
        assert (unnamed.returncode, "--without index. Nothing was changed." in unnamed.stderr) == (3, True)
        not_empty = restore(pair, backup, "--index", "FROM", name=target)
        assert (not_empty.returncode, "is not empty" in not_empty.stderr) == (3, True)
        done = restore(pair, backup, "--index", "OTHER", name=target, OTHER=other.url)
        assert done.returncode == 0, done.stderr
        assert "5 documents" in done.stdout
        assert httpx.post(f"{other.url}/{INDEX}/_count").json()["count"] == 5


@pytest.mark.parametrize("name", ["../outside.mp4", "a/../../outside.mp4", "/outside.mp4"])
def test_files__name_that_leads_out_of_the_folder__writes_nothing(pair, tmp_path, name):
    backup = back_up(pair)
    (one,) = read_files(backup)
    (backup / "files.jsonl").write_text(json.dumps({**one, "name": name}) + "\n")
    with pytest.raises(BackupError, match="outside of its folder"):
        write_files(backup, "", tmp_path / "deep" / "media")
    assert not list(tmp_path.rglob("outside.mp4"))
    shutil.rmtree(backup)


def test_structure__of_another_version__is_not_compared_and_that_is_said(pair):
    source = {"server_version": 180_003, "pg_dump": dump_version(load_config(pair.folder / "handover.toml"))}
    config = load_config(pair.folder / "handover.toml")
    assert same_words(config, source, 180_006)
    assert not same_words(config, source, 190_001)
    assert not same_words(config, {**source, "pg_dump": "pg_dump (PostgreSQL) 19.1"}, 180_003)


def test_files__disk_that_changes_them__leaves_no_folder(pair, tmp_path):
    backup = back_up(pair)
    (one,) = read_files(backup)
    (backup / "files.jsonl").write_text(json.dumps({**one, "name": "a.mp4"}) + "\n")
    (backup / place_of(one["sha256"])).write_bytes(b"other")
    with pytest.raises(BackupError, match="is not what was backed up"):
        write_files(backup, "", tmp_path / "deep" / "media")
    assert list((tmp_path / "deep").iterdir()) == []
    shutil.rmtree(backup)


@pytest.mark.parametrize("change", [{"dbname": "nowhere_at_all"}, {"user": "nobody_at_all"}])
def test_restore__url_that_is_wrong__names_the_variable_that_was_read(pair, target, change):
    wrong = make_conninfo(pair.database.server.url("owner", target), **change)
    ended = restore(pair, back_up(pair), AGAIN=wrong)
    assert ended.returncode == 1, ended.stdout
    assert "in the URL in the environment variable AGAIN." in ended.stderr
    assert "url_env" not in ended.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--folder", "MOVES_LIBRAY=x"), "--folder MOVES_LIBRAY: the backup has nothing of that name. Leave --folder"),
        (("--folder", "MOVES=x"), "this backup has no files of MOVES of its own: they are in the storage, or there"),
        (
            ("--without", "file"),
            "--without file: the backup has nothing of that name. --without takes here: files, ind",
        ),
        (("--without", "MOVES"), "this backup has no files of MOVES of its own: they are in the storage, or there"),
    ],
)
def test_restore__name_that_the_backup_has_not__is_refused_in_the_dry_run_too(pair, target, words, said):
    backup = back_up(pair)
    with (pair.folder / "handover.toml").open("a") as file:
        file.write('\n[backup]\nfolders = ["MOVES"]\n')
    for name in ("", target):
        refused = restore(pair, backup, *words, name=name)
        assert (refused.returncode, said in refused.stderr) == (3, True), refused.stderr
    assert rows(pair, target) == 0


def test_files__folders_that_are_made__are_closed_to_other_accounts(pair, tmp_path):
    backup = back_up(pair)
    (one,) = read_files(backup)
    (backup / "files.jsonl").write_text(json.dumps({**one, "name": "a/b/c.mp4"}) + "\n")
    assert write_files(backup, "", tmp_path / "srv" / "deep" / "media") == 1
    made = [path for path in (tmp_path / "srv", *(tmp_path / "srv").rglob("*")) if path.is_dir()]
    assert len(made) == 5
    assert not [path for path in made if path.stat().st_mode & 0o007]
    shutil.rmtree(backup)
