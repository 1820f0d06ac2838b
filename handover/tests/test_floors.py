"""The floors of the toolkit, as its pyproject.toml lists them: an import goes down, never up."""

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
    """The toolkit's sources elsewhere, to plant an import in."""
    shutil.copytree(PACKAGE / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PACKAGE / "pyproject.toml", tmp_path)
    return tmp_path


def test_floors__as_they_are__hold(copy):
    linted = lint_imports(copy)
    assert (linted.returncode, "Contracts: 4 kept, 0 broken." in linted.stdout) == (0, True), linted.stdout


@pytest.mark.parametrize(
    ("module", "planted", "refusal"),
    [
        (
            "config/config.py",
            "import handover.cutover.plan",
            "handover.config is not allowed to import handover.cutover",
        ),
        ("schema/catalog.py", "import handover.rules", "handover.schema is not allowed to import handover.rules"),
        ("backup/backup.py", "import handover.proof.run", "handover.backup is not allowed to import handover.proof"),
        ("report/page.py", "import handover.cli", "handover.report is not allowed to import handover.cli"),
        ("proof/run.py", "import handover.document.facts", "handover.proof is not allowed to import handover.document"),
        ("journal/journal.py", "import sandbox", "handover.journal.journal -> sandbox"),
        ("schema/catalog.py", "import django.db", "handover.schema.catalog -> django"),
        ("finding.py", "def late():\n    from django.apps import apps", "handover.finding -> django"),
        ("config/section.py", "import handover.config.config", "No cycles are allowed in handover.config."),
    ],
)
@pytest.mark.thinned(to_one_in=5)
def test_floors__planted_upward_import__is_refused(copy, module, planted, refusal):
    with (copy / "src/handover" / module).open("a") as file:
        file.write(f"\n{planted}\n")
    linted = lint_imports(copy)
    assert linted.returncode == 1
    assert refusal in linted.stdout, linted.stdout


def test_floors__a_room_without_a_floor__is_refused(copy):
    (copy / "src/handover/attic.py").write_text('"""A room that no floor names."""\n')
    linted = lint_imports(copy)
    assert linted.returncode == 1
    assert "attic" in linted.stdout
