"""What the pages, the workflow and CONTRIBUTING name is there."""

import ast
import re
import shutil
import subprocess
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from handover.wording import DOCUMENTATION
from sandbox import house

ROOT = house.ROOT
GLOSSARY = ROOT / "docs" / "reference" / "glossary.md"
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
INSTALL = ROOT / "docs" / "howto" / "install.md"
WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"
FOLDERS = "original/|backend/|bachateo/|handover/|handover-testing/|sandbox/|tests/|docs/|script/"


def terms(page: str) -> list[str]:
    """Return the first cell of every row of the page's table, without its head."""
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    return [row.split("|")[1].strip() for row in rows[1:]]


def disorder(page: str) -> list[str]:
    """Return the terms that stand twice or come before the term above them."""
    found = terms(page)
    return [now for before, now in pairwise(found) if now.casefold() <= before.casefold()]


def test_glossary__each_term_stands_once_and_in_order():
    assert len(terms(GLOSSARY.read_text())) > 30
    assert disorder(GLOSSARY.read_text()) == []


@pytest.mark.parametrize("planted", ["adopt", "Zebra"])
def test_glossary__a_term_twice_or_out_of_order__is_seen(planted):
    page = GLOSSARY.read_text().replace("| anomaly |", f"| {planted} | Planted. |\n| anomaly |")
    assert disorder(page) == ["adopt" if planted == "adopt" else "anomaly"]


def test_glossary__each_meaning_is_one_sentence():
    rows = [line for line in GLOSSARY.read_text().splitlines() if line.startswith("| ")][1:]
    for row in rows:
        meaning = row.split("|")[2].strip()
        assert meaning.endswith("."), row
        assert ". " not in meaning, row


def named_paths(page: str) -> list[str]:
    """Return the paths of this repository that a page names in code."""
    code = " ".join(re.findall(r"`([^`\n]+)`", page) + re.findall(r"```console\n(.*?)```", page, flags=re.DOTALL))
    return re.findall(rf"(?<![\w/.-])(?:{FOLDERS})[\w./-]*\w", code)


def test_contributing__every_path_that_it_names__is_there():
    paths = named_paths(CONTRIBUTING.read_text())
    assert len(paths) > 30
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_contributing__every_test_that_it_names__is_there():
    page = CONTRIBUTING.read_text()
    code = "".join(path.read_text() for path in (ROOT / "handover" / "tests").rglob("test_*.py"))
    names = re.findall(r"`(test_\w+__\w+)`", page)
    assert names
    assert [name for name in names if f"def {name}(" not in code] == []


def unselected(page: str) -> list[str]:
    """Return the files of which a command with `-k` selects no test by name; codes are left out."""
    found = re.findall(r"python -m pytest ((?:[\w/.]+\.py )+)-k '([^']+)'", page)
    words = [
        (path, [word for word in chosen.split(" or ") if word.islower()])
        for paths, chosen in found
        for path in paths.split()
    ]
    assert words
    tests = {path: re.findall(r"def (test_\w+)", (ROOT / path).read_text()) for path, _ in words}
    return [path for path, chosen in words if not any(word in name for word in chosen for name in tests[path])]


def test_contributing__every_selection__finds_tests_in_each_file():
    page = CONTRIBUTING.read_text()
    assert unselected(page) == []
    assert unselected(page.replace(" or no_alarm", "")) == ["handover/tests/test_clean.py"]


def test_workflow__every_action_is_named_by_a_commit_and_its_version():
    used = re.findall(r"uses: (.+)", WORKFLOW.read_text())
    assert used
    for line in used:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)*", line), line


def test_workflow__runs_ci_on_every_python_and_postgresql():
    job = yaml.safe_load(WORKFLOW.read_text())["jobs"]["ci"]
    assert job["strategy"]["matrix"] == {"python": ["3.11", "3.12", "3.13"], "postgresql": ["15", "16", "17", "18"]}
    assert job["env"] == {"SANDBOX_POSTGRES_BIN": "/usr/lib/postgresql/${{ matrix.postgresql }}/bin"}
    assert any(".ci/run" in step.get("run", "") for step in job["steps"])


@pytest.mark.parametrize("extra", ["prove", "dns"])
def test_install__names_the_extras_that_the_toolkit_has(extra):
    assert f"| `{extra}` |" in INSTALL.read_text()
    assert f"\n{extra} = [" in Path(ROOT / "handover" / "pyproject.toml").read_text()


@pytest.mark.full
def test_lint__a_link_to_nowhere__fails_and_is_named(tmp_path):
    config = tmp_path / "broken.yml"
    shutil.copytree(ROOT / "docs", tmp_path / "pages")
    config.write_text((ROOT / "mkdocs.yml").read_text().replace("docs_dir: docs", "docs_dir: pages"))
    command = [house.PROGRAMS / "mkdocs", "build", "--strict", "--config-file", config]
    clean = subprocess.run(command, capture_output=True, text=True, check=False)
    assert clean.returncode == 0, clean.stderr
    with (tmp_path / "pages" / "index.md").open("a") as page:
        page.write("\n[nowhere](nowhere.md)\n")
    broken = subprocess.run(command, capture_output=True, text=True, check=False)
    assert broken.returncode == 1
    assert "contains a link 'nowhere.md', but the target is not found" in broken.stderr


def pages() -> list[Path]:
    """Return every page that is written for people, and the scripts with their comments."""
    root = [ROOT / f"{name}.md" for name in ("README", "CHANGELOG", "CONTRIBUTING", "SECURITY")]
    scripts = [path for path in (ROOT / "script").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return [*root, *(ROOT / "docs").rglob("*.md"), *(ROOT / ".github").rglob("*.*"), *scripts]


def unplain(text: str) -> list[str]:
    """Return the words that make a sentence hard for a reader whose first language is not English."""
    return re.findall(r"\b(?:nobody|somebody|whom|whoever)\b", text, flags=re.IGNORECASE)


def test_pages__no_word_that_makes_a_sentence_hard():
    assert len(pages()) > 100
    found = {str(path.relative_to(ROOT)): unplain(path.read_text()) for path in pages()}
    assert {path: words for path, words in found.items() if words} == {}


def test_unplain__a_riddle__is_seen():
    assert unplain("Whom nobody answered may have asked a system that is dead.") == ["Whom", "nobody"]


def advised_pages(source: str) -> list[tuple[str, str]]:
    """Return each page, and its section, that a message of the toolkit sends its reader to."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    named = [call.args for call in calls if isinstance(call.func, ast.Name) and call.func.id == "page_address"]
    return [(ast.literal_eval(page), ast.literal_eval(rest[0]) if rest else "") for page, *rest in named]


def missing_pages(advised: list[tuple[str, str]]) -> list[str]:
    """Return the pages that are not in the documentation, and the sections that are not on their page."""
    pages = [(ROOT / "docs" / f"{page}.md", section) for page, section in advised]
    return [
        f"{page.relative_to(ROOT)} {section}".strip()
        for page, section in pages
        if not page.is_file() or (section and f"## {section}" not in page.read_text().splitlines())
    ]


def files_in_texts(source: str) -> list[str]:
    """Return the files below docs/ that the texts of a module name, but for its docstrings."""
    tree = ast.parse(source)
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    texts = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in docstrings]
    return [name for text in texts for name in re.findall(r"docs/[\w./-]+\.md", str(text.value))]


TOOLKIT = ROOT / "handover" / "src"


def test_advice__every_page_that_it_names__is_in_the_documentation():
    advised = [page for path in sorted(TOOLKIT.rglob("*.py")) for page in advised_pages(path.read_text())]
    assert len(advised) > 5
    assert missing_pages(advised) == []


def test_advice__names_no_file_that_an_installed_wheel_lacks():
    found = {str(path.relative_to(ROOT)): files_in_texts(path.read_text()) for path in TOOLKIT.rglob("*.py")}
    assert {path: names for path, names in found.items() if names} == {}


def test_address_of_the_documentation__is_the_one_that_the_wheel_declares():
    project = tomllib.loads((ROOT / "handover" / "pyproject.toml").read_text())["project"]
    assert project["urls"]["Documentation"] == DOCUMENTATION


def test_advice__a_page_or_section_that_is_gone__is_seen():
    source = "todo = [page_address(\"reference/gone\"), f\"See {page_address('reference/hooks', 'Gone')}.\"]"
    assert missing_pages(advised_pages(source)) == ["docs/reference/gone.md", "docs/reference/hooks.md Gone"]


def test_advice__a_file_of_the_repository__is_seen():
    source = '"""Writes docs/reference/states.md."""\ntodo = f"See docs/reference/hooks.md, {word}."'
    assert files_in_texts(source) == ["docs/reference/hooks.md"]
