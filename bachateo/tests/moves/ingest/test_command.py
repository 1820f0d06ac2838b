from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bachateo.cli import app


@pytest.fixture
def run(ingested, tmp_path: Path):
    """Run the command on the films of ``ingested``, with annotations that a function has changed."""
    shutil.copytree(ingested.annotations.parent, tmp_path / "films")
    shutil.copytree(ingested.library.folder, tmp_path / "library")

    def ingest(change, *options: str) -> Result:
        document = json.loads(ingested.annotations.read_text())
        change(document["clips"])
        annotations = tmp_path / "films" / "annotations.json"
        annotations.write_text(json.dumps(document))
        command = ["library", "ingest", tmp_path / "films", "--annotations", annotations, "-o", tmp_path / "library"]
        return CliRunner().invoke(app, [str(argument) for argument in (*command, *options)])

    return ingest


def test_library_ingest__all_accepted__prints_a_table_and_ends_with_0(run) -> None:
    result = run(lambda _clips: None)

    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[1] == "basic    150.0 bpm  quality 0.80  8 beats"
    assert lines[2].endswith("16 + 8 beats")
    assert re.fullmatch(
        r"\d of the clips may begin on a 5: the probability of the 1 is below 75%; "
        r"it is count_confidence in ingest-report\.json",
        lines[-2],
    )
    assert lines[-1] == ("4 clips accepted, 0 refused; 5 moves, 0 of them encoded now; 116x90 at 30 pictures a second")
    assert "hearing: 4 of 4" in result.stderr
    assert "encoding: 5 of 5" in result.stderr


def test_library_ingest__some_refused__ends_with_4(run) -> None:
    result = run(lambda clips: clips[3].update(video_path="gone.mp4"))

    assert result.exit_code == 4
    assert "ending   refused, missing file" in result.stdout
    assert "CH086  video_path of ending (line 1), gone.mp4, is no file in" in result.stdout


def test_library_ingest__none_accepted__ends_with_1_and_leaves_the_library(run, tmp_path: Path) -> None:
    before = (tmp_path / "library" / "library.json").read_bytes()

    result = run(lambda clips: [clip.update(video_path="gone.mp4") for clip in clips])

    assert result.exit_code == 1
    assert "0 clips accepted, 4 refused; 0 moves" in result.stdout
    assert (tmp_path / "library" / "library.json").read_bytes() == before


def test_library_ingest__json__is_the_report_that_was_written(run, tmp_path: Path) -> None:
    result = run(lambda clips: clips[3].update(difficulty="expert"), "--json")

    report = json.loads(result.stdout)
    assert report == json.loads((tmp_path / "library" / "ingest-report.json").read_text())
    assert [clip["clip_id"] for clip in report["accepted"]] == ["opening", "basic", "turn"]
    assert report["accepted"][2]["moves"] == ["turn", "turn_2"]
    assert (report["refused"][0]["code"], report["refused"][0]["reason"]) == ("CH083", "unknown word")


def test_library_ingest__no_clips__fails_with_the_reason(run, tmp_path: Path) -> None:
    result = run(lambda clips: clips.clear())

    assert result.exit_code == 1
    assert "CH081  " in result.stderr
    assert result.stdout == ""
