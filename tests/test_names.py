"""One class name has one meaning in the repository's packages, and nothing of ours is imported under another name."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("handover", "bachateo", "sandbox")


def sources() -> Iterator[tuple[str, ast.Module]]:
    """Yield every module of the packages: its path, and its syntax."""
    for package in PACKAGES:
        for file in sorted((ROOT / package / "src").rglob("*.py")):
            yield str(file.relative_to(ROOT)), ast.parse(file.read_text())


def repeated_classes(modules: list[tuple[str, ast.Module]]) -> dict[str, list[str]]:
    """Return the public names that several classes have, each with the modules."""
    places = defaultdict(list)
    for path, tree in modules:
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(path)
    return {name: paths for name, paths in places.items() if len(paths) > 1}


def aliases(modules: list[tuple[str, ast.Module]]) -> list[str]:
    """Return the imports of our own modules and names under another name."""
    return [
        f"{path}: {node.module}.{name.name} as {name.asname}"
        for path, tree in modules
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in PACKAGES
        for name in node.names
        if name.asname
    ]


def test_classes__of_all_packages__have_names_of_their_own():
    modules = list(sources())
    assert len(modules) > 400
    assert repeated_classes(modules) == {}


def test_imports__of_our_own_names__give_no_other_name():
    assert aliases(list(sources())) == []


@pytest.mark.parametrize(
    ("source", "repeated", "renamed"),
    [
        ("class Night: ...", {"Night": ["a.py", "b.py"]}, []),
        ("class _Night: ...", {}, []),
        ("import numpy as np", {}, []),
        ("from handover.config import config as settings", {}, ["a.py: handover.config.config as settings"]),
    ],
)
def test_planted__is_named(source, repeated, renamed):
    tree = ast.parse(source)
    assert repeated_classes([("a.py", tree), ("b.py", tree)]) == repeated
    assert aliases([("a.py", tree)]) == renamed
