"""Every public module, class and function has a docstring; with three or more parameters it explains each of them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import handover

SOURCES = Path(handover.__file__).parent
FROM_PARAMETERS = 3
# The words of a command are explained by their options: the help of the command line.
COMMANDS = "cli"
# What runs in other interpreters is sent to them as text, in one piece: a line for each function is enough.
SENT = ("probe.agent", "probe.chapters", "probe.declarations", "probe.guard", "probe.histories", "probe.plain")
# The docstring of a function that finds something is the page of that finding.
PAGE = "What is wrong\n----"
Function = ast.FunctionDef | ast.AsyncFunctionDef
Documented = ast.Module | ast.ClassDef | Function
SECTION = re.compile(r"^\s*Parameters\n\s*-{3,}\n(.*?)(?=^\s*\S[^\n]*\n\s*-{3,}\n|\Z)", re.DOTALL | re.MULTILINE)


def public_names(tree: ast.Module, module: str) -> Iterator[tuple[str, Documented]]:
    """Yield a module and every public class, function and method in it, each with its dotted name."""
    yield module, tree
    bodies: list[tuple[str, list[ast.stmt]]] = [(module, tree.body)]
    while bodies:
        path, body = bodies.pop()
        for node in body:
            if isinstance(node, ast.ClassDef | Function) and not node.name.startswith("_"):
                yield f"{path}.{node.name}", node
                if isinstance(node, ast.ClassDef):
                    bodies.append((f"{path}.{node.name}", node.body))


def parameters(node: Function) -> list[str]:
    """Return the names of the parameters of a function, without ``self``."""
    every = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
    return [one.arg for one in every if one.arg not in ("self", "cls")]


def explained(docstring: str) -> set[str]:
    """Return the names that a Parameters section explains."""
    found = SECTION.search(docstring)
    if not found:
        return set()
    lines = [line for line in found[1].splitlines() if line.strip()]
    indent = min((len(line) - len(line.lstrip()) for line in lines), default=0)
    heads = [line.strip() for line in lines if len(line) - len(line.lstrip()) == indent]
    return {name.strip().lstrip("*") for head in heads for name in head.partition(":")[0].split(",")}


def lacking(source: str, module: str) -> list[str]:
    """Return what a module lacks: docstrings, and parameters without a word about them."""
    found = []
    needs_sections = module.split(".", maxsplit=1)[0] != COMMANDS and not module.startswith(SENT)
    for name, node in public_names(ast.parse(source), module):
        docstring = ast.get_docstring(node)
        if not docstring:
            found.append(f"{name} has no docstring")
        elif isinstance(node, Function) and needs_sections and PAGE not in docstring:
            names = parameters(node)
            if len(names) >= FROM_PARAMETERS and (missing := [one for one in names if one not in explained(docstring)]):
                found.append(f"{name} does not explain {', '.join(missing)}")
    return found


def modules() -> dict[str, Path]:
    """Return the modules of the package by name."""
    return {".".join(file.relative_to(SOURCES).with_suffix("").parts): file for file in SOURCES.rglob("*.py")}


def test_docstrings__every_public_name__is_documented():
    assert len(modules()) > 200
    found = [one for module, file in sorted(modules().items()) for one in lacking(file.read_text(), module)]
    assert not found, f"{len(found)} names:\n" + "\n".join(found)


THREE = '"""M."""\ndef f(a, b, c):\n    """F.\n\n    Parameters\n    ----------\n'
AB, C = "    a, b\n        Numbers.\n", "    c\n        A text.\n\n    Raises\n    ------\n    d\n        Never.\n"
END = '    """'
PLANTED = {
    "x = 1": ["m has no docstring"],
    '"""M."""\nclass A:\n    """A."""\n    def f(self): ...': ["m.A.f has no docstring"],
    '"""M."""\ndef f(a, b, *, c):\n    """F."""': ["m.f does not explain a, b, c"],
    THREE + AB + END: ["m.f does not explain c"],
    THREE + AB + C + END: [],
    '"""M."""\ndef _f(a, b, c): ...': [],
    '"""M."""\ndef f(a, b):\n    """F."""': [],
}


@pytest.mark.parametrize(("source", "expected"), PLANTED.items())
def test_lacking__planted__is_named(source, expected):
    assert lacking(source, "m") == expected
