"""Group 3: both systems write to the same rows at the same time, while things break.

Several agents a side carry out operations in the ways in which their system writes. On a throw-away copy a trigger
writes down every version of a row, and each operation is held against those; elsewhere only what shows by ids and times
is found. Whoever causes an anomaly is named.
"""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import asdict, replace
from datetime import date

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from handover.check import contract
from handover.finding import Finding
from handover.journal.evidence import Recorder
from handover.proof import versions
from handover.proof.anomalies import Tally
from handover.proof.arena import Arena, NoArenaError, candidates, none_fits
from handover.proof.crew import PREFIX, Crew, Plan, at_work
from handover.proof.explain import Checked, check
from handover.proof.faults import Schedule, Struck, possible
from handover.proof.history import Operation, RowHistory, Version, Writers
from handover.proof.outcome import Failure, Outcome
from handover.proof.proxy import Proxy, proxy
from handover.proof.venue import Size, Venue
from handover.schema.models import Description
from handover.side import Side
from handover.wording import counted

GROUP = "concurrent-writes"
PLANS: dict[Size, Plan] = {
    "small": Plan(operations=1_000, batch=20, agents=2, rows=4, rows_last=250),
    # Some die with whoever does them; 100,000 and more are checked.
    "full": Plan(operations=101_000, batch=250, agents=2, rows=6, rows_last=5_000),
}
CONTENDED_PCT = 30.0  # with fewer meetings, that all went well says little
CALM_ROUNDS, FEWEST_ROWS = 2, 2  # a busy machine keeps writers apart: then they meet on fewer rows
READ_COMMITTED = "read committed"
# Everybody who still writes holds a lock that this one waits for, killed agents' sessions included.
ALL_HAVE_ENDED = "SET LOCAL lock_timeout = '60s'; LOCK TABLE {} IN SHARE MODE"


def prove(venue: Venue, recorder: Recorder, plan: Plan | None = None) -> Outcome:
    """Let both systems write at once and check what comes of it.

    Parameters
    ----------
    venue
        Where. Things break on a throw-away copy only.
    recorder
        Takes down anomalies and faults; of the full run every row's history, too.
    plan
        How much; None for what the venue's size asks for.

    Returns
    -------
    Outcome
        Figures: ``concurrent_ops``, ``concurrent_ops_per_s``, ``check_s``, ``contended_pct``, ``backend_anomalies``,
        ``unaccepted_anomalies``, ``planted_caught``, ``faults``.

    Raises
    ------
    ConfigurationError
        No pair of models fits.
    ProbeError
        A system's own code raised, or its interpreter ended by itself.
    FaultError
        A command of ``[prove]`` failed.
    """
    proof = _Proof(venue, recorder, plan or PLANS[venue.size])
    try:
        levels = proof.play(isolation=None)
    except NoArenaError as error:
        todo = f'{error.args[0]}\nOr accept it: handover contract accept HO337 {GROUP} --because "..."'
        finding = Finding(
            code="HO337",
            where=GROUP,
            found="has no table that fits",
            expected="nothing was compared",
            todo=todo,
            severity="unseen",
            hurts="both",
        )
        return Outcome(GROUP, {"operations": 0}, (Failure(finding),), nothing="no mapped table fits")
    if levels != {READ_COMMITTED}:
        proof.play(isolation=READ_COMMITTED)
    for _ in range(CALM_ROUNDS):
        if proof.checked.contended_pct < CONTENDED_PCT:
            proof.plan = replace(proof.plan, rows=FEWEST_ROWS)
            proof.play(isolation=None)
    return proof.outcome()


class _Proof:
    def __init__(self, venue: Venue, recorder: Recorder, plan: Plan) -> None:
        self.venue, self.recorder, self.plan = venue, recorder, plan
        self.rounds = 0
        self.levels: set[str] = set()
        self.checked = Checked()
        self.caught = set(Side)  # whose planted save was seen, in every round
        self.struck: list[Struck] = []
        self.missing: dict[str, str] = {}
        self.idle: list[Side] = []
        self.seconds = self.check_seconds = 0.0

    def play(self, *, isolation: str | None) -> set[str]:
        """Play one round: all writers on rows of their own, then the check; return the levels of isolation."""
        venue = self.venue
        with ExitStack() as stack:
            way = stack.enter_context(_way(venue)) if venue.throwaway else None
            crew = stack.enter_context(at_work(venue, self.plan, cut_at=way.port if way else None, isolation=isolation))
            described = crew.describe()
            count = self.plan.rows * self.plan.sets
            arena, keys = self._joined(crew, described, count)
            self.arena = arena
            if venue.throwaway:
                stack.enter_context(versions.written_down(venue.owner_url, arena))
            stack.callback(crew.stop)  # first of all: nobody writes while the trigger goes away
            self.rounds += 1
            control = self._plant(crew, keys[count:])
            self._write(crew, way, control, _roles(described))
            crew.ask(crew.seats[0], "contend_clear", keys=keys, made=crew.made)
            levels = set(crew.levels.values())
            self.levels |= levels
        return levels

    def _joined(self, crew: Crew, described: dict[Side, Description], count: int) -> tuple[Arena, list[str]]:
        """Let all writers join at the first table on which the original can do what writers do."""
        why: list[str] = []
        for arena in candidates(self.venue.config, described, why):
            keys = arena.keys(self.venue.seed + self.rounds, count + len(Side))
            crew.join(arena, keys[:count], keys[count:])
            said = crew.ask(crew.of(Side.ORIGINAL), "contend_try", key=keys[0])
            if not said:
                return arena, keys
            why.append(f"{arena.pair.table}: the original cannot write rows as writers do: {said}")
        raise none_fits(self.venue.config, why)

    def _plant(self, crew: Crew, keys: list[str]) -> dict[str, list[Operation]]:
        """Let each side save an object that it holds over what the other has written since: the check must see it."""
        told: dict[str, list[Operation]] = {}
        for culprit, other, key in zip(Side, reversed(Side), keys, strict=True):
            holder, writer = crew.of(culprit), crew.of(other)
            records = [crew.ask(writer, "contend_plant", id=crew.take_ids(writer, 1), key=key)]
            for seat in (holder, writer):
                crew.ask(seat, "contend_hold", key=key)
            records += [
                crew.ask(seat, "contend_write_held", id=crew.take_ids(seat, 1), key=key) for seat in (writer, holder)
            ]
            told[key] = [Operation.told(record) for record in records]
        return told

    def _write(
        self, crew: Crew, way: Proxy | None, control: dict[str, list[Operation]], roles: dict[str, Side]
    ) -> None:
        operations = self._make_rows(crew)
        schedule = self._schedule(way)
        began = time.monotonic()
        crew.begin()
        unreported = []
        for told in schedule.watch(crew, crew.batches()):
            _sort_in(operations, told.operations)
            if told.unreported:
                unreported.append(told.unreported)
        self.seconds += time.monotonic() - began
        repeatable = frozenset(a for a, level in crew.levels.items() if level != READ_COMMITTED)
        writers = Writers(crew.sides, roles, repeatable, tuple(unreported), self.arena.statuses[-1])
        self.struck += schedule.struck
        self._look_for_idle(operations, writers)
        self._check(operations, control, writers)

    def _make_rows(self, crew: Crew) -> dict[str, list[Operation]]:
        operations: dict[str, list[Operation]] = {key: [] for key in crew.keys}
        for number, side in enumerate(Side):
            seat, keys = crew.of(side), crew.keys[number :: len(Side)]
            records = crew.ask(seat, "contend_rows", keys=keys, first=crew.take_ids(seat, len(keys)))
            _sort_in(operations, [Operation.told(record) for record in records])
        return operations

    def _schedule(self, way: Proxy | None) -> Schedule:
        if way is None:
            self.missing = {"all faults": "a throw-away copy instead of --database"}
            return Schedule([], self.plan.operations)
        faults, self.missing = possible(self.venue.config, way)
        return Schedule(faults if self.rounds == 1 else [], self.plan.operations)

    def _look_for_idle(self, operations: dict[str, list[Operation]], writers: Writers) -> None:
        """After the last fault, each side has to have gone on."""
        since = max((struck.ended for struck in self.struck), default=0.0)
        active = {
            writers.sides[o.agent] for ops in operations.values() for o in ops if o.outcome == "ok" and o.began > since
        }
        self.idle = [side for side in Side if side not in active]

    def _check(
        self, operations: dict[str, list[Operation]], control: dict[str, list[Operation]], writers: Writers
    ) -> None:
        self.venue.say("concurrent writes: the history is checked")
        if self.venue.size == "full":
            self.recorder.line("concurrent-writers", writers.evidence())
        began = time.monotonic()
        check(self._rows(operations), writers, self.checked)
        self.caught &= _planted_by(check(self._rows(control), writers).tally)
        self.check_seconds += time.monotonic() - began

    def _rows(self, operations: dict[str, list[Operation]]) -> Iterator[RowHistory]:
        """Yield the history of each row, and take the full run's down."""
        arena, keys = self.arena, list(operations)
        with psycopg.connect(self.venue.owner_url) as connection:
            if self.venue.throwaway:
                connection.execute(sql.SQL(ALL_HAVE_ENDED).format(versions.table_of(arena)))
            finals = versions.finals(connection, arena, keys, PREFIX)
            for key, found in self._versions(connection, keys):
                row = RowHistory(key, operations.pop(key), found, finals.get(key))
                if self.venue.size == "full":
                    self.recorder.line("concurrent-histories", row.evidence())
                yield row

    def _versions(self, connection: psycopg.Connection, keys: list[str]) -> Iterator[tuple[str, list[Version] | None]]:
        if not self.venue.throwaway:
            yield from ((key, None) for key in keys)
            return
        without = set(keys)
        for key, found in versions.read(connection, keys, PREFIX):
            without.discard(key)
            yield key, found
        yield from ((key, []) for key in sorted(without))

    def outcome(self) -> Outcome:
        """Return what was found, and what keeps it from being green."""
        table = self.arena.pair.table
        found = self.checked.tally.failures(table, self._undescribed())
        for failure, count in found.items():
            finding = failure.finding
            line = {"code": finding.code, "place": finding.where, "caused_by": failure.caused_by, "times": count}
            self.recorder.line("concurrent-anomalies", {**line, "history": failure.reproduce})
        for struck in self.struck:
            self.recorder.line("concurrent-faults", asdict(struck))
        checked = self.checked
        counts = {"operations": checked.operations, "reads": checked.reads, "rows": checked.rows}
        if self.venue.throwaway:
            counts["versions"] = checked.versions
        figures = {
            "concurrent_ops": checked.operations,
            "concurrent_ops_per_s": round(checked.operations / self.seconds, 1),
            "check_s": round(self.check_seconds, 2),
            "contended_pct": round(checked.contended_pct, 1),
            "backend_anomalies": sum(n for f, n in found.items() if f.caused_by == "backend"),
            "unaccepted_anomalies": self._unaccepted(found),
            "planted_caught": len(self.caught),
            "faults": sum(struck.met for struck in self.struck),
        }
        return Outcome(
            GROUP,
            {**counts, "planted stale saves caught": len(self.caught)},
            (*found, *self._shortcomings()),
            tuple(self._notes()),
            figures,
        )

    def _undescribed(self) -> list[Side]:
        """Return the systems of which ``handover.toml`` does not say how they write."""
        said = self.venue.config.prove.concurrent.model_fields_set
        return [side for side in Side if side not in said]

    def _unaccepted(self, found: dict[Failure, int]) -> int:
        accepted = contract.load(contract.path_of(self.venue.config))
        judged = contract.judge(accepted, [f.finding for f in found], date.today())  # noqa: DTZ011 - a reader's day
        return sum(count for failure, count in found.items() if failure.finding in judged.open)

    def _shortcomings(self) -> Iterator[Failure]:
        """Yield what makes this run say too little."""
        table = self.arena.pair.table
        if self.checked.contended_pct < CONTENDED_PCT:
            share = f"{self.checked.contended_pct:.1f} % of the operations met another on their row"
            todo = "Run it again on a quieter machine, or with more operations."
            yield _unseen("HO334", table, f"is written too calmly: {share}", f"{CONTENDED_PCT:g} % are needed", todo)
        for side in Side:
            if side not in self.caught:
                found = f"holds a planted stale save by the {side} that the check did not see"
                todo = "The check is blind here; report it, and trust no other result of this run."
                yield _unseen("HO335", table, found, "the control has to be seen in every run", todo)
        for struck in self.struck:
            if not struck.met:
                yield _unseen("HO336", struck.name, "met no operation", "nothing is proven by it", "Run it again.")
        for side in self.idle:
            found = f"has nothing committed by the {side} after the last fault"
            yield _unseen("HO338", table, found, "both systems go on by themselves", "Look at how it reconnects.")
        if self.venue.size == "full":
            for name, option in self.missing.items():
                todo = f"Set {option} in handover.toml: see docs/reference/concurrent-writes.md."
                yield _unseen("HO336", name, "was not tried", "the full run tries every fault", todo)

    def _notes(self) -> Iterator[str]:
        anomalies = ", ".join(f"{count} {kind}" for kind, count in sorted(self.checked.tally.by_kind().items()))
        yield f"anomalies: {anomalies or 'none'}; isolation: {', '.join(sorted(self.levels))}"
        if natural := self.checked.tally.by_nature(self._undescribed()):
            done = "; ".join(f"{what} ({counted(count, 'time')})" for what, count in sorted(natural.items()))
            yield (
                f"{done}: every Django system does so, between two processes of its own, too. To have it judged, name "
                "the ways in which each system writes: [prove.concurrent] original and backend in handover.toml"
            )
        for struck in self.struck:
            yield f"{struck.name}: {'met' if struck.met else 'met nothing'}, {struck.ended - struck.began:.1f} s"
        if not self.venue.throwaway:
            yield "no versions were written down, for this is no copy: only what shows by ids and times was found"
        if self.venue.size == "small":
            for name, option in self.missing.items():
                yield f"{name}: not tried, it takes {option}"


def _planted_by(planted: Tally) -> set[Side]:
    return {c.side for c in planted.counts if c.side and (c.kind, c.style) == ("lost update", "planted")}


def _unseen(code: str, where: str, found: str, expected: str, todo: str) -> Failure:
    return Failure(
        Finding(code=code, where=where, found=found, expected=expected, todo=todo, severity="unseen", hurts="both")
    )


def _sort_in(rows: dict[str, list[Operation]], operations: list[Operation]) -> None:
    for operation in operations:
        for key in operation.keys:
            rows[key].append(operation)


def _roles(described: dict[Side, Description]) -> dict[str, Side]:
    return {described[side].settings.database.role: side for side in Side}


def _way(venue: Venue) -> AbstractContextManager[Proxy]:
    place = conninfo_to_dict(venue.owner_url)
    return proxy(str(place.get("host") or "localhost"), int(place.get("port") or 5432))
