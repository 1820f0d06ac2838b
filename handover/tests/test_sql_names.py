"""Every name in a statement is quoted: by ``psycopg.sql`` in what is executed, by ``identifier`` in what is advised."""

import ast
import re
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[1] / "src/handover"
# Where text is sent to the database, and where text becomes a statement.
SENT = ("execute", "executemany", "SQL", "copy")
# A file and a text that is no SQL, or SQL as a whole: a part of a model's expression, a migration's own statement.
ALLOWED = {
    ("wording.py", '"{}"'),
    ("document/markdown.py", '"{}"'),
    ("journal/copy.py", '"{}"'),
    ("schema/expressions.py", "({})"),
    ("adoption/history.py", '["{}"]'),
    ("adoption/run.py", '["{}"]'),
}
STATEMENT = re.compile(
    r"\b(SELECT|INSERT|UPDATE|DELETE|ALTER|CREATE|DROP|GRANT|REVOKE|COMMENT|VALIDATE|REINDEX|USING|WHERE|FROM|ON|TO)\b"
)


def text_of(node: ast.JoinedStr) -> str:
    """Return an f-string with ``{}`` for each value that is no constant of a module."""
    parts = []
    for part in node.values:
        if isinstance(part, ast.Constant):
            parts.append(str(part.value))
        else:
            constant = isinstance(part.value, ast.Name) and part.value.id.lstrip("_").isupper()
            parts.append("constant" if constant else "{}")
    return "".join(parts)


def unquoted(path: Path, source: str) -> list[str]:
    """Return a line for each place of a source where a name gets into a statement as it is."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and node.args:
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            first = node.args[0]
            texts = [n for n in (first, *ast.iter_child_nodes(first)) if isinstance(n, (ast.Constant, ast.JoinedStr))]
            mixed = isinstance(first, ast.BinOp) and bool(texts)
            formatted = isinstance(first, ast.Call) and isinstance(first.func, ast.Attribute)
            mixed |= formatted and first.func.attr == "format" and isinstance(first.func.value, ast.Constant)
            if called in SENT and (mixed or (isinstance(first, ast.JoinedStr) and "{}" in text_of(first))):
                found.append((node.lineno, "sent", ast.unparse(first)))
        if isinstance(node, ast.JoinedStr):
            text = text_of(node)
            if '"{}"' in text or (STATEMENT.search(text) and "'{}'" in text and ";" in text):
                found.append((node.lineno, "quoted by hand", text))
    return [
        f"{path}:{line}: {how}: {text}"
        for line, how, text in sorted(set(found))
        if not any(str(path) == file and part in re.sub(r"\{[^{}]+\}", "{}", text) for file, part in ALLOWED)
    ]


def test_sources__every_name_in_a_statement__is_quoted():
    found = []
    for file in sorted(SOURCES.rglob("*.py")):
        if "probe" not in file.relative_to(SOURCES).parts[:1]:
            found += unquoted(file.relative_to(SOURCES), file.read_text())
    assert found == []


@pytest.mark.parametrize(
    "planted",
    [
        'connection.execute(f"DROP TABLE {name}")',
        'connection.execute("DROP TABLE " + name)',
        'connection.execute("DROP TABLE %s" % name)',
        'connection.execute("DROP TABLE {}".format(name))',
        'sql.SQL(f"SELECT FROM {table}")',
        """todo = f'ALTER TABLE "{table.name}" ADD x'""",
        """todo = f"INSERT INTO t VALUES ('{app}');" """,
    ],
)
def test_sources__name_put_in_by_hand__is_seen(planted):
    assert len(unquoted(Path("planted.py"), planted)) == 1


@pytest.mark.parametrize(
    "fine",
    [
        'connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(name)))',
        'connection.execute("SELECT %s", [name])',
        'connection.execute(f"LISTEN {CHANNEL}")',
        'todo = f"ALTER TABLE {identifier(name)} ADD x"',
    ],
)
def test_sources__name_that_is_quoted__is_fine(fine):
    assert unquoted(Path("planted.py"), fine) == []
