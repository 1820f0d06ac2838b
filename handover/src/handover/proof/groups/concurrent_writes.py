"""Group 3: both systems write to the same rows at the same time, while faults are injected.

Several agents of each system write in the ways in which their system writes. On a throw-away copy a trigger records
every version of a row, and each operation is checked against the versions. On another database only the anomalies that
show by ids and times are found. A finding names the system that caused the anomaly.
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
from handover.proof.contended_table import ContendedTable, NoTableFitsError, candidates, none_fits
from handover.proof.explain import Checked, check
from handover.proof.faults import Schedule, Struck, possible
from handover.proof.history import RowHistory, Version, WriterOperation, Writers
from handover.proof.outcome import Failure, Outcome
from handover.proof.proxy import Proxy, proxy
from handover.proof.shape_names import OTHER_SHAPES, shape_names, without_bounds
from handover.proof.target import ProofTarget, Size
from handover.proof.writer_processes import PREFIX, WritePlan, WriterProcesses, running_writers
from handover.schema.models import Description
from handover.side import Side
from handover.wording import counted, page_address

GROUP = "concurrent-writes"
PLANS: dict[Size, WritePlan] = {
    "small": WritePlan(operations=1_000, batch=20, agents=2, rows=4, rows_last=250),
    # Killed agents lose operations, so the plan has spares: 100,000 and more are checked.
    "full": WritePlan(operations=101_000, batch=250, agents=2, rows=6, rows_last=5_000),
}
CONTENDED_PCT = 30.0  # with fewer overlaps, a run without anomalies proves little
EXTRA_ROUNDS, FEWEST_ROWS = 2, 2  # on a busy machine writers overlap less: then they get fewer rows
READ_COMMITTED = "read committed"
# Every session that still writes holds a lock that this one waits for; so do the sessions of killed agents.
ALL_HAVE_ENDED = "SET LOCAL lock_timeout = '60s'; LOCK TABLE {} IN SHARE MODE"


def prove(target: ProofTarget, recorder: Recorder, plan: WritePlan | None = None) -> Outcome:
    """Let both systems write at once, and check the histories of the rows.

    Parameters
    ----------
    target
        The database. Faults are injected on a throw-away copy only.
    recorder
        Records anomalies and faults, and in the full run the history of every row.
    plan
        How much is written; None for the plan of the target's size.

    Returns
    -------
    Outcome
        Figures: ``concurrent_ops``, ``concurrent_ops_per_s``, ``check_s``, ``contended_pct``, ``backend_anomalies``,
        ``unaccepted_anomalies``, ``planted_caught``, ``faults``.

    Raises
    ------
    ConfigurationError
        No mapped table fits.
    ProbeError
        A system's own code raised, or its interpreter ended by itself.
    FaultError
        A command of ``[prove]`` failed.
    """
    proof = _Proof(target, recorder, plan or PLANS[target.size])
    try:
        levels = proof.run_round(isolation=None)
    except NoTableFitsError as error:
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
        proof.run_round(isolation=READ_COMMITTED)
    for _ in range(EXTRA_ROUNDS):
        if proof.checked.contended_pct < CONTENDED_PCT:
            proof.plan = replace(proof.plan, rows=FEWEST_ROWS)
            proof.run_round(isolation=None)
    return proof.outcome()


class _Proof:
    def __init__(self, target: ProofTarget, recorder: Recorder, plan: WritePlan) -> None:
        self.target, self.recorder, self.plan = target, recorder, plan
        self.rounds = 0
        self.levels: set[str] = set()
        self.checked = Checked()
        self.caught = set(Side)  # systems whose planted save was found in every round
        self.struck: list[Struck] = []
        self.missing: dict[str, str] = {}
        self.idle: list[Side] = []
        self.dropped: dict[str, None] = {}
        self.seconds = self.check_seconds = 0.0

    def run_round(self, *, isolation: str | None) -> set[str]:
        """Run one round: all writers on new rows, then the check; return the isolation levels."""
        target = self.target
        with ExitStack() as stack:
            gateway = stack.enter_context(_gateway(target)) if target.throwaway else None
            processes = stack.enter_context(
                running_writers(target, self.plan, cut_at=gateway.port if gateway else None, isolation=isolation)
            )
            described = processes.describe()
            count = self.plan.rows * self.plan.sets
            contended, keys = self._joined(processes, described, count)
            self.contended = contended
            if target.throwaway:
                stack.enter_context(versions.recorded_versions(target.owner_url, contended))
            stack.callback(processes.stop)  # before the trigger is removed, all writers end
            self.rounds += 1
            control = self._plant(processes, keys[count:])
            self._write(processes, gateway, control, _roles(described))
            processes.ask(processes.slots[0], "contend_clear", keys=keys, made=processes.made)
            levels = set(processes.levels.values())
            self.levels |= levels
        return levels

    def _joined(
        self, processes: WriterProcesses, described: dict[Side, Description], count: int
    ) -> tuple[ContendedTable, list[str]]:
        """Let all writers join at the first table on which the original can do every kind of write."""
        why: list[str] = []
        for contended in candidates(self.target.config, described, why):
            keys = contended.keys(self.target.seed + self.rounds, count + len(Side))
            processes.join(contended, keys[:count], keys[count:])
            found = self._of_one_shape(processes, contended)
            if found is None:
                why.append(f"{contended.pair.table}: {OTHER_SHAPES}")
                continue
            said = self._tried(processes, found, keys[0])
            if not said:
                return found, keys
            why.append(f"{contended.pair.table}: the original cannot write its rows as this proof does: {said}")
        raise none_fits(self.target.config, why)

    def _of_one_shape(self, processes: WriterProcesses, contended: ContendedTable) -> ContendedTable | None:
        """Return the table with its own names of the columns; None if the systems see different shapes of it."""
        with psycopg.connect(self.target.owner_url) as connection:
            one, other = (
                shape_names(connection, processes.ask(processes.of(side), "relation", model=contended.model(side)))
                for side in Side
            )
            names = [{column: found.get(column, column) for column in contended.columns} for found in (one, other)]
        return replace(contended, names=names[0]) if names[0] == names[1] else None

    def _tried(self, processes: WriterProcesses, contended: ContendedTable, key: str) -> str:
        """Let the original do every kind of write; on a copy, once more without the checks that bound the number."""
        said: str = processes.ask(processes.of(Side.ORIGINAL), "contend_try", key=key)
        if not said or not self.target.throwaway:
            return said
        with psycopg.connect(self.target.owner_url, autocommit=True) as connection:
            table = versions.table_of(contended).as_string(connection)
            dropped = without_bounds(connection, table, contended.own(contended.number))
        if not dropped:
            return said
        self.dropped |= dict.fromkeys(f"{contended.pair.table}.{contended.number}: {name}" for name in dropped)
        again: str = processes.ask(processes.of(Side.ORIGINAL), "contend_try", key=key)
        return again

    def _plant(self, processes: WriterProcesses, keys: list[str]) -> dict[str, list[WriterOperation]]:
        """Let each system save a stale object over the other's later write: the check must find it."""
        records_of: dict[str, list[WriterOperation]] = {}
        for culprit, other, key in zip(Side, reversed(Side), keys, strict=True):
            holder, writer = processes.of(culprit), processes.of(other)
            records = [processes.ask(writer, "contend_plant", id=processes.take_ids(writer, 1), key=key)]
            for slot in (holder, writer):
                processes.ask(slot, "contend_hold", key=key)
            records += [
                processes.ask(slot, "contend_write_held", id=processes.take_ids(slot, 1), key=key)
                for slot in (writer, holder)
            ]
            records_of[key] = [WriterOperation.of_record(record) for record in records]
        return records_of

    def _write(
        self,
        processes: WriterProcesses,
        gateway: Proxy | None,
        control: dict[str, list[WriterOperation]],
        roles: dict[str, Side],
    ) -> None:
        operations = self._make_rows(processes)
        schedule = self._schedule(gateway)
        began = time.monotonic()
        processes.begin()
        unreported = []
        for batch in schedule.watch(processes, processes.batches()):
            _sort_in(operations, batch.operations)
            if batch.unreported:
                unreported.append(batch.unreported)
        self.seconds += time.monotonic() - began
        repeatable = frozenset(a for a, level in processes.levels.items() if level != READ_COMMITTED)
        writers = Writers(processes.sides, roles, repeatable, tuple(unreported), self.contended.statuses[-1])
        self.struck += schedule.struck
        self._look_for_idle(operations, writers)
        self._check(operations, control, writers)

    def _make_rows(self, processes: WriterProcesses) -> dict[str, list[WriterOperation]]:
        operations: dict[str, list[WriterOperation]] = {key: [] for key in processes.keys}
        for number, side in enumerate(Side):
            slot, keys = processes.of(side), processes.keys[number :: len(Side)]
            records = processes.ask(slot, "contend_rows", keys=keys, first=processes.take_ids(slot, len(keys)))
            _sort_in(operations, [WriterOperation.of_record(record) for record in records])
        return operations

    def _schedule(self, gateway: Proxy | None) -> Schedule:
        if gateway is None:
            self.missing = {"all faults": "a throw-away copy instead of --database"}
            return Schedule([], self.plan.operations)
        faults, self.missing = possible(self.target.config, gateway)
        return Schedule(faults if self.rounds == 1 else [], self.plan.operations)

    def _look_for_idle(self, operations: dict[str, list[WriterOperation]], writers: Writers) -> None:
        """Find the systems that committed nothing after the last fault."""
        since = max((struck.ended for struck in self.struck), default=0.0)
        active = {
            writers.sides[o.agent] for ops in operations.values() for o in ops if o.outcome == "ok" and o.began > since
        }
        self.idle = [side for side in Side if side not in active]

    def _check(
        self, operations: dict[str, list[WriterOperation]], control: dict[str, list[WriterOperation]], writers: Writers
    ) -> None:
        self.target.say("concurrent writes: checking the histories")
        if self.target.size == "full":
            self.recorder.line("concurrent-writers", writers.evidence())
        began = time.monotonic()
        check(self._rows(operations), writers, self.checked)
        self.caught &= _planted_by(check(self._rows(control), writers).tally)
        self.check_seconds += time.monotonic() - began

    def _rows(self, operations: dict[str, list[WriterOperation]]) -> Iterator[RowHistory]:
        """Yield the history of each row; in the full run, record it, too."""
        contended, keys = self.contended, list(operations)
        with psycopg.connect(self.target.owner_url) as connection:
            if self.target.throwaway:
                connection.execute(sql.SQL(ALL_HAVE_ENDED).format(versions.table_of(contended)))
            finals = versions.finals(connection, contended, keys, PREFIX)
            for key, found in self._versions(connection, keys):
                row = RowHistory(key, operations.pop(key), found, finals.get(key))
                if self.target.size == "full":
                    self.recorder.line("concurrent-histories", row.evidence())
                yield row

    def _versions(self, connection: psycopg.Connection, keys: list[str]) -> Iterator[tuple[str, list[Version] | None]]:
        if not self.target.throwaway:
            yield from ((key, None) for key in keys)
            return
        without = set(keys)
        for key, found in versions.read(connection, keys, PREFIX):
            without.discard(key)
            yield key, found
        yield from ((key, []) for key in sorted(without))

    def outcome(self) -> Outcome:
        """Return what was found, and what was not proved."""
        table = self.contended.pair.table
        found = self.checked.tally.failures(table, self._undescribed())
        for failure, count in found.items():
            finding = failure.finding
            line = {"code": finding.code, "place": finding.where, "caused_by": failure.caused_by, "times": count}
            self.recorder.line("concurrent-anomalies", {**line, "history": failure.reproduce})
        for struck in self.struck:
            self.recorder.line("concurrent-faults", asdict(struck))
        checked = self.checked
        counts = {"operations": checked.operations, "reads": checked.reads, "rows": checked.rows}
        if self.target.throwaway:
            counts["versions"] = checked.versions
        figures = {
            "concurrent_ops": checked.operations,
            "concurrent_ops_per_s": round(checked.operations / self.seconds, 1),
            "check_s": round(self.check_seconds, 2),
            "contended_pct": round(checked.contended_pct, 1),
            "backend_anomalies": sum(n for f, n in found.items() if f.caused_by == Side.BACKEND),
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
        """Return the systems whose ways of writing ``handover.toml`` does not name."""
        said = self.target.config.prove.concurrent.model_fields_set
        return [side for side in Side if side not in said]

    def _unaccepted(self, found: dict[Failure, int]) -> int:
        accepted = contract.load(contract.path_of(self.target.config))
        judged = contract.judge(accepted, [f.finding for f in found], date.today())  # noqa: DTZ011 - a reader's day
        return sum(count for failure, count in found.items() if failure.finding in judged.open)

    def _shortcomings(self) -> Iterator[Failure]:
        """Yield what this run did not prove."""
        table = self.contended.pair.table
        if self.checked.contended_pct < CONTENDED_PCT:
            share = f"{self.checked.contended_pct:.1f} % of the operations overlapped another one on their row"
            todo = "Run it again on a quieter machine, or with more operations."
            yield _unseen(
                "HO334", table, f"has too few concurrent writes: {share}", f"{CONTENDED_PCT:g} % are needed", todo
            )
        for side in Side:
            if side not in self.caught:
                found = f"holds a planted stale save by the {side} that the check did not find"
                todo = "The check does not work here; report it, and trust no other result of this run."
                yield _unseen("HO335", table, found, "the control must be found in every run", todo)
        for struck in self.struck:
            if not struck.met:
                yield _unseen("HO336", struck.name, "met no operation", "such a fault proves nothing", "Run it again.")
        for side in self.idle:
            found = f"has nothing committed by the {side} after the last fault"
            yield _unseen(
                "HO338", table, found, "both systems must recover by themselves", "Look at how it reconnects."
            )
        if self.target.size == "full":
            for name, option in self.missing.items():
                address = page_address("reference/concurrent-writes", "Which faults are injected")
                todo = f"Set {option} in handover.toml: {address}"
                yield _unseen("HO336", name, "was not tried", "the full run tries every fault", todo)

    def _notes(self) -> Iterator[str]:
        anomalies = ", ".join(f"{count} {kind}" for kind, count in sorted(self.checked.tally.by_kind().items()))
        yield f"anomalies: {anomalies or 'none'}; isolation: {', '.join(sorted(self.levels))}"
        for name in self.dropped:
            yield f"{name} was dropped in this copy, because writers count up in that column"
        if natural := self.checked.tally.by_nature(self._undescribed()):
            done = "; ".join(f"{what} ({counted(count, 'time')})" for what, count in sorted(natural.items()))
            yield (
                f"{done}: in every Django system two processes do this to each other. To have it judged, name "
                "the ways in which each system writes: [prove.concurrent] original and backend in handover.toml"
            )
        for struck in self.struck:
            met = "met operations" if struck.met else "met no operation"
            yield f"{struck.name}: {met}, {struck.ended - struck.began:.1f} s"
        if not self.target.throwaway:
            yield "no versions were recorded on this database: only anomalies that show by ids and times were found"
        if self.target.size == "small":
            for name, option in self.missing.items():
                yield f"{name}: not tried; set {option}"


def _planted_by(planted: Tally) -> set[Side]:
    return {c.side for c in planted.counts if c.side and (c.kind, c.style) == ("lost update", "planted")}


def _unseen(code: str, where: str, found: str, expected: str, todo: str) -> Failure:
    return Failure(
        Finding(code=code, where=where, found=found, expected=expected, todo=todo, severity="unseen", hurts="both")
    )


def _sort_in(rows: dict[str, list[WriterOperation]], operations: list[WriterOperation]) -> None:
    for operation in operations:
        for key in operation.keys:
            rows[key].append(operation)


def _roles(described: dict[Side, Description]) -> dict[str, Side]:
    return {described[side].settings.database.role: side for side in Side}


def _gateway(target: ProofTarget) -> AbstractContextManager[Proxy]:
    place = conninfo_to_dict(target.owner_url)
    host = place.get("hostaddr") or place.get("host") or "localhost"
    return proxy(str(host), int(place.get("port") or 5432))
