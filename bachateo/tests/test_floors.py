"""The floors of the engine, as its pyproject.toml lists them: an import goes down, never up."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Let import-linter judge the sources of a folder."""
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    environment = os.environ | {"PYTHONPATH": str(folder / "src")}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The sources elsewhere, to plant an import in."""
    shutil.copytree(PACKAGE / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PACKAGE / "pyproject.toml", tmp_path)
    return tmp_path


def test_floors__as_they_are__hold(copy: Path) -> None:
    linted = lint_imports(copy)
    assert (linted.returncode, "Contracts: 3 kept, 0 broken." in linted.stdout) == (0, True), linted.stdout


@pytest.mark.parametrize(
    ("module", "planted", "refusal"),
    [
        (
            "media/sound.py",
            "import bachateo.music.song",
            "bachateo.media is not allowed to import bachateo.music",
        ),
        (
            "moves/ingest/clip.py",
            "import bachateo.video.warp",
            "bachateo.moves is not allowed to import bachateo.video",
        ),
        (
            "video/warp.py",
            "import bachateo.selection",
            "bachateo.video is not allowed to import bachateo.selection",
        ),
        (
            "music/analysis.py",
            "import bachateo.music.corrections",
            "No cycles are allowed in bachateo.music.",
        ),
        (
            "music/song.py",
            "import tests.trials.score",
            "bachateo is not allowed to import tests",
        ),
        (
            "errors.py",
            "import django.db",
            "bachateo is not allowed to import django",
        ),
    ],
)
@pytest.mark.thinned(to_one_in=6)
def test_floors__planted_upward_import__is_refused(copy: Path, module: str, planted: str, refusal: str) -> None:
    with (copy / "src/bachateo" / module).open("a") as file:
        file.write(f"\n{planted}\n")
    linted = lint_imports(copy)
    assert linted.returncode == 1
    assert refusal in linted.stdout, linted.stdout


def test_floors__module_without_a_floor__is_refused(copy: Path) -> None:
    (copy / "src/bachateo/attic.py").write_text('"""A module that no floor names."""\n')
    linted = lint_imports(copy)
    assert linted.returncode == 1
    assert "attic" in linted.stdout
