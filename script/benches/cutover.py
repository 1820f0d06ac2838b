"""People while traffic moves: the switch and the rollback by the real command line, by DNS and by a balancer.

By DNS at a TTL of 30 s; by HAProxy at 1, 10, 50 and 100 %, each judged by the watch. Two cores.

No tab may notice: at least 30 % of the requests come from tabs that the other system had opened, and choreographies
are in the making across both moves.
"""

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from sandbox import haproxy
from sandbox.clients.diary import Visit
from sandbox.clients.figures import Cost, is_lost, lag_p95_s, sessions_lost, tasks
from sandbox.fixtures import server_for_this_run
from sandbox.rehearsal.__main__ import watching
from sandbox.rehearsal.moves import MoveCommand, cost_of, done, move
from sandbox.rehearsal.stage import RehearsalSettings, RehearsalStage, new_database, stage
from sandbox.rehearsal.story import in_words

TTL_S = 30
GATES = [{"id": "ttl", "kind": "ttl", "reason": "who still has the old TTL would come late"}]
# A balancer has no TTL. What is in the journal of the watch decides between its steps.
GATES_OF_A_BALANCER = [{"id": "certificate", "kind": "certificate", "reason": "people must not meet a warning"}]
FRESH_SONGS = 12
MORE_BEFORE_S = 5


def main() -> int:
    """Run what the command line asks for; print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=20_000, help="at least so many (default %(default)s)")
    parser.add_argument("--people", type=int, default=80)
    parser.add_argument("--ttl", type=int, default=TTL_S)
    parser.add_argument("--dns", choices=["auto", "bind9", "ours"], default="auto")
    parser.add_argument("--way", choices=["dns", "haproxy", "both"], default="both")
    arguments = parser.parse_args()
    settings = RehearsalSettings(
        ttl_s=arguments.ttl,
        former_ttl_s=arguments.ttl + MORE_BEFORE_S,
        people=arguments.people,
        name_server=arguments.dns,
        sections={"gates": GATES},
    )
    found: dict[str, object] = {}
    if arguments.way != "haproxy":
        with on_stage(settings) as on_it:
            found |= measure(on_it, arguments.requests, arguments.ttl)
    if arguments.way != "dns":
        if haproxy.program() is None:
            say(f"{haproxy.MISSING}, so the balancer is not measured")
        else:
            with on_stage(replace(settings, balanced=True, sections={"gates": GATES_OF_A_BALANCER})) as on_it:
                found |= measure_steps(on_it, arguments.requests)
    print(json.dumps(found, indent=1))
    return 0


@contextmanager
def on_stage(settings: RehearsalSettings) -> Iterator[RehearsalStage]:
    """Give a stage with a database of its own."""
    with (
        tempfile.TemporaryDirectory() as folder,
        server_for_this_run() as server,
        new_database(server) as database,
        stage(Path(folder), database, settings, say=say) as on_it,
    ):
        yield on_it


def measure_steps(on_it: RehearsalStage, wanted: int) -> dict[str, object]:
    """Move people by the balancer, step by step, and all of them back; return what the bench prints of it."""
    done(on_it, "init-journal", "--apply")
    with watching(on_it):
        done(on_it, "cutover", "begin", "--apply")
        plan = json.loads(done(on_it, "cutover", "plan", "--json").out)["checksum"]
        there = moved(on_it, wanted // 2, "cutover", "--apply", plan, to="backend", ttl_s=0)
        back = moved(on_it, wanted // 2, "rollback", "--apply", "--because", "a measurement", to="original", ttl_s=0)
    on_it.crowd.stop()
    tell_failures(on_it)
    return {f"balancer_{name}": value for name, value in balancer_figures(on_it, there, back).items()}


def balancer_figures(on_it: RehearsalStage, there: MoveCommand, back: MoveCommand) -> dict[str, object]:
    """Return the figures of a move by steps; ``back_s`` is from the change back to the last answer of the backend."""
    costs = cost_of(on_it, there), cost_of(on_it, back)
    entries = on_it.crowd.entries()
    steps = step_seconds(on_it)
    return {
        "requests": sum(one.requests for one in costs),
        "failed_requests": sum(one.failed for one in costs),
        "steps_s": round(there.moved.written - there.moved.decided, 1),
        "back_s": costs[1].propagation_s,
        "back_seen_s": round(steps["send people back"] + steps["see that all are back"], 2),
        "rollback_s": costs[1].visible_s,
        "tasks_in_flight": sum(one.tasks_in_flight for one in costs),
        "tasks_lost": sum(map(is_lost, tasks(entries))),
        "sessions_lost": sessions_lost([entry for entry in entries if isinstance(entry, Visit)]),
        "fell_back": sum(one.fell_back for one in costs),
    }


def step_seconds(on_it: RehearsalStage) -> dict[str, float]:
    """Return how long each action took, from this machine's copy of the journal."""
    lines = map(json.loads, (on_it.folder / ".handover/journal.jsonl").read_text().splitlines())
    actions = [line["body"] for line in lines if line["kind"] == "action"]
    return {body["action"]: body["seconds"] for body in actions if body["phase"] == "done"}


def measure(on_it: RehearsalStage, wanted: int, ttl_s: int) -> dict[str, object]:
    """Switch and roll back; each half goes on until it has its share of the requests."""
    done(on_it, "init-journal", "--apply")
    done(on_it, "cutover", "begin", "--apply")
    say(f"the TTL is {ttl_s} s now; waiting until the old one has run out")
    time.sleep(ttl_s + MORE_BEFORE_S)
    plan = json.loads(done(on_it, "cutover", "plan", "--json").out)["checksum"]
    there = moved(on_it, wanted // 2, "cutover", "--apply", plan, to="backend", ttl_s=ttl_s)
    back = moved(on_it, wanted // 2, "rollback", "--apply", "--because", "a measurement", to="original", ttl_s=ttl_s)
    on_it.crowd.stop()
    tell_failures(on_it)
    return figures(on_it, cost_of(on_it, there), cost_of(on_it, back))


def moved(on_it: RehearsalStage, wanted: int, *arguments: str, to: str, ttl_s: int) -> MoveCommand:
    """Make a move and go on measuring for two TTLs, and until people have made so many requests since its decision."""
    made = move(on_it, *arguments, to=to, ttl_s=ttl_s, songs=on_it.fresh_songs(FRESH_SONGS, to), look_s=2.0 * ttl_s)
    while cost_of(on_it, made).requests < wanted:
        time.sleep(1.0)
        made = made.until_now()
    say(in_words(cost_of(on_it, made), made))
    return made


def figures(on_it: RehearsalStage, there: Cost, back: Cost) -> dict[str, object]:
    """Return what the bench prints."""
    entries = on_it.crowd.entries()
    visits = [entry for entry in entries if isinstance(entry, Visit)]
    requests = there.requests + back.requests
    return {
        "requests": requests,
        "old_tab_pct": round(100 * (there.old_tab_requests + back.old_tab_requests) / requests, 1),
        "failed_requests": there.failed,
        "propagation_s": there.propagation_s,
        "rollback_s": back.visible_s,
        "rollback_failed_requests": back.failed,
        "tasks_in_flight": there.tasks_in_flight + back.tasks_in_flight,
        "tasks_lost": sum(map(is_lost, tasks(entries))),
        "sessions_lost": sessions_lost(visits),
        "parity_lag_p95_s": round(lag_p95_s(entries), 3),
        "rollback_propagation_s": back.propagation_s,
        "retried_on_a_closed_connection": there.retried + back.retried,
        "answered_by_the_pages_own_fallback": there.fell_back + back.fell_back,
        "people_late": there.stuck + back.stuck,
        "requests_in_all": len(visits),
        "failed_in_all": sum(bool(visit.failed) for visit in visits),
        "tasks": len(tasks(entries)),
    }


def tell_failures(on_it: RehearsalStage) -> None:
    """List what went wrong, the most frequent first."""
    visits = [entry for entry in on_it.crowd.entries() if isinstance(entry, Visit) and entry.failed]
    kinds = Counter(
        (v.failed, v.step, f"page of the {v.tab or 'bookmark'}", f"answered by {v.by}" if v.by else "unanswered")
        for v in visits
    )
    for kind, count in kinds.most_common(20):
        say(f"{count} failed: {', '.join(kind)}")
    for task in filter(is_lost, tasks(on_it.crowd.entries())):
        say(f"lost: {task}")


def say(line: str) -> None:
    """Tell how far it is."""
    print(f"{time.strftime('%H:%M:%S')}  {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
