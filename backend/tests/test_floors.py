"""The floors of the backend, as pyproject.toml lists them: an import goes down, never up."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

BACKEND = Path(__file__).parent.parent
PACKAGES = ("apps", "config", "original_addresses", "serving", "web")


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in PACKAGES:
        shutil.copytree(BACKEND / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(BACKEND / "pyproject.toml", tmp_path)
    return tmp_path


def test_floors__as_they_are__hold():
    linted = lint_imports(BACKEND)
    assert (linted.returncode, "Contracts: 4 kept, 0 broken." in linted.stdout) == (0, True), linted.stdout


@pytest.mark.parametrize(
    ("module", "planted", "refusal"),
    [
        ("config/errors.py", "import apps.media.files", "config is not allowed to import apps.media"),
        (
            "apps/choreography/selectors.py",
            "from apps.collections import models",
            "apps.choreography is not allowed to import apps.collections",
        ),
        ("apps/songs/models.py", "import apps.moves.search", "apps.songs is not allowed to import apps.moves"),
        ("web/urls.py", "import original_addresses.urls", "web is not allowed to import original_addresses"),
        ("config/rendering.py", "import config.problems", "No cycles are allowed in config."),
        ("apps/generation/queue.py", "import procrastinate.sql", "apps.generation.queue -> procrastinate"),
        ("apps/media/files.py", "import handover.config", "apps.media.files -> handover"),
        ("web/urls.py", "def late():\n    import sandbox", "web.urls -> sandbox"),
    ],
)
@pytest.mark.thinned(to_one_in=4)
def test_floors__planted_upward_import__is_refused(copy, module, planted, refusal):
    with (copy / module).open("a") as file:
        file.write(f"\n{planted}\n")
    linted = lint_imports(copy)
    assert linted.returncode == 1
    assert refusal in linted.stdout, linted.stdout


def test_floors__list_every_package():
    contracts = tomllib.loads((BACKEND / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    floors = next(contract["layers"] for contract in contracts if contract["id"] == "floors")
    listed = {name.strip() for floor in floors for name in floor.split("|")}
    apps = {f"apps.{path.parent.name}" for path in BACKEND.glob("apps/*/__init__.py")}
    assert listed == apps | {"config", "original_addresses", "serving", "web"}
