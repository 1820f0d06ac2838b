"""What handover.toml declares for the watch of this pair can really be measured on it."""

import sys
from threading import Event

from handover.config.config import load_config
from handover.parallel.watch import Watcher
from sandbox import house


def test_watch__own_pair__every_declared_measure_is_measured_and_none_is_red(systems, dancer, monkeypatch):
    declared = load_config(house.ROOT / "handover.toml")
    sides = {
        side: getattr(declared, side).model_copy(
            update={
                "python": (sys.executable,),
                "environment": systems.environment(f"{side}_app"),
                "base_url": getattr(systems, f"{side}_url"),
            }
        )
        for side in ("original", "backend")
    }
    # The flows have tests of their own; how fast a busy machine answers is no matter here.
    limits = declared.watch.limits.model_copy(update={"latency_p50_ms": 60_000.0, "latency_p95_ms": 60_000.0})
    quick = {"journeys": (), "window_s": 1.5, "interval_s": 0.1, "timeout_s": 30.0, "limits": limits}
    config = declared.model_copy(update={**sides, "watch": declared.watch.model_copy(update=quick)})
    stop = Event()
    with Watcher(config, systems.database.url("owner")) as watcher:
        watcher.start_agents(stop)
        window, _ = watcher.window(stop)
    assert window is not None
    verdicts = {(one.system, one.metric): (one.verdict, one.reason) for one in window.judged}
    assert {key: said for key, said in verdicts.items() if said[0] in ("red", "no data")} == {}
    for metric in ("queue_depth", "queue_age_s"):
        assert verdicts["backend", metric][0] == "green"
    for metric in ("parity_rows", "invariant_choices", "invariant_progress", "connections_share"):
        assert verdicts["both", metric][0] == "green"
