from __future__ import annotations

from pathlib import Path

import pytest

from bachateo.errors import SearchError
from bachateo.moves.vectors.posing import GROUP, find_pose_model


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Install a package that names pose models, as a wheel would."""
    monkeypatch.syspath_prepend(tmp_path)

    def put(name: str, entries: dict[str, str], code: str) -> None:
        (tmp_path / f"{name}.py").write_text(code)
        information = tmp_path / f"{name}-1.0.dist-info"
        information.mkdir()
        (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        lines = [f"[{GROUP}]", *(f"{entry} = {target}" for entry, target in entries.items())]
        (information / "entry_points.txt").write_text("\n".join(lines))

    return put


def test_find_pose_model__none_installed__is_none() -> None:
    assert find_pose_model() is None


def test_find_pose_model__one_installed__is_it(install) -> None:
    install(
        "poser_a", {"good": "poser_a:Model"}, "class Model:\n    def track(self, clip, times_s):\n        return 7\n"
    )

    model = find_pose_model()

    assert type(model).__module__ == "poser_a"
    assert model.track(Path("x.mp4"), [0.0]) == 7


def test_find_pose_model__two_installed__asks_for_one(install) -> None:
    install("poser_b", {"one": "poser_b:A", "two": "poser_b:A"}, "class A:\n    def track(self): ...\n")

    with pytest.raises(SearchError, match=r"^CH107  2 pose models are installed \(one, two\); one is needed"):
        find_pose_model()


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("class Model: pass\n", r"^CH108  the pose model bad \(poser_c:Model\) has no method `track`"),
        ("raise OSError('no weights')\n", r"^CH108  the pose model bad cannot be loaded \(no weights\)"),
        ("", r"^CH108  the pose model bad cannot be loaded"),
    ],
)
def test_find_pose_model__none_at_all__says_why(install, monkeypatch, code: str, message: str) -> None:
    monkeypatch.delitem(__import__("sys").modules, "poser_c", raising=False)
    install("poser_c", {"bad": "poser_c:Model"}, code)

    with pytest.raises(SearchError, match=message):
        find_pose_model()
