"""The agent runs on old Pythons, with the standard library and Django only."""

import ast
import subprocess
import sys
from pathlib import Path

from handover.probe.client import agent


def sent() -> ast.Module:
    """Return the agent as an interpreter sees it, without the code for type checkers."""
    tree = ast.parse(agent(), feature_version=(3, 8))
    tree.body = [
        node for node in tree.body if not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test))
    ]
    return tree


def test_agent__its_text__is_python_3_8_and_imports_the_standard_library_and_django_only():
    tree = sent()
    names = {
        alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }
    names |= {(node.module or "").split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert names <= {"django", *sys.stdlib_module_names}


def test_agent__its_parts_together__use_no_undefined_name():
    command = [
        str(Path(sys.executable).with_name("ruff")),
        "check",
        "--isolated",
        "--select",
        "F821",
        "--stdin-filename",
        "agent.py",
        "-",
    ]
    done = subprocess.run(command, input=ast.unparse(sent()), text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout


def test_agent__its_parts_together__define_no_name_twice():
    names = [node.name for node in sent().body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
    names += [
        target.id for node in sent().body if isinstance(node, (ast.Assign, ast.AnnAssign))
        for target in getattr(node, "targets", [getattr(node, "target", None)]) if isinstance(target, ast.Name)
    ]  # fmt: skip
    assert sorted({name for name in names if names.count(name) > 1}) == []
