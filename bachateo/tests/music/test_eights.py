from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bachateo.music import counting, tracker
from bachateo.music.analysis import Analysis
from bachateo.music.analyzing import analyze_samples
from bachateo.music.eights import Eights, _decode, boundary_votes
from bachateo.music.onsets import ONSET_RATE_HZ
from bachateo.music.song import SAMPLE_RATE_HZ, DecodedSong, read_song
from bachateo.music.tracker import track_beats
from tests.trials.other_music import write_other_music
from tests.trials.phrased_songs import KINDS, compose_phrased, write_phrased_song

BAR_S = 2.0


def _votes(*first_bars: int, bars: int, strength: float = 2.0) -> np.ndarray:
    """A vote for each of some bars, from a song that says nothing else."""
    votes = np.zeros(bars)
    votes[[*first_bars]] = strength
    return votes


def _whole(bars: int) -> np.ndarray:
    return np.zeros(bars, bool)


def _voted(votes: np.ndarray, cut_short: np.ndarray) -> Eights:
    """Decode votes of a song that is always the same chord."""
    return _decode(votes, np.zeros((len(votes), 3)), cut_short)


def test_decode__new_sections__say_which_bars_are_the_first() -> None:
    eights = _voted(_votes(5, 13, 21, bars=30), _whole(30))

    np.testing.assert_array_equal(eights.bars, np.arange(1, 30, 2))
    assert eights.confidence.min() > 0.7


def test_decode__a_bar_is_inserted__the_count_moves_with_the_music() -> None:
    eights = _voted(_votes(4, 8, 12, 17, 21, 25, bars=30), _whole(30))

    longer = np.flatnonzero(np.diff(eights.bars) == 3)
    assert len(longer) == 1
    assert 12 <= eights.bars[longer[0]] < 17
    assert {4, 12, 17, 25} <= set(eights.bars.tolist())


def test_decode__one_odd_vote__does_not_move_it() -> None:
    """The planted fault: a single strong beginning on a second bar is outvoted."""
    eights = _voted(_votes(4, 8, 12, 15, 20, 24, 28, bars=30), _whole(30))

    np.testing.assert_array_equal(eights.bars, np.arange(0, 30, 2))


def test_decode__band_waited__counts_from_one_again() -> None:
    cut_short = _whole(20)
    cut_short[8] = True
    eights = _voted(np.zeros(20), cut_short)

    assert 9 in eights.bars
    assert 9 not in _voted(np.zeros(20), _whole(20)).bars


def test_decode__no_votes__is_as_likely_as_not() -> None:
    assert _voted(np.zeros(20), _whole(20)).confidence.max() < 0.7


def _cycle(*chords: int, noise: float = 0.3) -> np.ndarray:
    """Bars of some of four chords, each a little different every time."""
    return np.eye(4)[[*chords]] + np.random.default_rng(4).normal(0, noise, (len(chords), 4))


def test_decode__chords_come_back__one_new_section_says_it_for_the_whole_song() -> None:
    """Two sections begin on a first bar, and one seems to begin a bar early, as after a fill."""
    votes = _votes(9, 17, bars=32) + _votes(24, bars=32, strength=3.0)

    with_chords = _decode(votes, _cycle(*[3, 0, 1, 2] * 8), _whole(32))

    np.testing.assert_array_equal(with_chords.bars, np.arange(1, 32, 2))


def test_decode__chords_begin_anew_a_bar_later__so_does_the_count() -> None:
    chords = [*[0, 1, 2, 3] * 4, 0, *[0, 1, 2, 3] * 4]
    votes = _votes(4, 25, bars=33)

    moved = _decode(votes, _cycle(*chords), _whole(33))

    assert {14, 17, 19, 21} <= set(moved.bars.tolist())
    assert np.flatnonzero(np.diff(moved.bars) == 3).size == 1
    np.testing.assert_array_equal(_decode(votes, _cycle(*[0, 1, 2, 3] * 8, 0), _whole(33)).bars % 2, 0)


def test_boundary_votes__other_instruments__vote_for_where_they_begin() -> None:
    bars = 24
    spectrum = np.random.default_rng(0).uniform(0.04, 0.06, (bars, 136))
    onsets = np.random.default_rng(1).uniform(0, 1, (6, round(bars * BAR_S * ONSET_RATE_HZ))).astype(np.float32)
    spectrum[9:17, 100:] += 1

    votes = boundary_votes(BAR_S * np.arange(bars + 1), onsets=onsets, spectrum=spectrum)

    assert set(np.argsort(votes)[-2:]) == {9, 17}
    assert votes[0] == votes[-1] == 0


@pytest.mark.parametrize(("melody_from", "begins"), [(9, 9), (8, 8)])
def test_boundary_votes__drums_announce_a_section__it_begins_with_the_melody(melody_from: int, begins: int) -> None:
    bars = 24
    spectrum = np.random.default_rng(0).uniform(0.04, 0.06, (bars, 136))
    onsets = np.random.default_rng(1).uniform(0, 1, (6, round(bars * BAR_S * ONSET_RATE_HZ))).astype(np.float32)
    spectrum[8:, 100:] += 1.0
    spectrum[melody_from:, 20:60] += 0.2

    votes = boundary_votes(BAR_S * np.arange(bars + 1), onsets=onsets, spectrum=spectrum)

    assert votes.argmax() == begins
    assert abs(votes[17 - begins]) < votes[begins] / 4


@pytest.mark.parametrize("kind", KINDS)
def test_compose_phrased__kinds__have_their_difficulty(kind: str) -> None:
    song = compose_phrased(kind, 2, seconds=60)
    eights, bars = np.diff(song.ones), np.diff(song.downbeats)

    assert set(song.ones) <= set(song.downbeats)
    assert (12 in eights) == (kind in {"odd introduction", "inserted bar"})
    assert (6 in bars) == (10 in eights) == (kind == "break of two beats")
    assert (song.before_s > 0) == (kind in {"silence before", "applause before", "noise before"})
    assert compose_phrased(kind, 2, seconds=60).notes == song.notes != compose_phrased(kind, 3, seconds=60).notes


@pytest.fixture(scope="module")
def phrased(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("songs") / "song.mp3"
    write_phrased_song(path, "odd introduction", 3, seconds=75)
    return path


def _ones_s(analysis: Analysis) -> np.ndarray:
    return np.array(analysis.beats_s)[[*analysis.starts]]


@pytest.mark.full
def test_analyze_samples__bar_more__every_one_is_where_the_music_counts(phrased: Path) -> None:
    true = json.loads(phrased.with_suffix(".json").read_text())["ones"]
    heard = analyze_samples(read_song(phrased))

    right = np.mean([np.abs(_ones_s(heard) - one).min() < 0.07 for one in true])
    assert right > 0.9
    assert len(heard.restarts) == 1
    assert len(heard.count_confidence) == heard.eight_counts


@pytest.mark.parametrize("count", [1, 5, 8, 9, 30])
def test_smooth__however_short__keeps_the_length(count: int) -> None:
    np.testing.assert_allclose(tracker._smooth(np.full(count, 0.3)), np.full(count, 0.3))


@pytest.mark.parametrize("kind", ["waltz", "free tempo"])
@pytest.mark.thinned(to_one_in=2)
def test_analyze_samples__no_bachata__says_that_it_does_not_look_like_four_beats(tmp_path: Path, kind: str) -> None:
    write_other_music(tmp_path / "song.mp3", kind, 2, seconds=40)

    heard = analyze_samples(read_song(tmp_path / "song.mp3"))

    assert "This does not look like four beats a bar." in heard.doubts
    assert Analysis.from_json(heard.to_json()) == heard


def test_analyze_samples__bachata__has_no_doubts(phrased: Path) -> None:
    heard = analyze_samples(read_song(phrased))

    assert heard.doubts == ()
    assert heard.four_beats > 0.9


def test_track_beats__another_tempo_makes_bars__is_taken(phrased: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted fault: the pulse is first heard at three beats for four."""
    samples = np.asarray(read_song(phrased).samples)[: 40 * SAMPLE_RATE_HZ]
    right = np.median(np.diff(track_beats(samples).beats_s))
    plain = tracker.track_pulse

    def confused(pulse: np.ndarray, *, beat_s: float | None = None) -> np.ndarray:
        return plain(pulse, beat_s=beat_s or 4 / 3 * right)

    monkeypatch.setattr(tracker, "track_pulse", confused)
    assert np.median(np.diff(track_beats(samples).beats_s)) == pytest.approx(right, rel=0.01)
    monkeypatch.setattr(tracker, "DOUBTFUL", -9.0)
    assert np.median(np.diff(track_beats(samples).beats_s)) > 1.2 * right, "the fault is there"


def test_track_beats__pulse_slips_by_half_a_beat__the_beats_stay(
    phrased: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted fault: in the middle of the song eight half beats are taken for seven."""
    samples = np.asarray(read_song(phrased).samples)[: 50 * SAMPLE_RATE_HZ]
    true = [beat_s for beat_s in json.loads(phrased.with_suffix(".json").read_text())["beats"] if 3 < beat_s < 45]
    plain = tracker.track_pulse

    def slipping(pulse: np.ndarray, *, beat_s: float | None = None) -> np.ndarray:
        halves_s = plain(pulse, beat_s=beat_s)
        at = len(halves_s) // 2
        return np.concatenate((halves_s[:at], np.linspace(halves_s[at], halves_s[at + 8], 8), halves_s[at + 9 :]))

    def right() -> float:
        found = track_beats(samples).beats_s
        return float(np.mean([np.abs(found - beat_s).min() < 0.07 for beat_s in true]))

    monkeypatch.setattr(tracker, "track_pulse", slipping)
    assert right() > 0.97
    monkeypatch.setattr(tracker, "without_slips", lambda halves_s: halves_s)
    monkeypatch.setattr(counting, "CUT_SHORT", {4: counting.CUT_SHORT[4]})
    assert right() < 0.7, "the fault is there"


@pytest.mark.parametrize(("before", "seconds"), [("silence", 2), ("silence", 3), ("silence", 6.6), ("noise", 5)])
@pytest.mark.thinned(to_one_in=4)
def test_analyze_samples__something_before__has_the_same_ones(phrased: Path, before: str, seconds: float) -> None:
    samples = np.asarray(read_song(phrased).samples)
    count = round(seconds * SAMPLE_RATE_HZ)
    lead = np.random.default_rng(2).normal(0, 0.01 if before == "noise" else 0, count).astype(np.float32)

    plain = _ones_s(analyze_samples(DecodedSong(samples)))
    later = _ones_s(analyze_samples(DecodedSong(np.concatenate((lead, samples))))) - count / SAMPLE_RATE_HZ

    distances = np.array([np.abs(later - one).min() for one in plain])
    assert (distances < 0.03).all()
    assert np.abs(later + BAR_S - plain[1]).min() > 0.03, "the measure would notice a bar"
