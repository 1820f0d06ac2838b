from __future__ import annotations

from pathlib import Path

import pytest

from bachateo.errors import ClipError
from bachateo.moves.ingest import hearing
from bachateo.moves.ingest.hearing import hear_clip
from bachateo.music.analysis import Analysis


def test_hear_clip__cut_on_its_last_beat__hears_the_beat_after_it(make_film, tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", from_beat=4, lead_s=0.05, seconds=0.05 + 9 * 0.4 - 0.01)

    heard = hear_clip(film.path)

    assert heard.first_count == 0
    assert heard.beats_s[:9] == pytest.approx(film.beats_s[:9], abs=1 / 30)
    assert heard.beats_s[9] == pytest.approx(film.beats_s[8] + 0.4, abs=1 / 30)


def test_hear_clip__beat_that_jumps__is_refused(make_film, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    film = make_film(tmp_path / "film.mp4")
    jumping = Analysis(5.0, 120, (0.0, 0.5, 1.0, 1.6, 2.1, 2.6, 3.1, 3.6, 4.1), 0, (1.0,))
    monkeypatch.setattr(hearing, "analyze_samples", lambda _song: jumping)

    with pytest.raises(ClipError, match=r"^CH088  film\.mp4 has no steady beat\. .* note the times .* as beats_s\.$"):
        hear_clip(film.path)
