from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bachateo.errors import ClipError
from bachateo.moves.ingest.annotations import annotation_of, read_entries

GOOD = {"clip_id": "spin", "video_path": "spin.mp4", "move_label": "spin", "difficulty": "low", "energy_level": "high"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "spin.mp4").write_bytes(b"a film")
    (tmp_path / "secret.mp4").write_bytes(b"not in the folder")
    (tmp_path / "films" / "link.mp4").symlink_to(tmp_path / "secret.mp4")
    (tmp_path / "films" / "circle.mp4").symlink_to("circle.mp4")
    return tmp_path / "films"


def _annotation(folder: Path, write_annotations, **fields: Any):
    clip = {name: value for name, value in {**GOOD, **fields}.items() if value is not ...}
    return annotation_of(*read_entries(write_annotations(folder, [clip])), folder)


def test_annotation_of__only_what_is_needed__fills_in_the_rest(folder: Path, write_annotations) -> None:
    annotation = _annotation(folder, write_annotations)

    assert annotation.video == (folder / "spin.mp4").resolve()
    assert (annotation.difficulty, annotation.energy_level) == ("beginner", "high")
    assert (annotation.lead_follow_roles, annotation.role, annotation.description) == ("both", None, "")
    assert (annotation.estimated_tempo, annotation.quality_score, annotation.first_count) == (None, None, None)


@pytest.mark.parametrize(
    ("word", "difficulty"),
    [("low", "beginner"), ("medium", "intermediate"), ("high", "advanced"), ("advanced", "advanced")],
)
def test_annotation_of__difficulty__is_told_in_the_words_of_a_library(
    folder: Path, write_annotations, word: str, difficulty: str
) -> None:
    assert _annotation(folder, write_annotations, difficulty=word).difficulty == difficulty


@pytest.mark.parametrize(
    ("label", "role", "expected"),
    [("intros", None, "intro"), ("Outro", None, "outro"), ("spin", "intro", "intro"), ("intros", "outro", "outro")],
)
def test_annotation_of__role__is_said_or_follows_from_the_label(
    folder: Path, write_annotations, label: str, role: str | None, expected: str
) -> None:
    assert _annotation(folder, write_annotations, move_label=label, role=role).role == expected


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"move_label": ...}, r"CH082  move_label of spin \(line 3\) is missing; it must be a text on one line\."),
        ({"clip_id": 7}, r"CH082  clip_id of clip 1 \(line 3\) is 7; it must be a text"),
        ({"clip_id": " "}, r"CH082  clip_id of   \(line 3\) is ' '; it must be a text"),
        ({"clip_id": "\ud800"}, r"CH082  clip_id of clip 1 \(line 3\) is '\\ud800'; it must be a text"),
        (
            {"description": "two\nlines"},
            r"CH082  description of spin \(line 3\) is 'two\\nlines'; it must be a text on",
        ),
        ({"style": "x" * 501}, r"CH082  style of spin .*; it must be 500 characters at most\."),
        (
            {"difficulty": ...},
            r"CH082  difficulty of spin \(line 3\) is missing; it must be one of low, medium, high, b",
        ),
        ({"difficulty": "expert"}, r"CH083  difficulty of spin \(line 3\) is 'expert'; it must be one of low, medium"),
        ({"energy_level": ["low"]}, r"CH083  energy_level of spin \(line 3\) is \['low'\]; it must be one of low"),
        ({"role": "encore"}, r"CH083  role of spin \(line 3\) is 'encore'; it must be one of intro, outro\."),
        ({"lead_follow_roles": "all"}, r"CH083  lead_follow_roles of spin .* must be one of both, lead_focus, follow"),
        (
            {"estimated_tempo": "fast"},
            r"CH082  estimated_tempo of spin \(line 3\) is 'fast'; it must be a number above 0",
        ),
        ({"estimated_tempo": float("nan")}, r"CH082  estimated_tempo of spin \(line 3\) is nan; it must be a number"),
        (
            {"estimated_tempo": 10**400},
            r"CH082  estimated_tempo of spin \(line 3\) is 1000.*; it must be a number above",
        ),
        ({"quality_score": 1.1}, r"CH082  quality_score of spin \(line 3\) is 1\.1; it must be a number from 0 to 1\."),
        (
            {"first_count": -1},
            r"CH082  first_count of spin \(line 3\) is -1; it must be a whole number, 0 for the first",
        ),
        ({"first_count": 1.5}, r"CH082  first_count of spin \(line 3\) is 1\.5; it must be a whole number"),
        ({"beats": 24}, r"CH082  beats of spin \(line 3\) is 24; it must be one of \(8, 16, 32\)\."),
        ({"beats_s": [1, 2]}, r"CH082  beats_s of spin \(line 3\) is \[1, 2\]; it must be a list of at least 9 rising"),
        ({"beats_s": [*range(8), 1]}, r"CH082  beats_s of spin .* it must be a list of at least 9 rising numbers\."),
        ({"beats_s": [*range(8), "9"]}, r"CH082  beats_s of spin .* it must be a list of at least 9 rising numbers\."),
        (
            {"video_path": "../secret.mp4"},
            r"CH085  video_path of spin \(line 3\), \.\./secret\.mp4, leads out of .*films\.",
        ),
        ({"video_path": "/etc/passwd"}, r"CH085  video_path of spin \(line 3\), /etc/passwd, leads out of"),
        ({"video_path": "link.mp4"}, r"CH085  video_path of spin \(line 3\), link\.mp4, leads out of"),
        (
            {"video_path": "gone.mp4"},
            r"CH086  video_path of spin \(line 3\), gone\.mp4, is no file in .*films\. Correct",
        ),
        ({"video_path": "."}, r"CH086  video_path of spin \(line 3\), \., is no file in"),
        ({"video_path": "circle.mp4"}, r"CH086  video_path of spin \(line 3\), circle\.mp4, is no file in"),
        ({"video_path": "x" * 400}, r"CH086  video_path of spin \(line 3\), x+, is no file in"),
    ],
)
def test_annotation_of__wrong_field__is_named_with_its_line(
    folder: Path, write_annotations, fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(ClipError, match=f"^{message}"):
        _annotation(folder, write_annotations, **fields)


def test_read_entries__lines__are_where_each_clip_begins(tmp_path: Path, write_annotations) -> None:
    path = tmp_path / "annotations.json"
    path.write_text(
        '{"about": "\\"clips\\": [{}]", "clips":\n[{"clip_id": "a"},\n\n{"clip_id": "b"}, {"clip_id": "c"}]}'
    )

    assert [(entry.name, entry.line) for entry in read_entries(path)] == [("a", 2), ("b", 4), ("c", 4)]


def test_read_entries__clip_that_is_none__is_said_when_it_is_read(folder: Path, write_annotations) -> None:
    (entry,) = read_entries(write_annotations(folder, ["spin"]))

    with pytest.raises(ClipError, match=r"^CH082  line 3: 'spin' is no clip\. Every clip is an object\."):
        annotation_of(entry, folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"clips": [\n  {"clip_id" 1}]}', r"CH080  .*a\.json is not valid JSON: line 2, column 14: Expecting ':'"),
        ("[" * 100_000, r"CH080  the annotations .*a\.json cannot be read"),
        ('{"clips": [' + "9" * 5_000 + "]}", r"CH080  the annotations .*a\.json cannot be read"),
        ("[]", r"CH081  .*a\.json lists no clips\. It must be an object with \"clips\""),
        ('{"clips": []}', r"CH081  .*a\.json lists no clips\."),
        ('{"clips": {}}', r"CH081  .*a\.json lists no clips\."),
    ],
)
def test_read_entries__no_annotations__says_what_is_wrong(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(content)

    with pytest.raises(ClipError, match=f"^{message}"):
        read_entries(path)


def test_read_entries__missing_or_no_text__says_so(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"\xff\xfe\x00")

    for path in (tmp_path / "gone.json", tmp_path / "a.json"):
        with pytest.raises(ClipError, match=r"^CH080  the annotations .* cannot be read"):
            read_entries(path)
