from __future__ import annotations

import fcntl
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bachateo.cli import app
from bachateo.errors import ClipError
from bachateo.moves import Library
from bachateo.moves.ingest import Share, ingest, ingest_share
from bachateo.moves.ingest.records import STATE, Records

SIZE = {"height": 90, "width": 116}
OF = 3
# Waits in the middle of its first film for a lock that the test holds.
KILLED = """
import fcntl, sys
from pathlib import Path
from bachateo.moves.ingest import ingest_share

def tell(stage, done, total):
    print(stage, done, flush=True)
    if (stage, done) == (sys.argv[4], 1):
        fcntl.flock(open(sys.argv[3], "w"), fcntl.LOCK_EX)

films, out = Path(sys.argv[1]), Path(sys.argv[2])
ingest_share(films, films / "annotations.json", out, number=1, of=3, height=90, width=116, workers=1, on_progress=tell)
"""


@pytest.fixture
def films(ingested, tmp_path: Path) -> Path:
    """The films of ``ingested``, in a folder of this test's own."""
    return Path(shutil.copytree(ingested.annotations.parent, tmp_path / "films"))


@pytest.fixture
def do(films: Path, tmp_path: Path) -> Callable[..., Share]:
    """Do a share of three."""

    def share(number: int, *, of: int = OF) -> Share:
        return ingest_share(films, films / "annotations.json", tmp_path / "out", number=number, of=of, **SIZE)

    return share


def whole(films: Path, out: Path):
    return ingest(films, films / "annotations.json", out, **SIZE)


def facts(library: Library) -> list[dict[str, object]]:
    """Return what a library says of its moves, but when they were encoded and how long it took."""
    times = {"created_at", "processing_time"}
    return [{name: value for name, value in asdict(move).items() if name not in times} for move in library.moves]


def test_shares__twice_each__make_the_library_that_one_ingest_makes__each_film_once(
    films, do, tmp_path, ingested
) -> None:
    first = [do(number) for number in (1, 2, 3)]
    assert [share.waits_for for share in first] == [(2, 3), (3,), ()]
    assert sum(share.heard for share in first) == sum(share.films for share in first) == 4
    second = [do(number) for number in (1, 2, 3)]
    assert [(share.heard, share.waits_for) for share in second] == [(0, ())] * OF
    assert sum(share.encoded for share in (*first, *second)) == 5

    report = whole(films, tmp_path / "out")
    assert (report.encoded, len(report.accepted), report.refused) == (0, 4, ())
    pairs = zip(facts(Library.load(tmp_path / "out")), facts(ingested.library), strict=True)
    assert [name for made, alone in pairs for name in made if made[name] != alone[name]] == []
    assert list((tmp_path / "out" / STATE).glob("share-*")) == [], "the marks of shares are removed with the last step"


@pytest.mark.full
def test_share__of_a_lost_machine__keeps_the_others_from_encoding_and_goes_on_elsewhere(films, do, tmp_path) -> None:
    lock = tmp_path / "lock"
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        argv = [sys.executable, "-c", KILLED, films, tmp_path / "out", lock, "hearing"]
        with subprocess.Popen(list(map(str, argv)), stdout=subprocess.PIPE, text=True) as lost:
            assert lost.stdout is not None
            while lost.stdout.readline().strip() != "hearing 1":
                assert lost.poll() is None
            with pytest.raises(ClipError, match="CH093"):
                do(1)
            with pytest.raises(ClipError, match="CH093"):
                whole(films, tmp_path / "out")
            assert do(2).waits_for == (1, 3)
            lost.send_signal(signal.SIGKILL)
    assert [do(3).waits_for, do(2).encoded] == [(1,), 0]
    kept = len(list((tmp_path / "out" / STATE).glob("heard-*")))
    again = do(1)
    assert (again.heard, again.waits_for) == (4 - kept, ()), "what the lost machine had heard is not heard again"
    encoded = again.encoded + do(2).encoded + do(3).encoded
    assert (encoded, whole(films, tmp_path / "out").encoded) == (5, 0)


@pytest.mark.full
def test_share__refused_film__does_not_keep_the_others(films, do, tmp_path) -> None:
    document = json.loads((films / "annotations.json").read_text())
    broken = films / document["clips"][0]["video_path"]
    broken.write_bytes(b"no film")
    for _ in range(2):
        shares = [do(number) for number in (1, 2, 3)]
    assert [share.waits_for for share in shares] == [()] * OF
    report = whole(films, tmp_path / "out")
    assert (report.encoded, [refused.clip_id for refused in report.refused]) == (0, [document["clips"][0]["clip_id"]])


@pytest.mark.parametrize("number", [0, 4])
def test_share__that_is_none__is_refused(do, number) -> None:
    with pytest.raises(ClipError, match=f"CH097  share {number} of 3 is none"):
        do(number)


def test_library_ingest__share__says_what_it_waits_for__and_a_task_of_cloud_run_takes_its_own(
    films, tmp_path, monkeypatch
) -> None:
    command = ["library", "ingest", films, "--annotations", films / "annotations.json", "-o", tmp_path / "out"]
    argv = [*map(str, command), "--height", "90", "--width", "116"]
    told = CliRunner().invoke(app, [*argv, "--share", "1/2"])
    assert told.exit_code == 0, told.output
    assert told.stdout.splitlines()[-2:] == [
        "share 1 of 2: 2 films, 2 heard and 0 encoded now",
        "waits for share 2: call it again when they have heard theirs",
    ]
    monkeypatch.setenv("CLOUD_RUN_TASK_INDEX", "1")
    monkeypatch.setenv("CLOUD_RUN_TASK_COUNT", "2")
    told = CliRunner().invoke(app, argv)
    assert told.stdout.splitlines()[-1].startswith("share 2 of 2: 2 films, 2 heard and "), told.output
    assert Records(tmp_path / "out").found("settings.json")
    wrong = CliRunner().invoke(app, [*argv, "--share", "3/2"])
    assert (wrong.exit_code, "'3/2' is no share; it must be like 2/8." in wrong.output) == (2, True)
