"""The database over TLS, on a server that takes nothing else, and what is told when that fails.

It is the PostgreSQL of the system, since the wheel's was built without TLS; so it is an older one, too.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from handover.schema.programs import connecting_environment
from handover.troubles import database_trouble
from handover_testing.certificates import certificate
from sandbox import house, template
from sandbox.fixtures import roomy_place, server_for_this_run
from sandbox.postgres import Database, Server
from sandbox.postgres.account import Account
from sandbox.postgres.binaries import CHOSEN, programs

# The name in the certificate, and another one of the same server.
NAME, OTHER_NAME = "localhost", "127.0.0.1"
DATABASE = "compas"


@dataclass(frozen=True)
class Encrypted:
    """A server that takes encrypted connections alone, with an adopted database; and files of two authorities."""

    server: Server
    authority: Path
    other_authority: Path

    def url(self, role: str, *, host: str = NAME, **asked: object) -> str:
        """Return the URL of the database; unless other things are asked, the server is checked in full."""
        query = "&".join(
            f"{k}={v}" for k, v in ({"sslmode": "verify-full", "sslrootcert": self.authority} | asked).items()
        )
        return self.server.url(role, DATABASE).replace("@127.0.0.1:", f"@{host}:") + f"?{query}"


@pytest.fixture(scope="module")
def encrypted(postgres: Server, adopted_template: str) -> Iterator[Encrypted]:
    with TemporaryDirectory(prefix="sandbox-tls-", dir=roomy_place()) as place, pytest.MonkeyPatch.context() as patch:
        folder = Path(place)
        folder.chmod(0o711)  # the server may run as another user than this process
        settings = _tls(folder)
        with template.clone(postgres, adopted_template) as adopted:
            dump = _dumped(adopted)
        patch.setenv(CHOSEN, str(_with_tls()))
        with server_for_this_run(**settings) as server:
            _restore(dump, server)
            patch.undo()
            yield Encrypted(server, folder / "authority.pem", folder / "other.pem")


def _with_tls() -> Path:
    """Return the folder of a PostgreSQL that was built with TLS, as the wheel's is not."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: float(path.parts[-3]))
    if not found:
        pytest.skip("no PostgreSQL of the system: script/bootstrap --full installs it")
    return found[-1].parent


def _tls(folder: Path) -> dict[str, str]:
    """Write certificates, a key and the rules of who may connect; return the settings that name them."""
    authority = certificate("Authority of the database", 30)
    leaf, key = certificate(NAME, 30, authority)
    files = {
        "authority.pem": authority[0].public_bytes(Encoding.PEM),
        "other.pem": certificate("Another authority", 30)[0].public_bytes(Encoding.PEM),
        "server.pem": leaf.public_bytes(Encoding.PEM),
        "key.pem": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        "hba.conf": b"hostssl all all all scram-sha-256\n",
    }
    account = Account.current()
    for name, content in files.items():
        path = folder / name
        path.write_bytes(content)
        path.chmod(0o600 if name == "key.pem" else 0o644)
        os.chown(path, account.uid, account.gid)
    paths = {"ssl_cert_file": "server.pem", "ssl_key_file": "key.pem", "hba_file": "hba.conf"}
    return {"ssl": "on"} | {setting: str(folder / name) for setting, name in paths.items()}


def _dumped(database: Database) -> bytes:
    program = programs(Account.current()) / "pg_dump"
    dump = subprocess.run(
        [program], env=connecting_environment(database.url("postgres")), capture_output=True, check=True
    )
    # What older servers do not know.
    return b"".join(line for line in dump.stdout.splitlines(True) if not line.startswith(b"SET transaction_timeout"))


def _restore(dump: bytes, server: Server) -> None:
    """Make a database of a dump, with the role that `handover adopt` made for it."""
    password = conninfo_to_dict(server.url("backend_app", DATABASE))["password"]
    with server.connect() as session:
        session.execute(sql.SQL("CREATE ROLE backend_app LOGIN PASSWORD {}").format(sql.Literal(password)))
        session.execute("GRANT backend_app TO owner")
    server.create_database(DATABASE)
    restore = [
        programs(Account.current()) / "psql",
        "--no-psqlrc",
        "--quiet",
        "--set=ON_ERROR_STOP=1",
        "--output=/dev/null",
    ]
    subprocess.run(restore, env=connecting_environment(server.url("postgres", DATABASE)), input=dump, check=True)


def backend(url: str, media: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the backend."""
    env = house.system_environment(database_url=url, media=media, secret_key="unused")
    return subprocess.run(
        [sys.executable, *command], cwd=house.ROOT / "backend", env=env, capture_output=True, text=True, check=False
    )


SESSION = """
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    print(*cursor.fetchone())
"""


def test_backend__server_is_the_one_in_the_certificate__is_served_over_tls(encrypted, tmp_path):
    done = backend(encrypted.url("backend_app"), tmp_path, "manage.py", "shell", "--no-imports", "--command", SESSION)
    assert (done.returncode, done.stdout) == (0, "True TLSv1.3\n"), done.stderr


# What is wrong: what of the URL, and what the backend and the toolkit say. A server without TLS is not this one.
WRONG = {
    "another name": (
        {"host": OTHER_NAME},
        f"its certificate is for {NAME}, and DATABASE_URL names {OTHER_NAME}. Name the host as the certificate does",
        f"certificate is for {NAME}, and the URL names the host {OTHER_NAME}. Name the host in the URL in the",
    ),
    "another authority": (
        {"sslrootcert": "other.pem"},
        "its certificate is not of the authority that sslrootcert names, or has run out. Let sslrootcert name",
        "certificate is not of the authority that sslrootcert names, or has run out. Let sslrootcert in the URL",
    ),
    "no file of the authority": (
        {"sslrootcert": "/no/authority.pem"},
        "the file of its authority, /no/authority.pem, is not there or is no certificate. Put the authority's",
        "authority, /no/authority.pem, is not there or is no certificate. Put the authority's certificate there",
    ),
    "no encryption asked for": (
        {"sslmode": "disable"},
        "it admits no such connection without TLS (host ",
        "the server admits no such connection without TLS: host ",
    ),
    "no encryption offered": (
        {},
        "it does not offer TLS, which DATABASE_URL asks for. Switch TLS on in the server (ssl = on)",
        "the server offers no TLS, and the URL asks for it. Switch TLS on in the server (ssl = on)",
    ),
}


def wrong_url(encrypted: Encrypted, postgres: Server, what: str) -> str:
    asked = dict(WRONG[what][0])
    if asked.get("sslrootcert") == "other.pem":
        asked["sslrootcert"] = encrypted.other_authority
    url = encrypted.url("backend_app", **asked)
    return url.replace(f":{encrypted.server.port}/", f":{postgres.port}/") if "offered" in what else url


# The backend's words for what the driver raises, asked for in one process.
TOLD = """
import json, sys
import psycopg
from config.encrypted import fault_told
told = []
for url in json.load(sys.stdin):
    try:
        psycopg.connect(url)
    except psycopg.OperationalError as error:
        told.append(fault_told(error))
print(json.dumps(told))
"""


def test_fault__of_the_name_the_authority_or_the_encryption__is_told_with_what_to_do(encrypted, postgres):
    urls = [wrong_url(encrypted, postgres, what) for what in WRONG]
    done = subprocess.run(
        [sys.executable, "-c", TOLD],
        cwd=house.ROOT / "backend",
        input=json.dumps(urls),
        capture_output=True,
        text=True,
        check=True,
    )
    for url, told, (_, by_backend, by_toolkit) in zip(urls, json.loads(done.stdout), WRONG.values(), strict=True):
        assert by_backend in told
        with pytest.raises(psycopg.OperationalError) as caught:
            psycopg.connect(url)
        assert by_toolkit in database_trouble(caught.value)


def test_authority_alone_is_checked__another_name__is_served(encrypted):
    with psycopg.connect(encrypted.url("backend_app", host=OTHER_NAME, sslmode="verify-ca")) as session:
        assert session.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").fetchone() == (True,)


STARTS = {
    "a command": ("manage.py", "showmigrations"),
    "a worker": ("manage.py", "procrastinate", "worker", "--one-shot"),
    "a server": ("-m", "gunicorn", "--bind", "127.0.0.1:0"),
}


@pytest.mark.parametrize(
    "start", [name if name == "a command" else pytest.param(name, marks=pytest.mark.full) for name in STARTS]
)
def test_backend__server_has_another_name__does_not_start_and_says_why(encrypted, tmp_path, start):
    done = backend(encrypted.url("backend_app", host=OTHER_NAME), tmp_path, *STARTS[start])
    assert done.returncode != 0
    assert WRONG["another name"][1] in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.full
def test_worker__over_tls__comes_and_goes(encrypted, tmp_path):
    done = backend(encrypted.url("backend_app"), tmp_path, *STARTS["a worker"])
    assert done.returncode == 0, done.stderr


def handover(
    encrypted: Encrypted, *words: str, host: str = NAME, root: Path = house.ROOT
) -> subprocess.CompletedProcess[str]:
    environment = house.handover_environment(encrypted.server, DATABASE) | {
        "DATABASE_URL": encrypted.url("backend_app"),
        "ORIGINAL_DATABASE_URL": encrypted.url("original_app"),
        "HANDOVER_DATABASE_URL": encrypted.url("owner", host=host),
        "HANDOVER_RESTORE_URL": encrypted.url("owner", host=host),
        "SCHEMA_PHASE": "1",
    }
    command = [house.PROGRAMS / "handover", *words]
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.full
def test_handover__over_tls__looks_at_both_systems(encrypted):
    done = handover(encrypted, "doctor")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.full
@pytest.mark.parametrize("group", ["read-across", "concurrent-writes"])
def test_handover__over_tls__copies_and_proves(encrypted, tmp_path, group):
    for name in ("original", "backend", "pair", ".venv"):
        (tmp_path / name).symlink_to(house.ROOT / name)
    text = (house.ROOT / "handover.toml").read_text()
    changed = re.sub('^pg_bin = ".*"', f'pg_bin = "{_with_tls()}"', text, flags=re.MULTILINE)
    (tmp_path / "handover.toml").write_text(changed)
    done = handover(encrypted, "prove", "--group", group, root=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.full
@pytest.mark.parametrize("words", [["prove", "--group", "read-across"], ["backup", "--apply"]], ids=" ".join)
def test_handover__programs_were_built_without_tls__says_so(encrypted, words):
    if words[0] == "backup":
        made = handover(encrypted, "init-journal", "--apply")
        assert made.returncode == 0, made.stderr
    done = handover(encrypted, *words)
    assert done.returncode == 1
    assert "SSL support is not compiled in" in done.stderr
    assert "Name the folder of others, such as those of the system's packages: [prove] pg_bin" in done.stderr


@pytest.mark.full
def test_handover__server_has_another_name__says_so(encrypted):
    done = handover(encrypted, "check", host=OTHER_NAME)
    assert done.returncode == 1
    assert "HO004" in done.stderr
    assert WRONG["another name"][2] in done.stderr


def test_original__deletes_a_choreography_that_is_liked__also_on_an_older_postgres(encrypted):
    """Before version 18 the trigger of likes runs as the role that deletes, unless it says otherwise."""
    with psycopg.connect(encrypted.url("owner")) as session:
        (user_id,) = session.execute(
            "INSERT INTO users (username, email, password, first_name, last_name, display_name, is_superuser, is_staff,"
            " is_active, is_instructor, date_joined, preferences)"
            " VALUES ('ana', 'ana@example.org', '', '', '', '', false, false, true, false, now(), '{}') RETURNING id"
        ).fetchone()
        (key,) = session.execute(
            "INSERT INTO saved_choreographies (id, user_id, title, video_path, thumbnail_path, difficulty, duration,"
            " created_at, generation_parameters)"
            " VALUES (gen_random_uuid(), %s, '', '', '', 'beginner', 1, now(), '{}') RETURNING id",
            [user_id],
        ).fetchone()
    with psycopg.connect(encrypted.url("backend_app")) as session:
        session.execute(
            "INSERT INTO backend.shares (choreography_id, user_id, shows_name, likes) VALUES (%s, %s, false, 0)",
            [key, user_id],
        )
        session.execute(
            "INSERT INTO backend.likes (choreography_id, user_id, liked_at) VALUES (%s, %s, now())", [key, user_id]
        )
    with psycopg.connect(encrypted.url("original_app")) as session:
        session.execute("DELETE FROM saved_choreographies WHERE id = %s", [key])
    with psycopg.connect(encrypted.url("backend_app")) as session:
        assert session.execute("SELECT count(*) FROM backend.likes").fetchone() == (0,)
