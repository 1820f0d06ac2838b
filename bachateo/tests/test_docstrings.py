"""Every public name of the engine has a docstring, with a section that explains three parameters or more."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCES = Path(__file__).parent.parent / "src" / "bachateo"
# Commands explain their parameters in their options' own help texts.
COMMANDS = SOURCES / "cli"
EXPLAINED_FROM = 3
Function = ast.FunctionDef | ast.AsyncFunctionDef


def unexplained(source: str, *, commands: bool = False) -> list[str]:
    """Return the public names without a docstring, and the functions whose parameters no section explains."""
    return [name for name, node in _public(ast.parse(source)) if not _is_explained(node, commands=commands)]


def _public(tree: ast.Module | ast.ClassDef, inside: str = "") -> Iterator[tuple[str, Function | ast.ClassDef]]:
    for node in tree.body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            yield inside + node.name, node
            if isinstance(node, ast.ClassDef):
                yield from _public(node, f"{node.name}.")


def _is_explained(node: Function | ast.ClassDef, *, commands: bool) -> bool:
    docstring = ast.get_docstring(node) or ""
    if commands or isinstance(node, ast.ClassDef) or len(_parameters(node)) < EXPLAINED_FROM:
        return bool(docstring)
    return "Parameters\n----------\n" in docstring


def _parameters(node: Function) -> list[str]:
    plain = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, node.args.vararg, node.args.kwarg)
    return [argument.arg for argument in plain if argument and argument.arg not in {"self", "cls"}]


@pytest.mark.parametrize("path", sorted(SOURCES.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCES)))
def test_module__public_names__are_explained(path: Path) -> None:
    source = path.read_text()
    assert ast.get_docstring(ast.parse(source))
    assert unexplained(source, commands=path.is_relative_to(COMMANDS)) == []


def test_unexplained__faults_are_planted__names_them() -> None:
    source = """
def silent(): ...
def _private(a, b, c): ...
def two(a, b): "Enough."
def three(a, *, b, **c): "Not enough."
class Thing:
    "A thing."
    def method(self, a, b): "Enough."
    def other(self, a, b, c): "Not enough."
"""
    assert unexplained(source) == ["silent", "three", "Thing.other"]
    assert unexplained(source, commands=True) == ["silent"]
