"""What the agent must be able to run on."""

import ast
from importlib.resources import files


def test_agent__its_text__is_python_3_8_and_imports_the_standard_library_and_django_only():
    text = files("handover.probe").joinpath("agent.py").read_text()
    tree = ast.parse(text, feature_version=(3, 8))
    names = {
        alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }
    names |= {(node.module or "").split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    library = {"enum", "hashlib", "hmac", "inspect", "json", "os", "sys", "tempfile", "textwrap", "traceback"}
    assert names <= {"django", *library}
