"""docs/architecture.md shows the floors that import-linter holds."""

import subprocess

from sandbox import house

PAGE = house.ROOT / "docs" / "architecture.md"


def compared(page) -> subprocess.CompletedProcess[str]:
    command = [house.ROOT / "script" / "architecture", "--check", "--page", page]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_architecture__the_page__shows_every_floor_of_the_packages():
    done = compared(PAGE)
    assert done.returncode == 0, done.stderr
    shown = PAGE.read_text()
    for package in ("handover", "bachateo", "backend", "sandbox"):
        assert f"<!-- floors of {package} -->" in shown


def test_architecture__a_room_on_another_floor__is_told(tmp_path):
    page = tmp_path / "architecture.md"
    page.write_text(PAGE.read_text().replace("| `cutover` |", "| `cutover, moved` |"))
    done = compared(page)
    assert done.returncode == 1
    assert "shows other floors than the packages have. Run: script/architecture" in done.stderr
