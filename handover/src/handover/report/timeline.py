"""The time line: what happened when, who signed, and what was overridden."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from handover.config.switch import ALL_PCT
from handover.cutover.confirm import CONFIRMATION
from handover.cutover.paging import not_sent
from handover.cutover.rollback import MEASURE
from handover.cutover.signer import signed_by
from handover.cutover.states import State
from handover.cutover.watched_time import SIGN_OFF
from handover.journal.entry import JournalEntry
from handover.journal.seal import ACCEPTED

TITLES = {
    "begin": "Parallel operation begins",
    "end": "Parallel operation ends",
    "cutover": "Switch to the backend",
    "rollback": "Rollback to the original",
    "cleanup": "Clean-up",
}
SWITCHES = ("cutover", "rollback")


@dataclass(frozen=True)
class Event:
    """One line of the time line; ``tone`` is plain, good, bad, loud or step."""

    at: datetime
    title: str
    detail: str = ""
    who: str = ""
    tone: str = "plain"


@dataclass(frozen=True)
class StateSpan:
    """A stretch in one state; ``end`` is None for the present one."""

    state: State
    start: datetime
    end: datetime | None


@dataclass(frozen=True)
class Mark:
    """A moment at which people were sent to another system."""

    at: datetime
    label: str


@dataclass(frozen=True)
class Override:
    """Something that was done although it was red, who decided that, and why."""

    at: datetime
    who: str
    what: str
    because: str


@dataclass(frozen=True)
class Signature:
    """A sign-off; ``entry`` is None when the role has not signed, and ``trouble`` says why it does not count."""

    role: str
    entry: JournalEntry | None
    trouble: str = ""

    @property
    def by(self) -> str:
        """Who signed, and how that is known."""
        if self.entry is None:
            return ""
        return str(signed_by(self.entry) or f"{self.entry.who}, as an older version took any name")

    @property
    def holds(self) -> bool:
        """Whether the role has signed, and its signature counts."""
        return self.entry is not None and not self.trouble


def events(entries: Iterable[JournalEntry]) -> list[Event]:
    """Return the time line, oldest first."""
    commands: dict[str, str] = {}
    found: list[Event] = []
    for entry in entries:
        if entry.kind == "run":
            commands[entry.body["run"]] = entry.body["command"]
        found += _EVENTS.get(entry.kind, _other)(entry, commands)
    return found


def _init(entry: JournalEntry, _: Mapping[str, str]) -> Iterator[Event]:
    yield Event(entry.at, "The journal begins", "", entry.who)


def _run(entry: JournalEntry, _: Mapping[str, str]) -> Iterator[Event]:
    body = entry.body
    detail = str(body.get("facts", {}).get("because") or "")
    tone = "bad" if body["command"] == "rollback" else "good"
    yield Event(entry.at, TITLES.get(body["command"], body["command"]), detail, entry.who, tone)
    for one in overridden(entry):
        yield Event(one.at, f"OVERRIDDEN: {one.what}", one.because, one.who, "loud")


def _action(entry: JournalEntry, commands: Mapping[str, str]) -> Iterator[Event]:
    body = entry.body
    command = commands.get(body["run"], "a command")
    if body["phase"] == "failed":
        yield Event(entry.at, f"{command}: {body['action']} failed", str(body["error"]), entry.who, "bad")
    elif body["phase"] == "done":
        evidence = body.get("evidence", {})
        record = body.get("record")
        said = f"{', '.join(record['from'])} → {', '.join(record['to'])}" if record else str(evidence.get("note", ""))
        yield Event(entry.at, f"{command}: {body['action']}", said or _took(body), entry.who, "step")


def _took(body: Mapping[str, Any]) -> str:
    return f"{body['seconds']:.1f} s" if "seconds" in body else ""


def _ended(entry: JournalEntry, commands: Mapping[str, str]) -> Iterator[Event]:
    yield Event(entry.at, f"{commands.get(entry.body['run'], 'it')} is done", f"now {entry.body['target']}", "", "step")


def _state(entry: JournalEntry, _: Mapping[str, str]) -> Iterator[Event]:
    yield Event(entry.at, f"State: {entry.body['target']}", str(entry.body.get("because", "")), entry.who)


def _gates(entry: JournalEntry, _: Mapping[str, str]) -> Iterator[Event]:
    gates = entry.body["gates"]
    red = [gate["gate"] for gate in gates if not gate["ok"]]
    detail = f"red: {', '.join(red)}" if red else "all green"
    yield Event(
        entry.at, f"{len(gates) - len(red)} of {len(gates)} gates were green", detail, "", "bad" if red else "step"
    )


def _signature(entry: JournalEntry, _: Mapping[str, str]) -> Iterator[Event]:
    by = str(signed_by(entry) or entry.who)
    yield Event(entry.at, f"Signed as {entry.body['role']}", str(entry.body["because"]), by, "good")


def _evidence(entry: JournalEntry, _: Mapping[str, str]) -> Iterator[Event]:
    yield Event(entry.at, f"Evidence: {entry.body['evidence']}", str(entry.body["folder"]), entry.who)


def _page(entry: JournalEntry, _: Mapping[str, str]) -> Iterator[Event]:
    failed = not_sent(entry.body)
    title = f"The page was not sent: {failed}" if failed else "A person was paged"
    yield Event(entry.at, title, str(entry.body["said"]), "", "bad")


def _sign_off(entry: JournalEntry, _: Mapping[str, str]) -> Iterator[Event]:
    body = entry.body
    what = ", ".join(f"{one['kind']} from {one['start'][:19]} to {one['end'][11:19]}" for one in body["stretches"])
    yield Event(entry.at, f"Signed off: {what}", str(body["because"]), entry.who)


def _confirmation(entry: JournalEntry, _: Mapping[str, str]) -> Iterator[Event]:
    yield Event(entry.at, "The switch is confirmed", str(entry.body["because"]), entry.who, "good")


def _pause(entry: JournalEntry, _: Mapping[str, str]) -> Iterator[Event]:
    title = "Everything is paused" if entry.kind == "pause" else "The pause is lifted"
    yield Event(
        entry.at, title, str(entry.body.get("because", "")), entry.who, "bad" if entry.kind == "pause" else "plain"
    )


def _accepted(entry: JournalEntry, _: Mapping[str, str]) -> Iterator[Event]:
    """A journal that was not as it was written, and a person went on with it: never to be overlooked."""
    detail = "; ".join([str(entry.body["because"]), *map(str, entry.body.get("wrong", ()))])
    yield Event(entry.at, "ACCEPTED: the journal as it was found", detail, entry.who, "loud")


def _refused(entry: JournalEntry, commands: Mapping[str, str]) -> Iterator[Event]:
    command = commands.get(entry.body["run"], "a command")
    yield Event(entry.at, f"{command}: going on was refused", str(entry.body["error"]), entry.who, "bad")


def _finish(entry: JournalEntry, _: Mapping[str, str]) -> Iterator[Event]:
    body = entry.body
    bad = body["phase"] == "failed"
    yield Event(
        entry.at,
        f"{body['what']} what only the original needed: {body['phase']}".capitalize(),
        str(body.get("error", "")),
        entry.who,
        "bad" if bad else "step",
    )


def _other(entry: JournalEntry, _: Mapping[str, str]) -> Iterator[Event]:
    yield Event(entry.at, entry.kind, "", entry.who)


_EVENTS = {
    "init": _init,
    "run": _run,
    "action": _action,
    "ended": _ended,
    ACCEPTED: _accepted,
    "refused": _refused,
    "finish": _finish,
    "state": _state,
    "gates": _gates,
    "signature": _signature,
    "evidence": _evidence,
    "page": _page,
    SIGN_OFF: _sign_off,
    CONFIRMATION: _confirmation,
    "pause": _pause,
    "lift": _pause,
}


def overridden(entry: JournalEntry) -> Iterator[Override]:
    """Yield what a command did although it was red."""
    facts = entry.body.get("facts", {})
    for gate, because in facts.get("overrides", {}).items():
        yield Override(entry.at, entry.who, f"gate {gate}", str(because))
    if because := facts.get("unproven"):
        yield Override(entry.at, entry.who, "the proof that the original can take over", str(because))


def overrides(entries: Iterable[JournalEntry]) -> list[Override]:
    """Return every override there was."""
    return [one for entry in entries if entry.kind == "run" for one in overridden(entry)]


def spans(entries: Iterable[JournalEntry]) -> list[StateSpan]:
    """Return the states one after another."""
    moments: list[tuple[State, datetime]] = []
    targets: dict[str, State] = {}
    for entry in entries:
        body = entry.body
        if entry.kind == "init":
            moments.append(("preparing", entry.at))
        elif entry.kind == "state":
            moments.append((body["target"], entry.at))
        elif entry.kind == ACCEPTED and body.get("state"):
            moments.append((body["state"], entry.at))
        elif entry.kind == "run":
            targets[body["run"]] = body["target"]
            moments.append((body["through"], entry.at))
        elif entry.kind == "ended" and body["run"] in targets:
            moments.append((targets[body["run"]], entry.at))
    ends = [at for _, at in moments[1:]]
    return (
        [StateSpan(state, at, end) for (state, at), end in zip(moments, [*ends, None], strict=True)] if moments else []
    )


def marks(entries: Iterable[JournalEntry]) -> list[Mark]:
    """Return when people were moved, for the charts: when the record was written, or a balancer sent a share."""
    commands: dict[str, str] = {}
    found = []
    for entry in entries:
        if entry.kind == "run":
            commands[entry.body["run"]] = entry.body["command"]
        elif entry.kind == "action" and entry.body["phase"] == "done" and entry.body.get("record"):
            command, share = commands.get(entry.body["run"], ""), entry.body.get("evidence", {}).get("backend_pct")
            if command in SWITCHES:
                step = f"{share} %" if share not in (None, ALL_PCT) else "switch"
                found.append(Mark(entry.at, step if command == "cutover" else "rollback"))
    return found


def rollback_times(entries: Iterable[JournalEntry]) -> list[tuple[datetime, Mapping[str, Any]]]:
    """Return how long each rollback took, in total and by its parts."""
    done = (e for e in entries if e.kind == "action" and e.body["phase"] == "done" and e.body["action"] == MEASURE)
    return [(e.at, e.body["evidence"]) for e in done]
