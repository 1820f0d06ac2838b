"""The original imports the engine and nothing else of this repository."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ORIGINAL = Path(__file__).parent.parent


def contract() -> dict[str, list[str]]:
    """Return the contract of pyproject.toml."""
    return tomllib.loads((ORIGINAL / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Let import-linter judge the packages of a folder."""
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The original's packages elsewhere, to plant an import in."""
    for name in contract()["source_modules"]:
        shutil.copytree(ORIGINAL / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ORIGINAL / "pyproject.toml", tmp_path)
    return tmp_path


def test_floors__as_they_are__hold():
    linted = lint_imports(ORIGINAL)
    assert (linted.returncode, "Contracts: 1 kept, 0 broken." in linted.stdout) == (0, True), linted.stdout


@pytest.mark.parametrize(
    ("module", "planted", "refusal"),
    [
        ("choreography/models.py", "import handover.config", "choreography.models -> handover"),
        ("users/models.py", "def late():\n    import sandbox", "users.models -> sandbox"),
    ],
)
def test_floors__planted_import__is_refused(copy, module, planted, refusal):
    with (copy / module).open("a") as file:
        file.write(f"\n{planted}\n")
    linted = lint_imports(copy)
    assert linted.returncode == 1
    assert refusal in linted.stdout, linted.stdout


def test_floors__list_every_package():
    assert set(contract()["source_modules"]) == {path.parent.name for path in ORIGINAL.glob("*/__init__.py")} - {
        "tests"
    }
