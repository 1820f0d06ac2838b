"""A backup is one only after it was restored and compared."""

import psycopg
import pytest

from handover.backup.content import content
from handover.journal.evidence import latest
from sandbox.postgres import binaries
from sandbox.postgres.account import Account
from sandbox.postgres.cluster import SUPERUSER


@pytest.fixture
def backed(story):
    story.with_journal()
    server = story.pair.database.server
    story.pair.patch.setenv("HANDOVER_RESTORE_URL", server.url(SUPERUSER, "postgres"))
    return story


def test_backup__restored_and_equal__is_evidence_and_leaves_no_database(backed):
    shown = backed.done("backup", "--apply").stdout
    assert "Restored, and equal." in shown
    sealed = latest(backed.config, "backup")
    assert sealed is not None
    assert sealed.summary["restored"]
    assert sealed.summary["rows"] > 0
    assert sealed.summary["objects"] > 0
    assert {line["table"] for line in sealed.lines("tables")} >= {"public.dancers", "public.dance_tasks"}
    left = backed.pair.database.server.databases()
    assert not [name for name in left if name.startswith("handover_restore")]


def test_backup__role_may_not_create_the_database_to_restore_into__is_told_the_statement(backed):
    server = backed.pair.database.server
    backed.pair.patch.setenv("HANDOVER_RESTORE_URL", server.url("original_app", "postgres"))
    ended = backed.handover("backup", "--apply")
    assert ended.returncode == 1
    assert 'As an administrator: ALTER ROLE "original_app" CREATEDB.' in ended.stderr


def test_backup__extension_that_only_a_superuser_makes__is_tried_without_it_and_says_so(backed):
    server, name = backed.pair.database.server, backed.pair.database.name
    with server.connect(name) as superuser:
        superuser.execute("CREATE EXTENSION pg_stat_statements")
    backed.pair.patch.setenv("HANDOVER_RESTORE_URL", server.url("owner", "postgres"))
    ended = backed.handover("backup", "--apply")
    assert "Restored, and equal." in ended.stdout, ended.stderr
    assert "the extension pg_stat_statements is not in the copy: permission denied" in ended.stderr


def test_backup__without_apply__makes_nothing(backed):
    assert "Nothing was changed." in backed.done("backup").stdout
    assert latest(backed.config, "backup") is None


def test_backup__restore_that_loses_a_row__is_no_evidence(backed, tmp_path):
    real = binaries.programs(Account.current())
    folder = tmp_path / "programs"
    folder.mkdir()
    (folder / "pg_dump").symlink_to(real / "pg_dump")
    lossy = folder / "pg_restore"
    loses = "DELETE FROM dance_videos"
    lossy.write_text(f"#!/bin/sh\n{real}/pg_restore \"$@\" && {real}/psql -qc '{loses}'\n")
    lossy.chmod(0o755)
    declared = backed.config.prove.pg_bin
    backed.file.write_text(backed.file.read_text().replace(f'pg_bin = "{declared}"', f'pg_bin = "{folder}"'))
    ended = backed.handover("backup", "--apply")
    assert ended.returncode == 1, ended.stdout
    assert "the restored copy is not what was backed up" in ended.stderr
    assert "table public.dance_videos" in ended.stderr
    assert latest(backed.config, "backup") is None


@pytest.mark.parametrize(("change", "status"), [("rm -f {}", 0), ("echo other > {}", 1)])
def test_backup__file_changes_meanwhile__deleted_is_told_and_overwritten_refused(backed, tmp_path, change, status):
    media = backed.pair.stage.media / "videos" / "meanwhile.mp4"
    media.write_text("one")
    real = binaries.programs(Account.current())
    folder = tmp_path / "programs"
    folder.mkdir()
    (folder / "pg_restore").symlink_to(real / "pg_restore")
    slow = folder / "pg_dump"
    slow.write_text(f'#!/bin/sh\n{change.format(media)}\nexec {real}/pg_dump "$@"\n')
    slow.chmod(0o755)
    backed.declare(f'[backup]\nprograms = "{folder}"')
    ended = backed.handover("backup", "--apply")
    media.unlink(missing_ok=True)
    assert ended.returncode == status, ended.stderr
    sealed = latest(backed.config, "backup")
    assert (sealed.summary["objects_deleted_meanwhile"] == 1) if sealed else "was overwritten" in ended.stderr


def test_backup__no_place_to_restore__is_refused_before_anything_is_dumped(backed, monkeypatch):
    monkeypatch.delenv("HANDOVER_RESTORE_URL")
    ended = backed.handover("backup", "--apply")
    assert ended.returncode == 2
    assert "HANDOVER_RESTORE_URL is not set; it holds a server to restore on" in ended.stderr
    assert not (backed.pair.folder / ".handover/backups").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("DELETE FROM dance_videos", "table public.dance_videos"),
        ("UPDATE dancers SET first_name = 'x'", "table public.dancers"),
        ("CREATE TABLE more (id int)", "table public.more: 0 rows"),
        ("SELECT setval('dancers_id_seq', 4711)", "sequence public.dancers_id_seq"),
    ],
)
def test_content__changed__differs_in_that(pair, change, said):
    with psycopg.connect(pair.database.url("owner")) as connection:
        before = content(connection)
        assert not before.differing(content(connection))
        connection.execute(change.encode())
        (difference,) = content(connection).differing(before)
    assert difference.startswith(said)


def test_backup__without_files__is_evidence_and_says_that_it_has_none(backed):
    backed.declare("[backup]\nobjects = false")
    shown = backed.done("backup", "--apply").stdout
    assert "files      none: [backup] objects is false" in shown
    assert "Restored, and equal." in shown
    sealed = latest(backed.config, "backup")
    assert sealed
    assert sealed.summary["objects"] == 0


def test_backup__dry_run_that_would_be_refused__names_what_is_missing(backed, monkeypatch):
    assert "To do it: the same command with --apply" in backed.done("backup").stdout
    with backed.pair.database.server.connect(backed.pair.database.name) as connection:
        connection.execute("DROP SCHEMA handover CASCADE")
    monkeypatch.delenv("HANDOVER_RESTORE_URL")
    shown = backed.done("backup").stdout
    assert "With --apply it would be refused now" in shown
    assert "HANDOVER_RESTORE_URL, which is not set" in shown
    assert "handover init-journal --apply" in shown
    assert "the same command with --apply --untried" in shown
    assert "refused" not in backed.done("backup", "--untried").stdout


def test_backup__trial_that_cannot_begin__names_its_variable_and_says_where_the_backup_is(backed, monkeypatch):
    server = backed.pair.database.server
    monkeypatch.setenv("HANDOVER_RESTORE_URL", server.url(SUPERUSER, "nowhere_at_all"))
    ended = backed.handover("backup", "--apply")
    assert ended.returncode == 1, ended.stdout
    assert "in the URL in the environment variable HANDOVER_RESTORE_URL." in ended.stderr
    assert "url_env" not in ended.stderr
    (made,) = (backed.pair.folder / ".handover/backups").glob("2*")
    assert f"A backup was made, it is in {made}; it was not tried" in ended.stderr
    assert latest(backed.config, "backup") is None
