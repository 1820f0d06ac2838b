"""One class name has one meaning, no import hides that two things share one, and the toolkit knows no pair's names."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

# Names that every reader of Python knows.
CONVENTIONS = {"hypothesis.strategies": "st", "numpy": "np", "xml.etree.ElementTree": "ET"}


# Words of the pair that this repository hands over. Examples of the toolkit are about a shop and a library.
OF_ONE_PAIR = re.compile(r"choreograph|bachat|(?<![a-z])danc|job_execution|music_info|moves_root", re.IGNORECASE)
TEXTS = (".j2", ".py", ".sql", ".toml")


def sources(package: str) -> Path:
    """Return the folder of a package's sources."""
    spec = find_spec(package)
    assert spec
    assert spec.origin
    return Path(spec.origin).parent


def modules(folder: Path) -> Iterator[tuple[Path, ast.Module]]:
    """Yield each module below a folder with its syntax tree."""
    for file in sorted(folder.rglob("*.py")):
        yield file, ast.parse(file.read_text())


def class_names_used_twice(*folders: Path) -> list[str]:
    """Return a line for each class name that several modules define."""
    found: dict[str, list[Path]] = defaultdict(list)
    for folder in folders:
        for file, module in modules(folder):
            for node in module.body:
                if isinstance(node, ast.ClassDef):
                    found[node.name].append(file)
    return [f"class {name}: {', '.join(map(str, files))}" for name, files in sorted(found.items()) if len(files) > 1]


def aliases(folder: Path) -> list[str]:
    """Return a line for each import under another name, but for the conventions."""
    lines: list[str] = []
    for file, module in modules(folder):
        for node in ast.walk(module):
            if isinstance(node, ast.Import | ast.ImportFrom):
                prefix = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
                hidden = [n for n in node.names if n.asname and CONVENTIONS.get(prefix + n.name) != n.asname]
                lines += [f"{file}:{node.lineno}: {prefix}{name.name} as {name.asname}" for name in hidden]
    return lines


def words_of_one_pair(folder: Path) -> list[str]:
    """Return a line for each place in the texts of a folder that names a thing of one pair."""
    return [
        f"{file}:{number}: {line.strip()}"
        for file in sorted(folder.rglob("*"))
        if file.suffix in TEXTS
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if OF_ONE_PAIR.search(line)
    ]


def test_class_names__of_toolkit_engine_and_sandbox__are_used_once():
    assert class_names_used_twice(*map(sources, ("handover", "bachateo", "sandbox"))) == []


def test_imports__of_the_toolkit__keep_their_names():
    assert aliases(sources("handover")) == []


def test_class_names__one_is_planted_twice__names_both_modules(tmp_path):
    for folder in ("one", "other"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "module.py").write_text(
            "class Answer:\n    pass\n\n\nclass Other" + folder + ":\n    pass\n"
        )
    one, other = tmp_path / "one", tmp_path / "other"
    assert class_names_used_twice(one, other) == [f"class Answer: {one / 'module.py'}, {other / 'module.py'}"]


@pytest.mark.parametrize(
    ("planted", "found"),
    [
        ("import json as javascript", ["json as javascript"]),
        ("from json import loads as read", ["json.loads as read"]),
        ("def late():\n    from json import dumps as write", ["json.dumps as write"]),
        ("from hypothesis import strategies as st", []),
        ("import json", []),
    ],
)
def test_imports__alias_is_planted__is_named(tmp_path, planted, found):
    (tmp_path / "module.py").write_text(f"{planted}\n")
    assert [line.split(": ")[1] for line in aliases(tmp_path)] == found


def test_texts__of_the_toolkit__name_nothing_of_one_pair():
    assert words_of_one_pair(sources("handover")) == []


@pytest.mark.parametrize(
    ("planted", "seen"),
    [
        ('table = "choreography_tasks"', True),
        ("`Bachata_steps/` is the prefix.", True),
        ("SELECT id FROM old_dancers;", True),
        ("`dance_videos.path` is empty.", True),
        ('table = "shop_orders"', False),
        ("in accordance with the guidance", False),
    ],
)
def test_texts__word_of_one_pair_is_planted__names_file_and_line(tmp_path, planted, seen):
    (tmp_path / "page.sql").write_text(f"-- one\n{planted}\n")
    assert words_of_one_pair(tmp_path) == [f"{tmp_path / 'page.sql'}:2: {planted}"][: int(seen)]
