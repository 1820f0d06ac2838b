from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from bachateo import isolation
from bachateo.errors import ClipError
from bachateo.isolation import Limits
from bachateo.media.clips import read_clip, require_equal
from bachateo.moves import INDEX_NAME, Library
from bachateo.moves.encoding import ENDING
from bachateo.moves.ingest import ingest, run
from bachateo.moves.ingest.annotations import annotation_of, read_entries
from bachateo.moves.ingest.answers import machine_works
from bachateo.moves.ingest.clip import normalise
from bachateo.moves.ingest.document import Film, accepted_of
from bachateo.moves.ingest.recordings import KNOWN, Counted
from bachateo.moves.ingest.records import Records
from bachateo.moves.ingest.span import MoveSpan
from bachateo.moves.looks import FIELDS
from bachateo.music.song import read_sound
from bachateo.sequence import Wishes, plan_sequence
from bachateo.video import assemble, encode_sound

FRAME_S = 1 / 30
BEGINS_LATE = {"output_ts_offset": "1.4"}
PARTS = {"opening": ("opening", 0), "basic": ("basic", 0), "turn": ("turn", 0), "turn_2": ("turn", 16)}
KILLED = """
import fcntl, sys
from pathlib import Path
from bachateo.moves.ingest import ingest

def tell(stage, done, total):
    print(stage, done, flush=True)
    if (stage, done) == ("encoding", 1):
        fcntl.flock(open(sys.argv[3], "w"), fcntl.LOCK_EX)

films, out = Path(sys.argv[1]), Path(sys.argv[2])
ingest(films, films / "annotations.json", out, height=90, width=116, workers=1, on_progress=tell)
"""


def _keyframes(clip) -> list[int]:
    return [number for number, (_, keyframe) in enumerate(clip.pictures) if keyframe]


def _content(folder: Path) -> dict[str, tuple[int, bytes]]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


def _bright(path: Path) -> list[float]:
    """Return when the pictures of a clip are those of a flash, in seconds."""
    with av.open(str(path)) as clip:
        levels = [(frame.time, frame.to_ndarray(format="gray").mean()) for frame in clip.decode(video=0)]
    middle = np.mean([level for _, level in levels]) + 40
    return [time for time, level in levels if level > middle]


def test_film__made_by_the_tests__is_as_awkward_as_a_real_one(ingested) -> None:
    with av.open(str(ingested.films["basic"].path)) as film:
        packets = [packet for packet in film.demux(video=0) if packet.size]

    assert any(after.pts < before.pts for before, after in pairwise(packets))
    assert [packet.is_keyframe for packet in packets].count(True) == 1


def test_ingest__clips__can_follow_each_other_and_have_no_b_frames(ingested) -> None:
    clips = [read_clip(ingested.library.clip(move)) for move in ingested.library.moves]

    for clip in clips:
        require_equal(clip, clips[0])
    for move in ingested.library.moves:
        with av.open(str(ingested.library.clip(move))) as clip:
            assert clip.streams.video[0].codec_context.has_b_frames == 0
            assert {packet.pts - packet.dts for packet in clip.demux(video=0) if packet.size} == {0}


def test_ingest__clips__begin_on_a_1_and_can_be_entered_on_every_fourth_beat(ingested) -> None:
    assert [move.beats for move in ingested.library.moves] == [8, 8, 16, 8, 8]
    for move in ingested.library.moves:
        clip = read_clip(ingested.library.clip(move))

        assert _keyframes(clip) == [round(beat_s * 30) for beat_s in move.beats_s[:-1:4]]
        assert len(clip.pictures) == move.frame_count
        assert np.diff(clip.times_s) == pytest.approx(FRAME_S, abs=1e-4)
    for accepted in ingested.report.accepted:
        if accepted.clip_id != "ending":  # of an outro the last part is taken
            film = ingested.films[accepted.clip_id]
            beat = _beat_of(accepted, film)
            assert (beat - film.first_count) % 4 == 0
            assert accepted.heard_s[accepted.first_count] == pytest.approx(film.beats_s[beat], abs=0.02)


def test_ingest__beats__are_those_of_the_film_and_fall_on_its_flashes(ingested) -> None:
    for move in ingested.library.moves:
        if move.clip_id == "ending":
            continue
        name, offset = PARTS[move.clip_id]
        film = ingested.films[name]
        true_s = np.array(film.beats_s[film.first_count + offset :][: move.beats])
        flashes_s = _bright(ingested.library.clip(move))

        assert np.diff(move.beats_s[:-1]) == pytest.approx(np.diff(true_s), abs=FRAME_S / 2)
        assert flashes_s == pytest.approx(move.beats_s[:-1], abs=FRAME_S / 2 + 0.008)


def test_ingest__clips__end_on_black_and_say_what_their_colours_are(ingested) -> None:
    for move in ingested.library.moves:
        with av.open(str(ingested.library.clip(move))) as clip:
            codec = clip.streams.video[0].codec_context
            tags = (codec.color_primaries, codec.color_trc, codec.colorspace, codec.color_range)
            levels = [(frame.time, frame.to_ndarray(format="gray").mean()) for frame in clip.decode(video=0)]

        assert tags == (1, 1, 1, 1)
        ending = [level for time_s, level in levels if time_s >= move.beats_s[-1] - FRAME_S / 2]
        assert len(ending) == pytest.approx(ENDING, abs=1)
        assert ending[-1] < 2
        assert all(after <= before + 1 for before, after in pairwise(ending))


@pytest.mark.parametrize("rate", [15, 25])
@pytest.mark.parametrize("after", [-0.48, 0.48])
def test_normalise__1_between_two_pictures_of_a_slow_film__clip_begins_with_the_nearest(
    make_film, tmp_path: Path, rate: int, after: float
) -> None:
    film = make_film(tmp_path / "film.mp4", rate=rate, seconds=4.4)
    one_s = (10 + after) / rate
    beats_s = [one_s + 0.4 * beat for beat in range(9)]

    made = normalise(str(film.path), str(tmp_path / "clip.mp4"), beats_s, (0, 0, 160, 90), (160, 90), 30, 100.0)

    assert made["beats_s"][0] < FRAME_S / 2
    assert np.diff(made["beats_s"]) == pytest.approx(0.4, abs=FRAME_S / 2)
    assert _keyframes(read_clip(tmp_path / "clip.mp4")) == [round(at_s * 30) for at_s in made["beats_s"][:-1:4]]


@pytest.mark.full
def test_ingest__transport_stream__is_told_by_the_time_that_a_player_shows(
    make_film, annotation, write_annotations, tmp_path: Path
) -> None:
    film = make_film(tmp_path / "films" / "plain.mp4", from_beat=0, seconds=5.4)
    _remuxed(film.path, tmp_path / "films" / "stream.ts")
    clips = [annotation("plain"), annotation("stream", video_path="stream.ts")]
    with av.open(str(tmp_path / "films" / "stream.ts")) as container:
        assert container.start_time > av.time_base, "the clock of the file begins later"

    report = ingest(tmp_path / "films", write_annotations(tmp_path / "films", clips), tmp_path / "library", height=90)

    plain, stream = report.accepted
    assert stream.heard_s == pytest.approx(plain.heard_s, abs=0.03)
    one, other = (
        read_clip(tmp_path / "library" / move.video_path) for move in Library.load(tmp_path / "library").moves
    )
    assert len(one.pictures) == len(other.pictures)
    first, second = (
        _bright(tmp_path / "library" / move.video_path) for move in Library.load(tmp_path / "library").moves
    )
    assert second == pytest.approx(first, abs=FRAME_S)


def _remuxed(film: Path, out: Path) -> None:
    with av.open(str(film)) as source, av.open(str(out), "w", "mpegts", options=BEGINS_LATE) as to:
        streams = {stream.index: to.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.size:
                packet.stream = streams[packet.stream.index]
                to.mux(packet)


def test_ingest__bars__are_gone(ingested) -> None:
    for move in ingested.library.moves:
        with av.open(str(ingested.library.clip(move))) as clip:
            assert (clip.streams.video[0].width, clip.streams.video[0].height) == ingested.report.size
            picture = next(clip.decode(video=0)).to_ndarray(format="gray").astype(int)
        for edge in (picture[:, 0], picture[:, -1]):
            assert edge.std() > 10


def test_ingest__sound__is_that_of_the_move(ingested) -> None:
    for move in ingested.library.moves:
        own_s = read_sound(ingested.library.clip(move)).duration_s

        assert own_s == pytest.approx(move.beats_s[-1], abs=FRAME_S + 0.03)


def test_ingest__documents__say_what_the_annotations_say(ingested) -> None:
    opening, basic, turn, second, ending = ingested.library.moves

    assert (opening.role, basic.role, second.role, ending.role) == ("intro", None, None, "outro")
    assert (basic.description, basic.wardrobe, basic.quality_score) == ("side basic", "red", 0.8)
    assert turn.wardrobe == second.wardrobe != ""
    assert len(basic.start_look) == len(basic.end_look) == len(FIELDS)
    assert (turn.difficulty, turn.energy_level, turn.lead_follow_roles) == ("advanced", "high", "both")
    assert second.move_label == "turn"
    assert basic.estimated_tempo == pytest.approx(150, rel=0.01)
    assert basic.detection_rate == 0.0
    assert basic.processing_time > 0
    assert basic.created_at.endswith("+00:00")
    assert 0.5 < turn.quality_score <= 1


def test_ingest__tempo_far_from_what_is_heard__is_a_warning(ingested) -> None:
    warnings = {accepted.clip_id: accepted.warnings for accepted in ingested.report.accepted}

    assert warnings["basic"] == ()
    assert warnings["ending"][0].startswith("estimated_tempo (line 30) is 90; 150 was heard.")


def test_ingest__library__can_be_danced(ingested, demo, make_analysis, tmp_path: Path) -> None:
    analysis = make_analysis(eight_counts=9, tempo=144)

    plan = plan_sequence(analysis, ingested.library, Wishes(seed=1, relax=True))
    assemble(plan, encode_sound(demo.path, cache=tmp_path).path, tmp_path / "dance.mp4")

    assert [plan.moves[0].move.role, plan.moves[-1].move.role] == ["intro", "outro"]
    with av.open(str(tmp_path / "dance.mp4")) as dance:
        times_s = [frame.time for frame in dance.decode(video=0) if not frame.is_corrupt]
    assert len(times_s) >= sum(placed.move.frame_count - ENDING for placed in plan.moves[:-1])
    assert all(before < after for before, after in pairwise(times_s))


@pytest.fixture
def copied(ingested, tmp_path: Path):
    """Films, annotations and library of ``ingested``, to be changed."""
    films, out = tmp_path / "films", tmp_path / "library"
    shutil.copytree(ingested.annotations.parent, films)
    shutil.copytree(ingested.library.folder, out)
    return films, films / "annotations.json", out


def _change(annotations: Path, clip: int, **fields: object) -> None:
    document = json.loads(annotations.read_text())
    document["clips"][clip].update(fields)
    annotations.write_text(json.dumps(document, indent=1))


def test_ingest__again__encodes_and_writes_nothing(copied) -> None:
    films, annotations, out = copied
    before = _content(out)

    report = ingest(films, annotations, out)

    assert report.encoded == 0
    assert len(report.accepted) == 4
    after = _content(out)
    assert {name for name in after if after[name] != before.get(name)} == {"ingest-report.json"}


def test_ingest__other_words_for_a_clip__change_the_document_alone(copied) -> None:
    films, annotations, out = copied
    _change(annotations, 1, difficulty="high", style="romantic")

    assert ingest(films, annotations, out).encoded == 0

    basic = Library.load(out).moves[1]
    assert (basic.difficulty, basic.style) == ("advanced", "romantic")


def test_ingest__clip_damaged_or_film_replaced__encodes_that_one_alone(copied) -> None:
    films, annotations, out = copied
    before = Library.load(out).moves
    (out / before[0].video_path).write_bytes(b"damaged")
    shutil.copy(films / "turn.mp4", films / "basic.mp4")

    report = ingest(films, annotations, out)

    assert report.encoded == 3  # the damaged one, and both parts of the new film
    after = Library.load(out).moves
    assert [move.clip_id for move in after] == ["opening", "basic", "basic_2", "turn", "turn_2", "ending"]
    assert not (out / before[1].video_path).exists()
    assert read_clip(out / after[0].video_path)


def test_ingest__clip_with_other_parameters__is_encoded_again(copied) -> None:
    films, annotations, out = copied
    record = next(path for path in (out / ".ingest").glob("clip-*.json") if "clips/turn-" in path.read_text())
    record.write_text(record.read_text().replace(json.loads(record.read_text())["parameters"], "other"))

    assert ingest(films, annotations, out).encoded == 1

    assert "other" not in record.read_text()


def test_ingest__first_count_and_beats_annotated__are_obeyed(copied, ingested) -> None:
    films, annotations, out = copied
    known = ingested.films["turn"]
    noted_s = [round(beat_s, 3) for beat_s in known.beats_s]
    _change(annotations, 1, first_count=2)
    _change(annotations, 2, first_count=4, beats=8, beats_s=noted_s)

    report = ingest(films, annotations, out)

    assert [accepted.first_count for accepted in report.accepted[1:3]] == [2, 4]
    turn = next(move for move in Library.load(out).moves if move.move_label == "turn")
    assert turn.beats == 8
    first = round(noted_s[4] * 30) / 30
    assert turn.beats_s[1:] == pytest.approx(np.array(noted_s[5:13]) - first, abs=1e-3)


@pytest.mark.full
def test_ingest__height__keeps_the_shape_and_encodes_all_anew(copied) -> None:
    films, annotations, out = copied

    report = ingest(films, annotations, out, height=120)

    assert (report.size, report.encoded) == ((154, 120), 5)
    assert len(list((out / "clips").iterdir())) == 5
    assert ingest(films, annotations, out).size == (154, 120)


def _refused(films: Path, annotations: Path, out: Path, **options: object) -> dict[str, tuple[str, str]]:
    report = ingest(films, annotations, out, height=90, **options)
    assert not report.accepted
    assert not (out / INDEX_NAME).exists()
    return {refused.clip_id: (f"{refused.code}  {refused.message}", refused.reason) for refused in report.refused}


def test_ingest__films_that_cannot_be_danced__are_refused_with_the_reason(
    make_film, annotation, write_annotations, tmp_path: Path
) -> None:
    noise = np.random.default_rng(3).normal(0, 0.1, (2, 6 * 44_100)).clip(-1, 1)
    make_film(tmp_path / "mute.mp4", silent=True, seconds=4)
    make_film(tmp_path / "hush.mp4", sound=np.zeros((2, 4 * 44_100)), seconds=4)
    make_film(tmp_path / "noise.mp4", sound=noise, seconds=6)
    make_film(tmp_path / "short.mp4", seconds=3.0)
    make_film(tmp_path / "blink.mp4", seconds=1.0)
    whole = make_film(tmp_path / "whole.mp4").path.read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.mp4").write_text("no film")
    (tmp_path / "list.mp4").write_text("ffconcat version 1.0\nfile whole.mp4\n")
    (tmp_path / "empty.mp4").write_bytes(b"")
    media = whole.index(b"mdat")
    broken = bytearray(whole)
    for place in range(media + len(whole) // 4, media + len(whole) // 2, 40):
        broken[place] ^= 0xFF
    (tmp_path / "broken.mp4").write_bytes(broken)
    names = ["mute", "hush", "noise", "short", "blink", "cut", "text", "list", "empty", "broken"]

    refused = _refused(tmp_path, write_annotations(tmp_path, map(annotation, names)), tmp_path / "library")

    assert {name: (text[:5], reason) for name, (text, reason) in refused.items()} == {
        "mute": ("CH087", "no sound"),
        "hush": ("CH087", "no sound"),
        "noise": ("CH088", "no stable beat"),
        "short": ("CH089", "too short"),
        "blink": ("CH089", "too short"),
        "cut": ("CH090", "corrupt"),
        "text": ("CH090", "corrupt"),
        "list": ("CH090", "corrupt"),
        "empty": ("CH090", "corrupt"),
        "broken": ("CH090", "corrupt"),
    }
    assert refused["mute"][0] == "CH087  mute.mp4 has no sound to hear its beats in. Export it with its music."
    assert refused["noise"][0].startswith("CH088  noise.mp4 has no steady beat.")
    assert "a move needs 8. Give a longer clip, or say with first_count" in refused["short"][0]
    assert refused["blink"][0] == "CH089  blink.mp4 is shorter than one eight-count. Give a longer clip."
    assert "cannot be decoded" in refused["broken"][0]
    assert not list(tmp_path.rglob("*.part"))


def test_ingest__too_much_work__is_refused_and_leaves_nothing(
    make_film, annotation, write_annotations, tmp_path: Path
) -> None:
    make_film(tmp_path / "basic.mp4")
    annotations = write_annotations(tmp_path, [annotation("basic")])
    out = tmp_path / "library"

    refused = _refused(tmp_path, annotations, out, limits=Limits(memory_mb=2304, file_mb=0))

    message, reason = refused["basic"]
    assert message.startswith("CH019  reading basic.mp4 took more room on the disk than it may (0 MB).")
    assert reason == "too much work"
    assert not list(out.rglob("*.mp4"))
    assert not list(out.rglob("*.part"))


def test_ingest__duplicate_id_and_bad_words__are_refused_and_the_rest_is_taken(copied) -> None:
    films, annotations, out = copied
    _change(annotations, 0, clip_id="basic")
    _change(annotations, 2, difficulty="expert")

    report = ingest(films, annotations, out)

    assert [(refused.code, refused.reason) for refused in report.refused] == [
        ("CH084", "duplicate id"),
        ("CH083", "unknown word"),
    ]
    assert report.refused[0].message == (
        "clip_id basic (line 11) is there twice; the first, on line 3, was taken. Every clip needs its own."
    )
    assert [move.clip_id for move in Library.load(out).moves] == ["basic", "ending"]


@pytest.mark.full
def test_ingest__killed__leaves_no_half_library_and_the_next_run_completes_it(
    ingested, write_annotations, tmp_path: Path
) -> None:
    films, out = tmp_path / "films", tmp_path / "library"
    shutil.copytree(ingested.annotations.parent, films)
    document = json.loads(ingested.annotations.read_text())
    annotations = write_annotations(films, document["clips"])
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        command = [sys.executable, "-c", KILLED, str(films), str(out), str(tmp_path / "lock")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as running:
            assert any(line == "encoding 1\n" for line in running.stdout)
            os.kill(running.pid, signal.SIGKILL)

    assert not (out / INDEX_NAME).exists()
    done = len(list((out / ".ingest").glob("clip-*.json")))
    assert done >= 1
    for clip in (out / "clips").glob("*.mp4"):
        assert read_clip(clip)

    report = ingest(films, annotations, out)

    assert report.encoded == len(ingested.library.moves) - done
    assert report.accepted == ingested.report.accepted
    assert not list(out.rglob("*.part"))
    for mine, theirs in zip(Library.load(out).moves, ingested.library.moves, strict=True):
        assert (out / mine.video_path).read_bytes() == ingested.library.clip(theirs).read_bytes()
        assert mine.beats_s == theirs.beats_s


def test_ingest__lock_of_one_that_was_just_killed__is_waited_for(copied, monkeypatch: pytest.MonkeyPatch) -> None:
    films, annotations, out = copied
    with (out / ".ingest" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        waits = []
        monkeypatch.setattr(time, "sleep", lambda wait_s: (waits.append(wait_s), fcntl.flock(lock, fcntl.LOCK_UN)))

        report = ingest(films, annotations, out)

    assert waits == [0.1]
    assert report.encoded == 0


def test_ingest__another_one_at_work__is_refused(copied) -> None:
    films, annotations, out = copied
    with (out / ".ingest" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        with pytest.raises(ClipError, match=r"^CH093  another ingest is at work in "):
            ingest(films, annotations, out)


def test_ingest__library_of_another_kind__is_left_alone(drawn: Library, ingested) -> None:
    before = _content(drawn.folder)

    with pytest.raises(ClipError, match=r"^CH093  .* holds a library that was not ingested; it was left alone"):
        ingest(ingested.annotations.parent, ingested.annotations, drawn.folder)

    assert _content(drawn.folder) == before


def test_ingest__library_that_is_a_file__is_refused(ingested, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(
        ClipError, match=r"^CH093  .*file cannot hold a library \(Not a directory\)\. Choose a folder\."
    ):
        ingest(ingested.annotations.parent, ingested.annotations, tmp_path / "file")


def test_ingest__folder_of_the_films__is_left_alone(ingested) -> None:
    films = ingested.annotations.parent

    with pytest.raises(ClipError, match=r"^CH093  .* holds the films"):
        ingest(films, ingested.annotations, films)


def test_ingest__progress__counts_to_the_end_of_both_stages(copied) -> None:
    films, annotations, out = copied
    told: list[tuple[str, int, int]] = []

    ingest(films, annotations, out, on_progress=lambda *step: told.append(step))

    assert told == [("hearing", n, 4) for n in range(5)] + [("encoding", n, 5) for n in range(6)]


@pytest.mark.parametrize("size", [(16384, 2), (2, 16384), (1, 1), (2, 2), (640, 90)])
@pytest.mark.thinned(to_one_in=5)
def test_ingest__film_of_an_absurd_shape__is_refused_and_the_others_go_on(
    size: tuple[int, int], make_film, annotation, write_annotations, tmp_path: Path
) -> None:
    films = tmp_path / "films"
    good = make_film(films / "good.mp4")
    _plain_film(films / "odd.mp4", size)
    noted = [annotation(name, beats_s=list(good.beats_s)) for name in ("good", "odd")]

    report = ingest(films, write_annotations(films, noted), tmp_path / "library", height=90, width=116)

    assert [clip.clip_id for clip in report.accepted] == ["good"]
    assert [(film.clip_id, film.code) for film in report.refused] == [("odd", "CH094")]
    width, height = size
    assert report.refused[0].message == (
        f"odd.mp4 has pictures of {width}x{height} pixels; a film has 16 to 8192 on each side, "
        "and no side is more than 5 times the other. Export it again, or leave it out."
    )


def test_ingest__film_that_goes_away_meanwhile__is_refused_and_the_others_go_on(
    make_film, annotation, write_annotations, tmp_path: Path
) -> None:
    films = tmp_path / "films"
    good, gone = make_film(films / "good.mp4"), make_film(films / "gone.mp4")
    noted = [annotation(name, beats_s=list(good.beats_s)) for name in ("good", "gone")]
    notes = write_annotations(films, noted)

    def take_away(_stage: str, _done: int, _total: int) -> None:
        gone.path.unlink(missing_ok=True)

    report = ingest(films, notes, tmp_path / "library", height=90, width=116, on_progress=take_away)

    assert [clip.clip_id for clip in report.accepted] == ["good"]
    assert [film.message for film in report.refused] == [
        "gone.mp4 cannot be read (No such file or directory). Restore the film, or its rights."
    ]


NONSENSE = {
    "list": '{"result": [], "unconfined": []}',
    "fields": '{"result": {"beats_s": 1}, "unconfined": []}',
    "nan": '{"result": {"beats_s": [NaN], "first_count": 0, "confidence": [], "pictures_s": [0, 1], '
    '"box": [0, 0, 9, 9], "sharpness": 1, "seconds": 1}, "unconfined": []}',
    "nested": "[" * 100_000,
    "full": '{"system": [28, "No space left on device", null]}',
    "words": "la la la",
}


def test_ingest__films_that_take_their_child_over__are_refused_and_the_others_go_on(
    make_film, annotation, write_annotations, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program of the child speaks for the films named in NONSENSE as one that was taken over could."""
    films = tmp_path / "films"
    good = make_film(films / "good.mp4")
    for name in NONSENSE:
        (films / f"{name}.mp4").hardlink_to(good.path)
    answers = {str(films / f"{name}.mp4"): answer for name, answer in NONSENSE.items()}
    usual = "json.dump(_answer(request), out)"
    program = isolation.CHILD.read_text()
    assert program.count(usual) == 1
    hijacked = f"out.write({answers!r}.get(request['arguments'][0]) or json.dumps(_answer(request)))"
    (tmp_path / "hijacked.py").write_text(program.replace(usual, hijacked))
    monkeypatch.setattr(isolation, "CHILD", tmp_path / "hijacked.py")
    noted = [annotation(name, beats_s=list(good.beats_s)) for name in ("good", *NONSENSE)]

    report = ingest(films, write_annotations(films, noted), tmp_path / "library", height=90, width=116)

    assert [clip.clip_id for clip in report.accepted] == ["good"]
    assert {film.clip_id: film.code for film in report.refused} == {
        "list": "CH091",
        "fields": "CH091",
        "nan": "CH091",
        "nested": "CH018",
        "full": "CH091",
        "words": "CH018",
    }


def test_machine_works__no_room_or_no_writing__is_the_machine_s(tmp_path: Path) -> None:
    assert machine_works(tmp_path, room_mb=1)
    assert not machine_works(tmp_path, room_mb=1 << 40)
    assert not machine_works(Path("/proc"), room_mb=1)


def test_ingest__disk_that_is_full__ends_and_blames_no_film(
    make_film, annotation, write_annotations, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = make_film(tmp_path / "good.mp4")
    notes = write_annotations(tmp_path, [annotation("good", beats_s=list(good.beats_s))])
    monkeypatch.setattr(Records, "keep", _no_space)
    monkeypatch.setattr(run, "machine_works", lambda *_: False)

    with pytest.raises(OSError, match="No space left"):
        ingest(tmp_path, notes, tmp_path / "library", height=90, width=116)


def _no_space(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def _plain_film(path: Path, size: tuple[int, int]) -> None:
    """Eight seconds of grey and noise; in 4:4:4, which takes odd sizes."""
    width, height = size
    with av.open(str(path), "w", format="mp4") as out:
        pictures = out.add_stream("libx264", rate=30, options={"preset": "ultrafast"})
        pictures.width, pictures.height, pictures.pix_fmt = width, height, "yuv444p"
        track = out.add_stream("aac", rate=48_000, layout="stereo")
        for number in range(240):
            frame = av.VideoFrame.from_ndarray(np.full((height, width, 3), number, np.uint8), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 30)
            out.mux(pictures.encode(frame))
        out.mux(pictures.encode(None))
        noise = np.random.default_rng(1).uniform(-0.1, 0.1, (2, 8 * 48_000)).astype(np.float32)
        block = av.AudioFrame.from_ndarray(noise, "fltp", "stereo")
        block.sample_rate, block.pts = 48_000, 0
        out.mux(track.encode(block))
        out.mux(track.encode(None))


@pytest.mark.full
def test_ingest__films_of_one_recording__are_counted_alike_and_those_in_doubt_come_first(
    make_film, annotation, write_annotations, tmp_path: Path
) -> None:
    folder, out = tmp_path / "films", tmp_path / "library"
    begins = {"first": 0, "second": 5, "third": 10}
    films = {name: make_film(folder / f"{name}.mp4", from_beat=at, seconds=7.2) for name, at in begins.items()}
    alone = annotation("alone", beats_s=[0.2 + 0.4 * beat for beat in range(12)])
    shutil.copy(folder / "first.mp4", folder / "alone.mp4")
    clips = [alone, *(annotation(name) for name in films)]

    report = ingest(folder, write_annotations(folder, clips), out, height=90)

    told = {clip.clip_id: clip for clip in report.accepted}
    assert {told[name].votes for name in films} == {3}
    ones = {(begins[name] + _beat_of(told[name], films[name])) % 8 for name in films}
    assert len(ones) == 1, "the same beat of the music is the 1 in all of them"
    assert told["alone"].votes == 1

    # A person says of one of them that its 1 is two beats later: now the others are in doubt, and come first.
    moved = (told["first"].first_count + 2) % 8
    clips = [alone, annotation("first", first_count=moved), *(annotation(name) for name in ("second", "third"))]
    again = ingest(folder, write_annotations(folder, clips), out, height=90)

    told = {clip.clip_id: clip for clip in again.accepted}
    assert told["second"].vote_share > 0.9, "what a person says is sure"
    assert {(begins[name] + _beat_of(told[name], films[name])) % 8 for name in films} == {(ones.pop() + 2) % 8}


@pytest.mark.parametrize(
    ("counted", "warning"),
    [
        (
            {"share": 0.6, "votes": 3},
            "3 clips share this recording, and the bar has 60% of their votes; 75% would be sure.",
        ),
        ({"bar_confidence": 0.58}, "the probability that a bar begins there is 58%; 75% would be sure."),
    ],
)
def test_accepted__1_below_the_margin__is_a_warning_with_the_number(ingested, counted, warning: str) -> None:
    accepted = accepted_of(_doubted_film(ingested, **counted), [ingested.library.moves[1]])

    assert accepted.warnings == (
        f"the 1 is doubtful: {warning} Look at the clip, and say with first_count which beat is a 1.",
    )
    assert accepted.certainty == min(value for value in counted.values() if value < 1)


def test_accepted__1_above_the_margin__has_no_warning(ingested) -> None:
    sure = _doubted_film(ingested, share=0.8, bar_confidence=0.8, count_share=0.5, votes=3)

    accepted = accepted_of(sure, [ingested.library.moves[1]])

    assert (accepted.warnings, accepted.certainty) == ((), 0.8)


def test_accepted__another_film_contradicts__is_a_warning_with_its_name(ingested) -> None:
    accepted = accepted_of(_doubted_film(ingested, contradicted_by=("turn",)), [ingested.library.moves[1]])

    (warning,) = accepted.warnings
    assert warning.startswith("the 1 contradicts that of turn, which has the same recording. Look at both,")
    assert accepted.certainty == 0.0


def _doubted_film(ingested, **counted: Any) -> Film:
    entries = read_entries(ingested.annotations)
    said = annotation_of(entries[1], ingested.annotations.parent)
    beats = Counted((0.0, 0.4), 0, 1.0, KNOWN, **counted)
    return Film(said, "", {}, beats, (MoveSpan(0, tuple(0.4 * beat for beat in range(9))),))


def _beat_of(clip, film) -> int:
    """Return which beat of the film is the 1 that was told, from the film's own first beat on."""
    one_s = clip.heard_s[clip.first_count]
    return int(np.abs(np.array(film.beats_s) - one_s).argmin())
