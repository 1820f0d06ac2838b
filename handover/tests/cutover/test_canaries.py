"""The night with planted secrets: none is printed, kept, or in a list of processes; files are of one account."""

import base64
import os
import stat
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote, unquote

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from handover_testing.drifts.projects import SECRET

PASSWORD = "canary:p@ss/w%rd #1"
CANARIES = {
    "the database's password": PASSWORD,
    "the key of evidence": "canary-evidence-key-4711",
    "a hook's token": "canary-hook-token-4712",
    "the systems' key": SECRET,
    "a password hash in a row": "pbkdf2_sha256$1$canary$4714",
    "a session's key": "canarysession4716",
    "a session's data": "canary-session-data-4717",
    "a password of .pgpass": "canary-pgpass-4718",
}
# Prints everything that it has.
PRINTS_ALL = '#!/bin/sh\nenv\necho "token $HOOK_API_TOKEN"\n'


def forms(secret: str) -> set[str]:
    """Return a secret as it may be written: as it is, in a URL, and in base64."""
    return {secret, quote(secret, safe=""), quote(secret), base64.b64encode(secret.encode()).decode()}


def seen(text: str) -> list[str]:
    """Return which canaries a text holds."""
    return [name for name, secret in CANARIES.items() if any(form in text for form in forms(secret))]


@contextmanager
def watched_processes() -> Iterator[set[str]]:
    """Collect the command lines of every process while the block runs."""
    found: set[str] = set()
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.03):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    found.add(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
                except OSError:  # it has ended
                    continue

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()


@pytest.fixture
def open_to_all() -> Iterator[None]:
    """A umask that takes no right away."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def planted(story, monkeypatch, open_to_all):
    """The night's stage with canaries in it, and a role whose password is one."""
    server, name = story.pair.database.server, story.pair.database.name
    with server.connect(name) as connection:
        # Before canary would make it: other tests act as the journal's role meanwhile.
        with suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
            connection.execute("CREATE ROLE handover_journal; GRANT handover_journal TO owner WITH ADMIN OPTION")
        connection.execute("DROP ROLE IF EXISTS canary")
        connection.execute(f"CREATE ROLE canary SUPERUSER LOGIN PASSWORD '{PASSWORD}'".encode())
        connection.execute("UPDATE dancers SET password = %s", [CANARIES["a password hash in a row"]])
        row = [CANARIES["a session's key"], CANARIES["a session's data"]]
        connection.execute("INSERT INTO django_session VALUES (%s, %s, now() + interval '1 day')", row)
    where = conninfo_to_dict(story.pair.database.url("owner"))
    address = f"{where['host']}:{where['port']}"
    place = f"@{address}/{name}" if "/" not in address else f"@/{name}?host={where['host']}&port={where['port']}"
    url = f"postgresql://canary:{quote(PASSWORD, safe='')}{place}"
    assert unquote(url.split(":")[2].split("@", maxsplit=1)[0]) == PASSWORD
    monkeypatch.setenv("HANDOVER_DATABASE_URL", url)
    monkeypatch.setenv("HANDOVER_RESTORE_URL", url.replace(f"/{name}", "/postgres"))
    monkeypatch.setenv("HANDOVER_EVIDENCE_KEY", CANARIES["the key of evidence"])
    passwords = story.pair.folder / "pgpass"
    passwords.touch(0o600)
    passwords.write_text(f"*:*:*:*:{CANARIES['a password of .pgpass']}\n")
    passwords.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(passwords))
    monkeypatch.setenv("HOOK_API_TOKEN", CANARIES["a hook's token"])
    story.declare('[hooks]\ntimeout_s = 60\n[hooks.at]\nbefore-switch = ["all"]\nafter-switch = ["all"]')
    (story.pair.folder / "hooks").mkdir()
    (story.pair.folder / "hooks/all").write_text(PRINTS_ALL)
    (story.pair.folder / "hooks/all").chmod(0o755)
    # The key of DNS updates lies in octoDNS's file.
    monkeypatch.setitem(CANARIES, "the key of DNS updates", story.name_server.key.secret)
    # As an older version may have left it.
    (story.pair.folder / ".handover/lease").touch(0o666)
    yield story
    with server.connect(name) as connection:
        connection.execute("DROP OWNED BY canary CASCADE")
        connection.execute("DROP ROLE canary")


def kept(folder: Path) -> dict[Path, str]:
    """Return every file that the toolkit left, as text, also those without an end of line."""
    return {path: path.read_bytes().decode(errors="replace") for path in sorted(folder.rglob("*")) if path.is_file()}


def modes(folder: Path) -> dict[str, str]:
    """Return the rights of everything in a folder that others may read or write."""
    every = [folder, *folder.rglob("*")]
    return {
        str(one.relative_to(folder)): oct(mode) for one in every if (mode := stat.S_IMODE(one.stat().st_mode)) & 0o077
    }


NIGHT = (
    ("init-journal", "--apply"),
    ("cutover", "begin", "--apply"),
    ("check", "--all"),
    ("check", "--json"),
    ("document", "--json"),
    ("doctor",),
    ("gates",),
    ("backup", "--apply"),
    ("cutover", "plan"),
    ("cutover", "--apply", "PLAN"),
    ("status", "--json"),
    ("verify",),
    ("report", "--out", "REPORT"),
)


@pytest.mark.full
def test_night__with_planted_secrets__leaves_none_and_no_open_file(planted, monkeypatch, caplog):
    folder = planted.pair.folder
    printed = {}
    with watched_processes() as processes:
        for command in NIGHT:
            plans = sorted((folder / ".handover/plans").glob("*.json"))
            for_these = {"PLAN": plans[0].stem if plans else "", "REPORT": str(folder / "report.html")}
            words = [for_these.get(word, word) for word in command]
            ended = planted.pair.ended(*words)
            printed[" ".join(command)] = ended
    assert {name: e.stderr for name, e in printed.items() if e.returncode not in (0, 1, 4)} == {}
    assert [name for name, e in printed.items() if e.returncode == 1] in ([], ["verify"])  # it was not watched
    monkeypatch.setenv("HANDOVER_DATABASE_URL", os.environ["HANDOVER_DATABASE_URL"].replace("canary:", "nobody:"))
    refused = planted.pair.ended("check")
    assert refused.returncode == 1
    # Without a password in the URL, that of .pgpass is tried.
    url = os.environ["HANDOVER_DATABASE_URL"].replace(f":{quote(PASSWORD, safe='')}@", "@")
    monkeypatch.setenv("HANDOVER_DATABASE_URL", url)
    without = planted.pair.ended("check")
    files = kept(folder / ".handover") | {folder / "report.html": (folder / "report.html").read_text()}
    with planted.pair.database.server.connect(planted.pair.database.name) as connection:
        stored = str(connection.execute("SELECT * FROM handover.journal").fetchall())
    assert "before-switch" in stored
    assert "token …" in stored  # what the hook printed is there, without the secret
    texts = {f"output of {name}": e.stdout + e.stderr for name, e in printed.items()}
    texts |= {f"file {path.name}": text for path, text in files.items() if path.name != "database.dump"}
    texts |= {"without a password": without.stdout + without.stderr}
    texts |= {"refused": refused.stdout + refused.stderr, "journal": stored, "log": caplog.text}
    texts |= {f"process {line}": line for line in processes if "test_canaries" not in line}
    assert {where: found for where, text in texts.items() if (found := seen(text))} == {}
    assert modes(folder / ".handover") == {}
    assert stat.S_IMODE((folder / "report.html").stat().st_mode) == 0o600
    assert any("pg_dump" in line for line in processes)


def test_defect__secrets_in_its_error__the_kept_traceback_has_none_and_is_of_one_account(
    planted, monkeypatch, tmp_path
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    given = [os.environ["HANDOVER_DATABASE_URL"], PASSWORD, CANARIES["the key of evidence"]]

    def fail(*_: object, **__: object) -> None:
        message = f"it fails with {given}"
        raise ValueError(message)

    monkeypatch.setattr("handover.cli.gates.opened", fail)
    ended = planted.pair.ended("gates")
    assert ended.returncode == 1
    assert "This is a defect of handover" in ended.stderr
    (file,) = tmp_path.glob("handover-*.txt")
    assert "it fails with" in file.read_text()
    assert seen(file.read_text() + ended.stdout + ended.stderr) == []
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("secret", CANARIES.values(), ids=CANARIES)
def test_canary__in_any_form__is_seen(secret):
    """The negative control of the check above."""
    for form in forms(secret):
        assert seen(f"there is {form} here")


def test_modes__open_file_or_folder__is_seen(tmp_path):
    (tmp_path / "open").touch(0o644)
    (tmp_path / "open").chmod(0o644)
    tmp_path.chmod(0o750)
    assert modes(tmp_path) == {".": "0o750", "open": "0o644"}
