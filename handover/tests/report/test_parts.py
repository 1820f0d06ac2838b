"""The parts of the report, each with what must not look green."""

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from handover.config.cutover import Gate
from handover.cutover.gate_context import GateResult
from handover.cutover.gates import JudgedGate
from handover.journal.entry import JournalEntry
from handover.parallel.history import LINES
from handover.report import cards, chart, risks, timeline
from handover.report.watched import LatestMeasure, Watched, WatchedWindow, read_watched
from handover.runs.position import last_ended

START = datetime(2026, 11, 24, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def window(number, value, metric="latency_p95_ms", system="original", verdict="green"):
    return WatchedWindow(
        START + number * MINUTE, START + (number + 1) * MINUTE, system, metric, value, verdict, "because"
    )


def gate(kind, *, ok, because=""):
    return JudgedGate(Gate(id=kind, kind=kind, reason="r"), GateResult(ok, f"{kind} was seen"), because)


ALL = [gate(kind, ok=True) for kind in ("check", "proofs", "backup", "rehearsal", "sign-offs")]
METRICS = (
    ("original", "health"), ("original", "error_rate"), ("original", "latency_p95_ms"), ("backend", "error_rate"),
    ("backend", "latency_p95_ms"), ("both", "parity_differences"), ("both", "parity_lag_p95_s"),
    ("both", "invariant_choices"), ("both", "invariant_orphans"), ("both", "database"), ("both", "connections_share"),
    ("original", "files_missing"), ("backend", "files_missing"),
)  # fmt: skip


def watched(metric="", verdict="red", side=""):
    """Return a watch in which all is green but one metric, of one side if that is given."""
    is_bad = {(s, m): m == metric and side in {"", s} for s, m in METRICS}
    measures = (LatestMeasure(s, m, 0.5, verdict if is_bad[s, m] else "green", "because") for s, m in METRICS)
    return Watched((), tuple(measures))


# --- risks


def states(gates, seen):
    return {one.risk: one.state for one in risks.risks(gates, seen)}


def test_risks__everything_is_green__all_six_are():
    assert list(states(ALL, watched()).values()) == ["green"] * 6


def test_risks__not_judged_nor_watched__is_unknown():
    assert set(states(None, Watched((), ())).values()) == {"unknown"}


@pytest.mark.parametrize(
    ("kind", "metric", "red"),
    [
        ("check", "", {"Schema mismatch", "Breaking original app", "related_name conflicts", "Status value mismatch"}),
        ("proofs", "", {"Data corruption", "related_name conflicts", "File path issues"}),
        ("", "parity_differences", {"Data corruption"}),
        ("", "invariant_orphans", {"Data corruption"}),
        ("", "error_rate", {"Breaking original app"}),
        ("", "health", {"Breaking original app"}),
        ("", "invariant_choices", {"Data corruption", "Status value mismatch"}),
        ("", "files_missing", {"File path issues"}),
    ],
)
def test_risks__one_thing_is_red__shows_in_its_rows_alone(kind, metric, red):
    gates = [gate(one.gate.kind, ok=one.gate.kind != kind) for one in ALL]
    assert {risk for risk, state in states(gates, watched(metric)).items() if state == "red"} == red
    unknown = states([one for one in ALL if one.gate.kind != kind], watched(metric, "no data"))
    assert {risk for risk, state in unknown.items() if state == "unknown"} == red


# --- cards


def test_cards__everything_is_green__say_yes():
    shadow = {"compared": 5, "different": 0, "exit_code": 0}
    signed = [timeline.Signature("DevOps", entry("signature", role="DevOps"))]
    manager = cards.manager("parallel", ALL, signed, [], [], 900)
    assert (manager.state, manager.answer) == ("green", "Yes. Every gate is green.")
    assert (cards.dba(ALL, watched()).state, cards.developer("parallel", watched(), shadow).state) == ("green", "green")


@pytest.mark.parametrize(
    "manager",
    [
        cards.manager("parallel", None, [], [], [], 900),
        cards.manager("parallel", [gate("watch", ok=False)], [], [], [], 900),
        cards.manager("parallel", ALL, [timeline.Signature("DevOps", None)], [], [], 900),
        cards.manager("parallel", ALL[:3], [], [], [], 900),
        cards.manager("parallel", ALL, [], [timeline.Override(START, "ana", "gate watch", "x")], [], 900),
        cards.manager("rolled_back", ALL, [], [], [(START, {"total_s": 901.0})], 900),
    ],
)
def test_manager__one_thing_is_missing_or_red__does_not_say_yes(manager):
    assert manager.state != "green"
    assert not manager.answer.startswith("Yes")


@pytest.mark.parametrize(
    "metric", ["parity_differences", "parity_lag_p95_s", "invariant_orphans", "connections_share", "database"]
)
def test_dba__one_metric_is_red_or_missing__says_no_or_not_everything(metric):
    assert cards.dba(ALL, watched(metric)).answer == "No."
    assert cards.dba(ALL, watched(metric, "no data")).answer == "Not everything was checked."


@pytest.mark.parametrize("metric", ["error_rate", "latency_p95_ms"])
def test_developer__one_metric_is_red_or_thin__says_no_or_not_everything(metric):
    shadow = {"compared": 5, "different": 0, "exit_code": 0}
    assert cards.developer("parallel", watched(metric), shadow).answer == "No."
    assert (
        cards.developer("parallel", watched(metric, "not enough traffic"), shadow).answer
        == "Not everything was measured."
    )


@pytest.mark.parametrize("state", ["cleaning", "cleaned"])
def test_developer__original_is_being_taken_away__only_the_backend_is_asked_for(state):
    # What was measured of the original is red: it does not answer any more.
    gone = cards.developer(state, watched("error_rate", side="original"), None)
    assert (gone.question, gone.answer) == ("Does the backend work?", "Yes.")
    assert cards.developer(state, watched("error_rate", side="backend"), None).answer == "No."
    assert cards.developer("verifying", watched("error_rate", side="original"), None).answer == "No."


@pytest.mark.parametrize(
    ("shadow", "state"),
    [
        (None, "unknown"),
        ({"compared": 0, "different": 0, "exit_code": 1}, "unknown"),
        ({"compared": 5, "different": 1, "exit_code": 4}, "red"),
        ({"compared": 5, "different": 0, "exit_code": 1}, "unknown"),
    ],
)
def test_developer__answers_were_not_all_the_same__is_not_green(shadow, state):
    assert cards.developer("parallel", watched(), shadow).state == state


# --- the chart


def drawn(series, **more):
    return chart.draw("id", "Latency", "ms", series, (START, START + 10 * MINUTE), **more)


def test_chart__window_without_value__is_a_gap_not_a_zero():
    (line,) = drawn({"original": [window(0, 10), window(1, 20), window(2, None), window(3, 10), window(4, 10)]}).lines
    assert len(line.pieces) == 2
    assert line.gaps == 1
    assert [len(piece.split()) for piece in line.pieces] == [2, 2]


def test_chart__no_window_for_a_while__is_a_gap_too():
    (line,) = drawn({"original": [window(0, 10), window(1, 20), window(7, 10), window(8, 10)]}).lines
    assert len(line.pieces) == 2


def test_chart__nothing_measured__is_empty_and_says_no_data():
    made = drawn({"original": [window(0, None)], "backend": []})
    assert made.empty
    assert [line.last for line in made.lines] == ["no data", "no data"]


def test_chart__points__lie_inside_and_higher_values_higher():
    made = drawn({"original": [window(8, 10), window(9, 30)]})
    (x0, y0), (x1, y1) = (tuple(map(float, pair.split(","))) for pair in made.lines[0].pieces[0].split())
    left, top, right, bottom = made.box
    assert left < x0 < x1 == right
    assert top <= y1 < y0 < bottom
    assert [tick.text for tick in made.y] == ["0 ms", "8 ms", "16 ms", "24 ms", "32 ms"]


def test_chart__seconds_in_milliseconds__their_labels_have_room():
    made = drawn({"original": [window(8, 1100), window(9, 11_000)]})
    assert made.y[-1].text == "12,000 ms"
    a_letter = 7
    assert max(len(tick.text) for tick in made.y) * a_letter < made.box[0]


def test_chart__limit__is_drawn_when_near_and_left_out_when_far():
    assert drawn({"original": [window(0, 10)]}, limit=20).limit.text == "limit 20 ms"
    assert drawn({"original": [window(0, 10)]}, limit=2000).limit is None


def test_chart__marks__outside_are_left_out_and_near_ones_get_a_row_of_their_own():
    marks = [
        timeline.Mark(START + n * MINUTE, label)
        for n, label in ((-1, "early"), (4, "switch"), (4.5, "rollback"), (9, "switch"))
    ]
    made = drawn({"original": [window(0, 1)]}, marks=marks)
    assert [(mark.text, mark.row) for mark in made.marks] == [("switch", 0), ("rollback", 1), ("switch", 0)]


# --- what was seen


def seen_of(tmp_path, rows, now):
    """Read windows from the lines, as without a database."""
    from handover.config.config import Config  # noqa: PLC0415 - only here

    system = {"path": "s", "python": ["python"], "settings": "s", "base_url": "http://127.0.0.1:1"}
    models = [{"original": "a.A", "backend": "b.A", "table": "a"}]
    config = Config.model_validate({"root": tmp_path, "original": system, "backend": system, "models": models})
    path = tmp_path / LINES
    path.parent.mkdir()
    names = {"start": "window_start", "end": "window_end"}
    lines = [json.dumps({names.get(k, k): v for k, v in row.__dict__.items()}, default=str) + "\n" for row in rows]
    path.write_text("".join(lines) + '{"window_start": "torn')

    def down():
        from handover.journal.journal import JournalError  # noqa: PLC0415 - only here

        raise JournalError("down")

    return read_watched(config, SimpleNamespace(connection=down), START - MINUTE, now)


def test_seen__without_a_database__is_read_from_whole_lines(tmp_path):
    seen = seen_of(tmp_path, [window(0, 10.0), window(1, 20.0)], START + 2 * MINUTE)
    assert [w.value for w in seen.windows] == [10.0, 20.0]
    assert "watch.jsonl" in seen.source
    assert seen.measure("original", "latency_p95_ms").verdict == "green"


def test_seen__watch_ended_or_never_was__is_no_data(tmp_path):
    seen = seen_of(tmp_path, [window(0, 10.0)], START + 10 * MINUTE)
    old, never = seen.measure("original", "latency_p95_ms"), seen.measure("backend", "latency_p95_ms")
    assert (old.verdict, never.verdict) == ("no data", "no data")
    assert "it is not watched any more since 2026-11-24 12:01:00" in old.reason
    assert never.reason == "it was never watched"
    assert seen.measure("both", "never_asked_for").verdict == "no data"


def test_seen__more_windows_than_pixels__keeps_the_worst_of_each_bucket():
    windows = tuple(window(n, 500.0 if n == 777 else None if n == 1500 else 1.0) for n in range(2400))
    thin = Watched(windows, ()).of("original", "latency_p95_ms")
    assert len(thin) == 240
    assert sum(w.value == 500.0 for w in thin) == sum(w.value is None for w in thin) == 1


# --- the time line


def entry(kind, at=0, who="ana", **body):
    return JournalEntry(kind, {"because": "", **body}, who, "here", START + at * MINUTE)


def run(number, command, through, target, **values):
    return entry("run", number, run=f"r{number}", command=command, through=through, target=target, facts=values)


def test_timeline__commands__become_spans_marks_and_overrides():
    written = {"phase": "done", "action": "write the record", "evidence": {}, "record": {"from": ["1"], "to": ["2"]}}
    entries = [
        entry("init", 0),
        run(1, "begin", "beginning", "parallel"),
        entry("action", 2, run="r1", **written),
        entry("ended", 3, run="r1", target="parallel"),
        run(4, "cutover", "switching", "switched", overrides={"backup": "no time"}),
        entry("action", 5, run="r4", **written),
        entry("action", 6, run="r4", phase="failed", action="ask", error="silence"),
        run(7, "rollback", "rolling_back", "rolled_back", unproven="it burns"),
    ]
    spans = [(s.state, s.start, s.end) for s in timeline.spans(entries)]
    assert [state for state, _, _ in spans] == ["preparing", "beginning", "parallel", "switching", "rolling_back"]
    assert spans[-1][2] is None
    assert [(m.label, m.at) for m in timeline.marks(entries)] == [
        ("switch", START + 5 * MINUTE)
    ]  # not of parallel operation
    assert [(o.what, o.because) for o in timeline.overrides(entries)] == [
        ("gate backup", "no time"),
        ("the proof that the original can take over", "it burns"),
    ]
    told = [(event.title, event.tone) for event in timeline.events(entries)]
    assert ("OVERRIDDEN: gate backup", "loud") in told
    assert ("cutover: ask failed", "bad") in told
    assert ("Rollback to the original", "bad") in told


@pytest.mark.parametrize(
    ("one", "title"),
    [
        (entry("page", said="errors", trouble="no hook"), "The page was not sent: no hook"),
        (entry("page", said="errors"), "A person was paged"),
        (entry("pause"), "Everything is paused"),
        (entry("lift"), "The pause is lifted"),
        (entry("evidence", evidence="backup", folder="backup-1"), "Evidence: backup"),
        (entry("gates", gates=[{"gate": "a", "ok": False}, {"gate": "b", "ok": True}]), "1 of 2 gates were green"),
        (entry("something new"), "something new"),
    ],
)
def test_timeline__entry_of_any_kind__is_told(one, title):
    assert [event.title for event in timeline.events([one])] == [title]


def test_timeline__journal_was_accepted_as_it_was_found__is_loud_and_changes_the_state():
    run = entry("run", run="1", command="cutover", source="parallel", through="switching", target="switched")
    accepted = entry("accepted", because="read", wrong=["entry 3 was changed"], state="switched")
    refused = entry("refused", run="1", error="HO571  the zone")
    entries = [entry("init"), run, refused, accepted]
    told = {event.title: (event.detail, event.tone) for event in timeline.events(entries)}
    assert told["ACCEPTED: the journal as it was found"] == ("read; entry 3 was changed", "loud")
    assert told["cutover: going on was refused"] == ("HO571  the zone", "bad")
    assert [span.state for span in timeline.spans(entries)] == ["preparing", "switching", "switched"]
    assert last_ended(entries, "cutover") == accepted.at
    assert last_ended(entries[:-1], "cutover") is None
