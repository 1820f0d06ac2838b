from __future__ import annotations

from pathlib import Path

import pytest

import bachateo
from bachateo.moves import Library
from bachateo.video import Sidecars, Timeline


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def test_make__sidecars_wanted__lie_beside_the_video(demo, drawn: Library, tmp_path: Path, cache: Path) -> None:
    out = tmp_path / "dance.mp4"

    made = bachateo.make(demo.path, out, library=drawn.folder, cache=cache, sidecars=Sidecars.beside(out))

    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "dance.captions.vtt",
        "dance.chapters.vtt",
        "dance.jpg",
        "dance.mp4",
        "dance.timeline.json",
    ]
    timeline = Timeline.from_json((tmp_path / "dance.timeline.json").read_text())
    assert (timeline.song, timeline.duration_s) == ("demo", made.duration_s)
    assert [move.start_s for move in timeline.moves] == [placed.start_s for placed in made.plan.moves]


def test_sidecars_inside__folder__have_plain_names() -> None:
    inside = Sidecars.inside(Path("dance"))

    assert [path.name for path in (inside.timeline, inside.captions, inside.chapters, inside.thumbnail)] == [
        "timeline.json",
        "captions.vtt",
        "chapters.vtt",
        "thumbnail.jpg",
    ]


@pytest.mark.parametrize("fault", ["bachateo.video.assemble", "bachateo.video.sidecars.write_thumbnail"])
def test_make__fails_while_writing__leaves_no_sidecar(
    demo, drawn: Library, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setattr(fault, lambda *_: 1 / 0)
    out = tmp_path / "dance.mp4"

    with pytest.raises(ZeroDivisionError):
        bachateo.make(demo.path, out, library=drawn.folder, cache=cache, sidecars=Sidecars.beside(out))

    assert list(tmp_path.iterdir()) == []
