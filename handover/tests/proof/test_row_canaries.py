"""Proofs that fail tell what differs and where, and never what a secret of a row is."""

import pytest
from psycopg import sql

from handover_testing.pair import Pair

HASH = "pbkdf2_sha256$1$canary$4715"
SESSION, COOKIE = "canary-session-4716", "canary-cookie-4717"
CANARIES = (HASH, SESSION, COOKIE)
CHANGED = """
class Changed(models.CharField):
    def from_db_value(self, value, expression, connection):
        return None if value is None else value + "!"


"""


@pytest.fixture
def failing(pair) -> Pair:
    """A backend that reads password hashes otherwise, and rows that hold canaries."""
    app = pair.folder / "backend/apps/dance/models.py"
    head, body = app.read_text().split("class Dancer(AbstractUser):\n")
    app.write_text(f"{head}{CHANGED}class Dancer(AbstractUser):\n    password = Changed(max_length=128)\n{body}")
    path = pair.folder / "handover.toml"
    head, *models = path.read_text().split("[[models]]")
    prove = models[-1].partition("[prove]")[2]
    path.write_text("[[models]]".join([head, *(m for m in models if '.Dancer"' in m)]) + "[prove]" + prove)
    with pair.database.server.connect(pair.database.name) as connection:
        connection.execute("UPDATE dancers SET password = %s", [HASH])
        insert = "INSERT INTO django_session VALUES (%s, %s, now() + interval '1 day')"
        connection.execute(sql.SQL(insert), [SESSION, COOKIE])
    return pair


def kept(pair) -> dict[str, str]:
    folder = pair.folder / ".handover"
    return {str(p.relative_to(folder)): p.read_text(errors="replace") for p in folder.rglob("*") if p.is_file()}


@pytest.mark.full
def test_prove__fails_at_rows_with_secrets__shows_and_keeps_none(failing):
    shown = failing.handover("prove", "--group", "read-across")
    assert shown.returncode != 0
    assert "dancers.password" in shown.stdout + shown.stderr  # it was found, and told
    texts = kept(failing) | {"stdout": shown.stdout, "stderr": shown.stderr}
    assert any(name.startswith("evidence/prove-") for name in texts)
    assert [(name, canary) for name, text in texts.items() for canary in CANARIES if canary in text] == []
