"""The gates of an evolution are green after a whole move, and red when one part of it does not hold."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from handover.cutover.gate_context import GateContext
from handover.errors import Refused
from handover.evolve.context import open_evolve_context
from handover.evolve.gates import EVOLVE_RULES, judge_evolve_gates
from handover.evolve.preflight import check_turn
from handover.journal.journal import opened
from handover.parallel.rule import MetricVerdict
from handover.runs.position import of_stream
from handover_testing.crashes import crash
from handover_testing.night import BACKEND, ORIGINAL, TTL_S, VERIFY, keep, windows

CLEANUP = '[cleanup]\nafter_h = 0.0000001\ndecommission = ["stop-vm"]\n'
# People must have been on the backend for six minutes; the gates are asked ten minutes later.
STABLE, LATER_MIN = "[evolve]\nstable_h = 0.1\n", 10


def settles(story) -> None:
    """Move people, watch, and end the original."""
    story.switches()
    windows(story, 0.0, 0.0, 0.0)
    story.done("verify")
    story.done("cleanup", "--apply", "--confirm", "stop-vm")


@pytest.fixture
def settled(story):
    """The move is over."""
    story.declare(VERIFY + CLEANUP + STABLE)
    (folder := story.pair.folder / "hooks").mkdir()
    (folder / "stop-vm").write_text("#!/bin/sh\n")
    (folder / "stop-vm").chmod(0o755)
    story.kept.restore(story.pair, "settled", lambda: settles(story))
    story.set_record("www", TTL_S, BACKEND)
    return story


def watched(story, *verdicts: str) -> None:
    """Keep a window of each verdict, a minute each, the last one at the time when the gates are asked."""
    now = datetime.now(UTC)
    for number, verdict in enumerate(verdicts):
        end = now + timedelta(minutes=LATER_MIN - len(verdicts) + 1 + number)
        keep(story, MetricVerdict("backend", "latency_p95_ms", 1.0, verdict, "by the test"), end=end)


def judged(story, later_min: int = LATER_MIN, part: str = "found") -> dict[str, str]:
    """Return what each gate finds, or what to do, some minutes later; ``ok`` where it is green."""
    with opened(story.config) as journal:
        later = journal.now() + timedelta(minutes=later_min)
        context = GateContext(story.config, journal, list(of_stream(journal.entries())), later, None)
        found = {gate: rule(context) for gate, (rule, _) in EVOLVE_RULES.items()}
    return {gate: "ok" if result.ok else getattr(result, part) for gate, result in found.items()}


def test_gates__after_a_whole_move__are_green_and_each_fault_is_seen(settled):
    watched(settled, *["green"] * 8)
    assert judged(settled) == dict.fromkeys(EVOLVE_RULES, "ok")
    # Too early.
    assert "less than 360 s ago" in judged(settled, 1)["stable"]
    # A window was not green; then it was not watched any more.
    watched(settled, "red")
    assert "latency_p95_ms was watched and green for " in judged(settled)["stable"]
    assert "the backend was not watched in the last 360 s" in judged(settled, 60)["stable"]
    # People reach the original after all.
    settled.set_record("www", TTL_S, ORIGINAL)
    assert judged(settled)["users-moved"] == "people reach: original"
    # The original is connected.
    who = settled.pair.stage.environment("original", settled.pair.database.name)
    with psycopg.connect(settled.pair.database.url("owner"), user=who["DB_USER"], password=who["DB_PASSWORD"]):
        assert "1 session of drift_original are connected" in judged(settled)["decommissioned"]
        assert judged(settled, part="todo")["decommissioned"] == "End these sessions."


def test_gates__before_the_clean_up__are_red(story):
    story.declare(STABLE)
    story.switched()
    found = judged(story)
    assert found["stable"] == "the backend was not watched in the last 360 s"
    assert found["decommissioned"] == "the move is in the state switched"
    assert found["users-moved"] == "the original was not seen to get no more requests"
    assert found["no-rollback"] == "in the state switched people may have to be moved back to the original"


def test_gates__something_cannot_be_looked_at__is_red_and_never_green(settled):
    (settled.pair.folder / ".handover/archive/schema.json").unlink()
    with opened(settled.config) as journal:
        gates = {one.gate: one.result for one in judge_evolve_gates(settled.config, journal, {})}
    assert not gates["decommissioned"].ok
    assert "it could not be judged" in gates["decommissioned"].found


def test_turn__a_command_of_the_move_was_interrupted__is_refused(story):
    story.with_journal()
    crash(story, "begin", "begun")
    with (
        open_evolve_context(story.config, "evolve start", "0001_tasks", say=print) as context,
        pytest.raises(Refused, match=r"HO649  `begin` of the move is under way\. Nothing was changed"),
    ):
        check_turn(context)
    story.done("resume")
    with open_evolve_context(story.config, "evolve start", "0001_tasks", say=print) as context:
        check_turn(context)
