"""The page's files are written once for each version of them."""

from pathlib import Path

import pytest

from sandbox import house


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """What was written, in an installation of two files."""
    (tmp_path / "backend" / "web").mkdir(parents=True)
    (tmp_path / "uv.lock").write_text("")
    (tmp_path / "backend" / "web" / "page.css").write_text("a {}")
    monkeypatch.setattr(house, "ROOT", tmp_path)
    monkeypatch.setattr(house, "LOCAL", tmp_path / ".local")
    folders: list[Path] = []

    def collect(folder: Path) -> None:
        folder.mkdir()
        folders.append(folder)

    monkeypatch.setattr(house, "collect_static", collect)
    return folders


def test_same_version__is_written_once(written: list[Path]) -> None:
    first = house.static_files()
    assert first.is_dir()
    assert house.static_files() == first
    assert len(written) == 1


@pytest.mark.parametrize("file", ["uv.lock", "backend/web/page.css", "backend/web/new.js"])
def test_file_that_changed_or_came__is_another_version(written: list[Path], file: str) -> None:
    first = house.static_files()
    (house.ROOT / file).write_text("b {}")
    assert house.static_files() != first
    assert first.is_dir(), "a server that runs may use it"
    assert len(written) == 2


def test_writing_fails__nothing_is_taken_for_written(written: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(folder: Path) -> None:
        folder.mkdir()
        raise OSError("no room")

    with monkeypatch.context() as patched:
        patched.setattr(house, "collect_static", fail)
        with pytest.raises(OSError, match="no room"):
            house.static_files()
    assert house.static_files().is_dir()
    assert len(written) == 1
