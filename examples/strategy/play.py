"""Plays the example on a PostgreSQL of its own: the original's tables, adopt, prove, undo.

``play.py`` shows everything on the way and ends with status 0 when each step did what it should.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from sandbox.postgres import Server
from sandbox.snapshot import changes, snapshot

HERE = Path(__file__).resolve().parent
NAME = "strategy"
PEOPLE = (
    "INSERT INTO users (password, is_superuser, username, first_name, last_name, email, is_staff, is_active,"
    " date_joined) SELECT '!', false, name, '', '', name || '@example.org', false, true, now()"
    " FROM unnest('{ana,leo}'::text[]) name",
    "INSERT INTO choreography_tasks (task_id, user_id, status, progress, stage, message, created_at, updated_at)"
    " SELECT gen_random_uuid()::text, id, 'running', 10, 'analysing', '', now(), now() FROM users",
    # What the original's role may do in production.
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO original_app",
    "GRANT USAGE ON SCHEMA public TO original_app",
)
# A blueprint and a song of the backend's on a task that the original then deletes, with its person.
BACKEND_WRITES = (
    "INSERT INTO songs (title, uploaded_by_id) SELECT 'one', id FROM users WHERE username = 'leo'",
    "UPDATE choreography_tasks SET song_id = (SELECT id FROM songs)",
    "INSERT INTO choreography_blueprints (task_id, plan) SELECT task_id, '{}' FROM choreography_tasks",
    "INSERT INTO tokens_outstandingtoken (jti, token, expires_at, user_id) SELECT username, '', now(), id FROM users",
    "INSERT INTO tokens_blacklistedtoken (token_id, blacklisted_at) SELECT id, now() FROM tokens_outstandingtoken",
)
ORIGINAL_DELETES = (
    "DELETE FROM choreography_tasks WHERE user_id = (SELECT id FROM users WHERE username = 'leo')",
    "DELETE FROM users WHERE username = 'leo'",
)


class FailedError(Exception):
    """A step did not do what it should."""


def main() -> None:
    """Play it all."""
    with tempfile.TemporaryDirectory(prefix="strategy-") as place:
        Path(place).chmod(0o711)  # the server may run as another user
        with Server(Path(place) / "postgres") as server:
            server.create_database(NAME)
            play(server, Path(place) / "media")


def play(server: Server, media: Path) -> None:
    """Make the original's database, take the backend in, let both work, prove it, and take the backend out."""
    media.mkdir()
    environment = environment_of(server, media)
    run("the original's migrations", ["manage.py", "migrate", "-v0"], HERE / "original", environment | owner(server))
    execute(server, "owner", PEOPLE)
    before = snapshot(server.url("owner", NAME), "backend_app")
    handover("what adopt would do", environment, "adopt")
    handover("adopt", environment, "adopt", "--apply")
    run(
        "nothing is left to migrate",
        ["manage.py", "migrate", "--check"],
        HERE / "backend",
        environment | backend(server),
    )
    handover("prove, on a copy", environment, "prove", "--group", "read-across")
    execute(server, "backend_app", BACKEND_WRITES)
    execute(server, "original_app", ORIGINAL_DELETES)
    show("the backend wrote, and the original deleted what the backend's rows hang on")
    handover("undo", environment, "adopt", "--undo", "--apply", "--confirm", NAME)
    left = changes(before, snapshot(server.url("owner", NAME), "backend_app"))
    if set(left) - {"rows of users", "rows of choreography_tasks"}:
        raise FailedError(f"the undo left {left}")
    show("no trace of the backend is left")


def environment_of(server: Server, media: Path) -> dict[str, str]:
    """Return what both systems and ``handover`` read."""
    place = conninfo_to_dict(server.url("backend_app", NAME))
    return {
        **{name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"},
        "DB_HOST": str(place["host"]),
        "DB_PORT": str(place["port"]),
        "DB_NAME": NAME,
        "MEDIA_ROOT": str(media),
        "HANDOVER_DATABASE_URL": server.url("owner", NAME),
        "BACKEND_DATABASE_PASSWORD": str(place["password"]),
        "ORIGINAL_PASSWORD": str(conninfo_to_dict(server.url("original_app", NAME))["password"]),
    }


def owner(server: Server) -> dict[str, str]:
    """Return what a system needs to connect as the owner of the tables."""
    return _credentials(server, "owner")


def backend(server: Server) -> dict[str, str]:
    """Return what a system needs to connect as the backend's role."""
    return _credentials(server, "backend_app")


def _credentials(server: Server, role: str) -> dict[str, str]:
    return {"DB_USER": role, "DB_PASSWORD": str(conninfo_to_dict(server.url(role, NAME))["password"])}


def handover(title: str, environment: dict[str, str], *arguments: str) -> None:
    """Run the toolkit."""
    program = ["-c", "from handover.cli import app; app()"]
    run(title, [*program, *arguments, "--config", str(HERE / "handover.toml")], HERE, environment)


def run(title: str, arguments: list[str], folder: Path, environment: dict[str, str]) -> None:
    """Run Python in a folder; a status other than 0 ends the play."""
    show(title)
    done = subprocess.run([sys.executable, *arguments], cwd=folder, env=environment, check=False)
    if done.returncode:
        raise FailedError(f"{title} ended with status {done.returncode}")


def execute(server: Server, role: str, statements: tuple[str, ...]) -> None:
    """Run statements as one of the roles."""
    with psycopg.connect(server.url(role, NAME)) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def show(line: str) -> None:
    """Say what comes."""
    sys.stdout.write(f"\n== {line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
