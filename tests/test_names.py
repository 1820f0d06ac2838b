"""One class name has one meaning in the repository's packages, and nothing is imported under another name."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("handover", "bachateo", "sandbox")
TESTING = "handover-testing"  # its small projects have classes like Field and Model too
# Names that every reader of Python knows.
CONVENTIONS = {"hypothesis.strategies": "st", "numpy": "np", "xml.etree.ElementTree": "ET"}
Modules = list[tuple[str, ast.Module]]


@cache
def syntax_of(file: Path) -> ast.Module:
    return ast.parse(file.read_text())


def sources(*packages: str) -> Iterator[tuple[str, ast.Module]]:
    """Yield every module of the packages: its path, and its syntax."""
    for package in packages:
        for file in sorted((ROOT / package / "src").rglob("*.py")):
            yield str(file.relative_to(ROOT)), syntax_of(file)


def repeated_classes(modules: Modules) -> dict[str, list[str]]:
    """Return the public names that several classes have, each with the modules."""
    places = defaultdict(list)
    for path, tree in modules:
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(path)
    return {name: paths for name, paths in places.items() if len(paths) > 1}


def is_plain(full_name: str, other_name: str) -> bool:
    """Say whether an alias hides nothing: it is a convention, or says which of Django's `validators` it is."""
    last = full_name.rsplit(".", 1)[-1]
    return CONVENTIONS.get(full_name) == other_name or (
        full_name.startswith("django.") and other_name.endswith(f"_{last}")
    )


def aliases(modules: Modules) -> list[str]:
    """Return the imports under another name, but for the plain ones."""
    return [
        f"{path}: {full_name} as {name.asname}"
        for path, tree in modules
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
        if (full_name := f"{node.module}.{name.name}" if isinstance(node, ast.ImportFrom) else name.name)
        if name.asname and not is_plain(full_name, name.asname)
    ]


def test_classes__of_all_packages__have_names_of_their_own():
    modules = list(sources(*PACKAGES))
    assert len(modules) > 400
    assert repeated_classes(modules) == {}


def test_imports__of_all_packages__keep_their_names():
    assert aliases(list(sources(*PACKAGES, TESTING))) == []


@pytest.mark.parametrize(
    ("source", "repeated"),
    [("class Night: ...", {"Night": ["a.py", "b.py"]}), ("class _Night: ...", {}), ("night = 1", {})],
)
def test_classes__planted_twice__are_named(source, repeated):
    tree = ast.parse(source)
    assert repeated_classes([("a.py", tree), ("b.py", tree)]) == repeated


@pytest.mark.parametrize(
    ("source", "renamed"),
    [
        ("from handover.config import config as settings", ["a.py: handover.config.config as settings"]),
        ("import handover.config as settings", ["a.py: handover.config as settings"]),
        ("import json as javascript", ["a.py: json as javascript"]),
        ("def late():\n    from json import dumps as write", ["a.py: json.dumps as write"]),
        ("from hypothesis import strategies as st", []),
        ("import numpy as np", []),
        ("from django.contrib.auth import validators as auth_validators", []),
        ("from django.contrib.auth import validators as checks", ["a.py: django.contrib.auth.validators as checks"]),
        ("import json", []),
    ],
)
def test_imports__planted_alias__is_named(source, renamed):
    assert aliases([("a.py", ast.parse(source))]) == renamed
