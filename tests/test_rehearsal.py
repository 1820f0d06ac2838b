"""A small rehearsal by the real command line: there and back, unnoticed by its users."""

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from sandbox import house, template
from sandbox.clients.diary import Visit
from sandbox.clients.figures import is_lost, lag_p95_s, tasks
from sandbox.rehearsal.moves import CommandRefusedError, cost_of, done, move, until
from sandbox.rehearsal.stage import RehearsalSettings, stage
from sandbox.systems import ADDRESSES

TTL_S = 1
PLOT = RehearsalSettings(
    ttl_s=TTL_S,
    former_ttl_s=2,
    people=6,
    quiet_s=3.0,
    name_server="ours",
    sections={"gates": [{"id": "ttl", "kind": "ttl", "reason": "who still has the old TTL would come late"}]},
    crowd={"pause_s": (2.1, 2.4), "make_every_s": 600, "relogin_share": 0.0, "lag_every_s": 0.1},
)
pytestmark = pytest.mark.allow_hosts(["127.0.0.1", *ADDRESSES.values()])


@pytest.mark.full
def test_rehearsal__there_and_back__people_do_not_notice_and_nothing_stays(postgres, adopted_template, tmp_path: Path):
    threads = threading.active_count()
    with (
        template.clone(postgres, adopted_template) as database,
        stage(tmp_path, database, PLOT, say=lambda _: None) as night,
    ):
        done(night, "init-journal", "--apply")
        with pytest.raises(CommandRefusedError, match=r"SB021  handover rollback --apply .*ended with 3; expected 0"):
            done(night, "rollback", "--apply", "--because", "no user has moved yet")
        done(night, "cutover", "begin", "--apply")
        plan = done(night, "cutover", "plan").out.split("--apply")[-1].split()[0]
        until(night, "gates")  # the old TTL has to run out
        songs = night.fresh_songs(2, "fresh")
        there = move(night, "cutover", "--apply", plan, to="backend", ttl_s=TTL_S, songs=songs[:1], look_s=8)
        back = move(
            night, "rollback", "--apply", "--because", "a trial", to="original", ttl_s=TTL_S, songs=songs[1:], look_s=8
        )
        night.crowd.stop()
        entries = night.crowd.entries()
        costs = [cost_of(night, made) for made in (there, back)]
        processes = [system.process.pid for system in night.systems.running]
        place = night.systems.place.folder
        assert night.authority.key.secret not in "".join(
            file.read_text() for file in tmp_path.rglob("*") if file.is_file() and not file.name.endswith(".dump")
        )
    failed = [entry for entry in entries if isinstance(entry, Visit) and entry.failed]
    wrong = "\n".join(map(str, [*failed, *filter(is_lost, tasks(entries))]))
    for seen in costs:
        assert (seen.failed, seen.sessions_lost) == (0, 0), wrong
        assert seen.requests > 50
        assert seen.old_tab_requests > 10
    assert sum(seen.tasks_in_flight for seen in costs) >= 1
    assert not any(map(is_lost, tasks(entries))), wrong
    assert lag_p95_s(entries) < 3
    assert not any(Path(f"/proc/{pid}").exists() for pid in processes)
    assert not place.exists()
    assert (database.name in postgres.databases(), threading.active_count()) == (False, threads)


def rehearsed(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Rehearse a pair, as a team would."""
    command = [sys.executable, "-m", "examples.rehearse", *arguments]
    return subprocess.run(command, cwd=house.ROOT, capture_output=True, text=True, check=False)


@pytest.mark.full
def test_pair__of_strangers__is_moved_there_and_back_and_over_and_the_fault_is_told():
    ended = rehearsed("--pair", "examples/plain", "--minutes", "1", "--ttl", "2", "--people", "6", "--dns", "ours")
    assert ended.returncode == 0, ended.stderr[-6000:]
    folder = Path(ended.stderr.rstrip().rpartition("What stays lies in ")[2].replace("\n", ""))
    figures = json.loads((folder / "figures.json").read_text())
    assert all(one["held"] for one in figures["promises"])
    assert next(one["what"] for one in figures["promises"]) == "the fault was told within"
    assert all(one["cost"]["requests"] > 20 for one in figures["moves"].values())
    report = (folder / "report.html").read_text()
    assert "What failures cost people" in report
    assert "nothing was watched since the switch" not in report


def test_pair__is_none__says_what_is_missing(tmp_path: Path):
    ended = rehearsed("--pair", str(tmp_path))
    assert ended.returncode == 1
    assert "SB022" in ended.stderr
    assert "has no handover.toml, original, backend" in " ".join(ended.stderr.split())
