"""SCHEMA.md and the catalog of a database, as lists of the same lines."""

import difflib
import re
from pathlib import Path

import psycopg

SCHEMA = Path(__file__).with_name("SCHEMA.md")
CATALOG = Path(__file__).with_name("catalog.sql")

HEADING = re.compile(r"^##+ `?(.*?)`?$")
ROW = re.compile(r"^\| (\d+ \| )?`")  # of a column, a constraint or an index
CONTENT_TYPES = "django_content_type (id order)"
MIGRATIONS = "django_migrations after migrate (in order)"

Fact = tuple[str, str]


def stated_facts(document: str) -> list[Fact]:
    """Return what the document states, as (section, line), in the order of the catalog's facts."""
    rows: list[Fact] = []
    lists: list[Fact] = []
    section = ""
    for line in document.splitlines():
        if heading := HEADING.match(line):
            section = heading[1]
        elif ROW.match(line):
            rows.append((section, line))
        elif section in {"sequences", MIGRATIONS} and line:
            lists += [(section, item) for item in line.split(", ")]
        elif line.startswith(CONTENT_TYPES):
            models = line.removeprefix(f"{CONTENT_TYPES}: ").partition(". ")[0]
            lists += [(CONTENT_TYPES, model) for model in models.split(", ")]
    # Stable: lists keep their order, which is a fact of its own.
    return sorted(sorted(rows) + lists, key=lambda fact: fact[0])


def catalog_facts(url: str) -> list[Fact]:
    """Return what the database has, as (section, line)."""
    with psycopg.connect(url) as connection:
        return connection.execute(CATALOG.read_bytes()).fetchall()


def differences(stated: list[Fact], found: list[Fact]) -> list[str]:
    """Return every line that one side has and the other has not."""
    meaning = {"- ": "missing", "+ ": "not stated"}
    before, after = ([f"{section}: {line}" for section, line in facts] for facts in (stated, found))
    return [f"{meaning[line[:2]]}: {line[2:]}" for line in difflib.ndiff(before, after) if line[:2] in meaning]
