"""Files of strangers, damaged in every way we know, through what reads them."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bachateo.errors import SongError
from bachateo.isolation import LimitedChild
from bachateo.moves.drawing.encoding import FRAMES_PER_BEAT, encode_clip
from bachateo.music import check_song, song
from bachateo.music.recording import CODECS, write_sound
from tests.trials.crafted import KINDS as CRAFTED_KINDS
from tests.trials.crafted import crafted
from tests.trials.damage import KINDS, mutants, write_tiny_packets

FILES = 100
RATE = 22_050


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("seeds")
    tone = (0.5 * np.sin(2 * np.pi * 220 * np.arange(10 * RATE) / RATE)).astype(np.float32)
    for suffix in CODECS:
        write_sound(folder / f"seed{suffix}", tone, rate_hz=RATE)
    return {suffix: (folder / f"seed{suffix}").read_bytes() for suffix in CODECS}


def _fate(path: Path) -> str:
    try:
        check_song(path)
    except SongError as error:
        return error.code
    return "accepted"


def _children() -> str:
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text()


@pytest.mark.full
def test_check_song__a_hundred_damaged_files__are_refused_or_heard_and_nothing_is_left(
    seeds: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temp"))
    (tmp_path / "temp").mkdir()
    before = _children()
    paths = []
    for number, (name, content) in enumerate(islice(mutants(seeds, seed=7), FILES)):
        paths.append(tmp_path / f"{number}-{name}")
        paths[-1].write_bytes(content)

    with ThreadPoolExecutor(2) as pool:
        fates = Counter(pool.map(_fate, paths))

    assert fates["accepted"] > FILES / 10, fates
    assert fates["CH003"] > FILES / 5, fates
    # Nothing crashes the decoder, nor takes more than it may; if a new version of it does, look at the file.
    assert not {"CH018", "CH019"} & set(fates), fates
    assert list((tmp_path / "temp").iterdir()) == []
    assert _children() == before


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    grey = (Image.new("RGB", (64, 64), "grey") for _ in range(2 * FRAMES_PER_BEAT))
    encode_clip(grey, path, size=(64, 64), tempo_bpm=120)
    return path.read_bytes()


def test_check_song__one_crafted_file_of_each_kind__is_refused_or_heard_and_nothing_is_left(
    seeds: dict[str, bytes], film: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temp"))
    (tmp_path / "temp").mkdir()
    before = _children()
    fates = {}
    for name, content in islice(crafted(seeds | {".mp4": film}, seed=2), len(CRAFTED_KINDS)):
        (tmp_path / name).write_bytes(content)
        fates[name.partition(".")[0]] = _fate(tmp_path / name)

    assert set(fates) == set(CRAFTED_KINDS)
    # FFmpeg calls it a lack of memory when there are more than 1000 tracks.
    assert {kind for kind, fate in fates.items() if fate in {"CH018", "CH019"}} <= {"many-tracks"}, fates
    # A song whose title is a page stays a song; a film, and a header without sound, is none.
    assert fates["other-inside"] == "accepted"
    assert {fates[kind] for kind in ("matroska", "avi", "flv", "transport", "mpeg", "mark-alone")} == {"CH003"}
    assert list((tmp_path / "temp").iterdir()) == []
    assert _children() == before


def test_crafted__same_seed__are_the_same(seeds: dict[str, bytes], film: bytes) -> None:
    whole = seeds | {".mp4": film}
    first, second, other = (list(islice(crafted(whole, seed), len(CRAFTED_KINDS))) for seed in (1, 1, 2))

    assert first == second != other


def test_check_song__decoder_that_crashes__is_told_apart(
    seeds: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "song.mp3").write_bytes(seeds[".mp3"])
    monkeypatch.setattr(song, "LimitedChild", lambda *_, **options: LimitedChild("os.abort", **options))

    assert _fate(tmp_path / "song.mp3") == "CH018"


def test_mutants__same_seed__are_the_same(seeds: dict[str, bytes]) -> None:
    first, second, other = (list(islice(mutants(seeds, seed), 20)) for seed in (1, 1, 2))

    assert first == second != other


def test_mutants__one_round__holds_every_kind_and_no_file_in_good_order(seeds: dict[str, bytes]) -> None:
    names, contents = zip(*islice(mutants(seeds), len(KINDS)), strict=True)

    assert [name.partition(".")[0] for name in names] == list(KINDS)
    whole = [name.partition(".")[0] for name, content in zip(names, contents, strict=True) if content in seeds.values()]
    assert whole == ["renamed"]


def test_write_tiny_packets__ten_seconds__can_be_heard(tmp_path: Path) -> None:
    write_tiny_packets(tmp_path / "tiny.ogg", 4100)

    assert _fate(tmp_path / "tiny.ogg") == "accepted"


def test_check_song__more_tiny_packets_than_time__are_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tiny_packets(tmp_path / "tiny.ogg", 100_000)
    monkeypatch.setattr(song, "LEAST_CPU_S", 0)

    # 0.3 MB: one second, and 250 s of sound in packets that take a quarter more.
    assert _fate(tmp_path / "tiny.ogg") == "CH019"
