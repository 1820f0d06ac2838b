"""The report as one page that needs nothing else: everything is in the file, nothing is fetched."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

import jinja2

from handover.check.html import style
from handover.config.config import Config
from handover.config.cutover import Gate
from handover.cutover import incident, plan
from handover.cutover.attempt import ATTEMPT, FIRST, attempt_of
from handover.cutover.gate_context import GateResult, gate_context
from handover.cutover.gates import JudgedGate, judge_gates
from handover.cutover.sign import role_signatures, signing_roles
from handover.cutover.states import DESCRIPTIONS, State
from handover.cutover.status import read_status
from handover.errors import HandoverError
from handover.evolve.position import begun_evolutions
from handover.journal.entry import JournalEntry
from handover.journal.evidence import PLACE, latest
from handover.journal.journal import Journal
from handover.report import cards, chart, evolved, failures, risks, timeline
from handover.report.timeline import Signature
from handover.report.watched import Watched, read_watched
from handover.runs.position import of_stream
from handover.side import Side
from handover.wording import printable

STAGES: tuple[tuple[str, tuple[State, ...]], ...] = (
    ("Prepare", ("none", "preparing", "beginning")),
    ("In parallel", ("parallel", "rolling_back", "rolled_back")),
    ("Switch", ("switching", "switched")),
    ("Verify", ("verifying",)),
    ("Clean up", ("cleaning", "cleaned")),
)
KINDS = ("check", "prove", "shadow", "backup", "rehearsal", "load")
CHARTS = (
    ("latency", "Latency, 95 of 100 answers", "ms", "latency_p95_ms"),
    ("errors", "Requests that failed", "%", "error_rate"),
    ("lag", "Until the other system reads a change", "s", "parity_lag_p95_s"),
    ("traffic", "Requests in each window", "", "requests"),
)


@dataclass(frozen=True)
class GatesView:
    """The gates and sign-offs, as they were ``at`` a moment; ``why`` says why ``gates`` is None."""

    gates: Sequence[JudgedGate] | None
    signatures: tuple[Signature, ...]
    at: datetime
    why: str = ""


def current_gates(config: Config, journal: Journal) -> GatesView:
    """Judge every gate and sign-off as they are now."""
    entries, now = list(of_stream(journal.entries())), datetime.now(UTC)
    try:
        journal.require()
        reviewed = plan.newest(config)
        gates = judge_gates(config, journal, reviewed)
        signed = role_signatures(gate_context(config, journal, reviewed))
    except HandoverError as error:
        unknown = dict.fromkeys(signing_roles(config), "it could not be judged")
        return GatesView(None, _signatures(config, entries, unknown), now, str(error))
    return GatesView(gates, tuple(Signature(one.role, one.entry, one.trouble) for one in signed), now)


def recorded_gates(config: Config, journal: Journal) -> GatesView:
    """Return the gates as they were when people were last moved."""
    entries = list(of_stream(journal.entries()))
    last = next((number for number in reversed(range(len(entries))) if entries[number].kind == "gates"), None)
    if last is None:
        return GatesView(None, _signatures(config, entries, {}), datetime.now(UTC), "no gate was judged yet")
    judged = entries[last]
    troubles = {role: why for one in judged.body["gates"] for role, why in one.get("signatures", {}).items()}
    signatures = _signatures(config, entries[:last], troubles)
    return GatesView([_recorded(config, one) for one in judged.body["gates"]], signatures, judged.at)


def _recorded(config: Config, values: Mapping[str, Any]) -> JudgedGate:
    declared = next((gate for gate in config.gates if gate.id == values["gate"]), None)
    gate = declared or Gate(id=values["gate"], kind=values["kind"], reason="it is not declared any more")
    return JudgedGate(gate, GateResult(values["ok"], values["found"]), values.get("overridden", ""))


def _signatures(config: Config, entries: Sequence[JournalEntry], troubles: Mapping[str, str]) -> tuple[Signature, ...]:
    """Return the newest signature of each role in the attempt that the entries lead to, with why it does not count."""
    attempt, found = attempt_of(entries), []
    for role in signing_roles(config):
        mine = [e for e in entries if e.kind == "signature" and e.body["role"] == role]
        entry = mine[-1] if mine else None
        is_old = entry is not None and entry.body.get(ATTEMPT, FIRST) != attempt
        old = f"it is for an attempt before attempt {attempt}" if is_old else ""
        found.append(Signature(role, entry, troubles.get(role, "") or old))
    return tuple(found)


def page_facts(
    config: Config, journal: Journal, gates_view: GatesView, *, last: timedelta | None = None
) -> dict[str, Any]:
    """Return everything that the page shows.

    Parameters
    ----------
    config, journal
        The pair and its journal; without its database the copy is read.
    gates_view
        The gates, see :func:`current_gates`.
    last
        How far back the charts go; all that was watched if None.
    """
    now = datetime.now(UTC)
    status = read_status(config, journal)
    every = journal.entries()
    entries = list(of_stream(every))
    since = now - last if last else datetime.min.replace(tzinfo=UTC)
    watched = read_watched(config, journal, since, now)
    sealed = {kind: _evidence(config, kind) for kind in KINDS}
    shadow = sealed["shadow"].get("summary")
    overrides = timeline.overrides(entries)
    rollbacks = timeline.rollback_times(entries)
    state = status.position.state
    return {
        "name": config.dns.zone if config.dns else config.root.name,
        "now": now,
        "state": state,
        "description": DESCRIPTIONS[state],
        "status": status,
        "path": _path(state, every),
        "overrides": overrides,
        "cards": [
            cards.manager(
                state, gates_view.gates, gates_view.signatures, overrides, rollbacks, config.rollback.budget_s
            ),
            cards.dba(gates_view.gates, watched),
            cards.developer(state, watched, shadow),
        ],
        "charts": _charts(config, watched, entries),
        "failures": failures.failures(config, entries, watched, now),
        "events": timeline.events(entries)[::-1],
        "gates_view": gates_view,
        "risks": risks.risks(gates_view.gates, watched),
        "evolutions": evolved.chapters(config, every, watched),
        "measures": watched.measures,
        "watched": watched,
        "evidence": sealed,
        "rollbacks": rollbacks,
        "incidents": _incidents(config),
    }


def _path(state: State, entries: Sequence[JournalEntry]) -> list[tuple[str, bool]]:
    """Return each stage of the whole move with whether it is the present one; Phase 2 begins with an evolution."""
    evolving = bool(begun_evolutions(entries))
    return [*((name, state in states and not evolving) for name, states in STAGES), ("Phase 2", evolving)]


def _charts(config: Config, watched: Watched, entries: Sequence[JournalEntry]) -> list[chart.Chart]:
    if not watched.windows:
        return []
    limits = config.watch.limits
    limit = {
        "latency_p95_ms": limits.latency_p95_ms,
        "error_rate": limits.error_rate,
        "parity_lag_p95_s": limits.parity_lag_s,
    }
    span = (watched.windows[0].start, watched.windows[-1].end)
    drawn = []
    for id_, title, unit, metric in CHARTS:
        systems = [s for s in (*Side, "both") if watched.of(s, metric)]
        series = {system: watched.of(system, metric) for system in systems or Side}
        drawn.append(chart.draw(id_, title, unit, series, span, marks=timeline.marks(entries), limit=limit.get(metric)))
    return drawn


def _evidence(config: Config, kind: str) -> dict[str, Any]:
    try:
        sealed = latest(config, kind)
    except HandoverError as error:
        return {"trouble": str(error)}
    if sealed is None:
        return {}
    place = f"{PLACE}/{sealed.folder.name}"
    return {"at": sealed.finished_at, "folder": place, "signature": sealed.signature, "summary": sealed.summary}


def _incidents(config: Config) -> list[tuple[str, str]]:
    return [(path.name, path.read_text()) for path in sorted((config.root / incident.FOLDER).glob("*.md"))]


def rendered(facts: Mapping[str, Any], *, live: str = "") -> str:
    """Return the page; ``live`` is the nonce of the script that keeps it fresh, empty for a file."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("handover.report"),
        autoescape=True,
        finalize=_shown,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"when": _when, "clock": _clock, "brief": _brief}
    page = environment.get_template("report.html.j2")
    return page.render(**facts, live=live, style=style(), report_style=_template_text("report.css"))


def _shown(value: object) -> object:
    """Return a text without what would turn or hide it; markup of the page's own, and other values, as they are."""
    return printable(value) if type(value) is str else value


def _template_text(name: str) -> str:
    return files("handover.report").joinpath("templates", name).read_text()


def _when(at: datetime | None) -> str:
    return at.astimezone(UTC).strftime("%d %b %Y, %H:%M:%S UTC") if at else ""


def _clock(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%d %b %H:%M:%S")


def _brief(summary: Mapping[str, Any]) -> str:
    """Return the numbers of a summary in a line."""
    left_out = ("kind", "started_at", "finished_at", "exit_code")
    shown = {k: v for k, v in summary.items() if k not in left_out and isinstance(v, int | float | str)}
    return ", ".join(
        f"{name.replace('_', ' ')} {json.dumps(value).strip(chr(34))}" for name, value in list(shown.items())[:6]
    )
