"""Groups 1 and 2 of the strategy: each system reads, finds, changes and deletes what the other wrote."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import psycopg
from hypothesis import HealthCheck, Phase, given, seed, settings

from handover.config.config import ModelPair
from handover.errors import UnseenError
from handover.finding import Finding
from handover.journal.evidence import Recorder
from handover.probe.wire import shown
from handover.proof.actor import actors
from handover.proof.bulk import BulkRows, rows_for_bulk
from handover.proof.dependent_rows import DependentRows, Keys
from handover.proof.difference import Difference, DifferenceKey
from handover.proof.existing import Existing
from handover.proof.mapped_table import Actors, Example, MappedTable, mapped_table, settled
from handover.proof.outcome import Failure, Outcome
from handover.proof.parents import Parents
from handover.proof.reproduce import lines
from handover.proof.row_round_trip import RowRoundTrip
from handover.proof.shape_names import OTHER_SHAPES, shape_names
from handover.proof.shrink import no_traces, smallest
from handover.proof.target import ProofTarget, Size
from handover.schema import catalog
from handover.side import Side

NAMES: dict[Side, str] = {Side.ORIGINAL: "backend-reads-original", Side.BACKEND: "original-reads-backend"}
RANDOM_ROWS: dict[Size, int] = {"small": 8, "full": 400}
EXISTING_ROWS: dict[Size, int] = {"small": 400, "full": 40_000}
# Differences that show in one direction; the others compare what both wrote.
ONE_WAY = ("HO300", "HO301", "HO302", "HO305", "HO308", "HO309", "HO311", "HO319")
SHRUNK = 12  # of each table; further differences are reported as they were met


@dataclass
class Met:
    """What was counted and found, by the system that made the rows."""

    counts: dict[Side, Counter[str]] = field(default_factory=lambda: {side: Counter() for side in Side})
    failures: dict[Side, list[Failure]] = field(default_factory=lambda: {side: [] for side in Side})
    notes: list[str] = field(default_factory=list)


def prove(target: ProofTarget, recorder: Recorder) -> tuple[Outcome, Outcome]:
    """Make round trips of rows of every mapped table in both directions, and compare the existing rows.

    Parameters
    ----------
    target
        The database; if it may only be read, only existing rows are compared.
    recorder
        Receives a line of ``read-across`` for each table, and one of ``failures`` for each failure.

    Returns
    -------
    tuple of Outcome
        ``backend-reads-original`` and ``original-reads-backend``.

    Raises
    ------
    HandoverError
        A system cannot act.
    """
    met, began = Met(), time.monotonic()
    with no_traces(), actors(target, "relation") as both:
        parents = Parents(both)
        try:
            for pair in target.config.models:
                try:
                    _prove_table(target, recorder, met, mapped_table(pair, both, parents), both)
                except UnseenError as error:  # only this table is not compared; a count of zero is not green
                    met.notes.append(f"{pair.table}: {error}")
                    for side in Side:
                        met.counts[side][f"rows of {pair.table}"] = 0
            if not target.reads_only:
                _prove_dependents(target, recorder, met, DependentRows(both, parents, _foreign_keys(target)))
        except BaseException:
            if not target.throwaway:  # a copy goes away as a whole
                _remove_when_ended(target, parents)
            raise
        left = parents.remove()
    met.notes += [f"a row of {label} that this proof made is still there: {shown(key)}" for label, key in left]
    seconds = time.monotonic() - began
    one, two = (
        Outcome(NAMES[side], dict(met.counts[side]), tuple(met.failures[side]), tuple(met.notes), {"seconds": seconds})
        for side in Side
    )
    return one, two


def _foreign_keys(target: ProofTarget) -> Keys:
    with catalog.snapshot(target.owner_url) as connection:
        return catalog.read_catalog(connection).foreign_keys


def _prove_dependents(target: ProofTarget, recorder: Recorder, met: Met, dependents: DependentRows) -> None:
    """Reference shared rows from each system's own tables, and let the other system delete the shared rows."""
    for side, failure in dependents.failures():
        met.failures[side].append(failure)
        recorder.line("failures", {"group": "read-across", "finding": vars(failure.finding)})
    for side in Side:
        met.counts[side].update(dependents.counts[side])
    target.say(f"own rows: {sum(c['own_rows'] for c in dependents.counts.values())} that reference shared rows")


def _remove_when_ended(target: ProofTarget, parents: Parents) -> None:
    """Remove the rows that were made, by new agents: the first ones may be in the middle of an answer."""
    with actors(target) as fresh:
        for label, key in parents.remove(fresh):
            target.say(f"a row of {label} that this proof made is still there: {shown(key)}")


def _of_one_shape(target: ProofTarget, table: MappedTable, both: Actors) -> None:
    """Raise when the systems see different shapes of a table: the same value has another form in each."""
    with psycopg.connect(target.owner_url) as connection:
        one, other = (
            shape_names(connection, both[side].probe.ask("relation", model=table.models[side].path)) for side in Side
        )
    if any(one.get(column, column) != other.get(column, column) for column in table.shared):
        raise UnseenError(OTHER_SHAPES)


def _prove_table(target: ProofTarget, recorder: Recorder, met: Met, table: MappedTable, both: Actors) -> None:
    _of_one_shape(target, table, both)
    existing = Existing(table, both, EXISTING_ROWS[target.size])
    found = {d.key: d for d in existing.differences()}
    counts: dict[Side, Counter[str]] = {side: Counter(existing.counts) for side in Side}
    if not target.reads_only:
        try:
            found = _round_trips(target, met, settled(table, both[Side.ORIGINAL]), both, found, counts)
        except UnseenError as error:  # only this table is not compared further; what was found before stays
            met.notes.append(f"{table.table}: {error}")
            for side in Side:
                counts[side][f"rows of {table.table}"] = 0  # a count of zero is not green
    elif not existing.counts["existing_rows"]:
        counts[Side.ORIGINAL][f"existing rows of {table.table}"] = counts[Side.BACKEND][
            f"existing rows of {table.table}"
        ] = 0
    for side in Side:
        met.counts[side].update(counts[side])  # adding counters would drop a count of zero
    recorder.line("read-across", {"table": table.table, "counts": counts})
    for difference in found.values():
        failure = failure_of(table, difference)
        met.failures[difference.maker].append(failure)
        recorder.line("failures", as_line(table.pair, difference, failure))
    target.say(f"{table.table}: {sum(c['rows'] for c in counts.values())} rows compared, {len(found)} differences")


def _round_trips(
    target: ProofTarget,
    met: Met,
    table: MappedTable,
    both: Actors,
    found: dict[DifferenceKey, Difference],
    counts: dict[Side, Counter[str]],
) -> dict[DifferenceKey, Difference]:
    """Make the round trips of a table; return all differences, each on its smallest row.

    Parameters
    ----------
    target, met, both
        The database, what was found so far, and both systems.
    table
        The table.
    found, counts
        Differences and counts of this table so far; both are added to.
    """
    round_trip, bulk = RowRoundTrip(table, both), BulkRows(table, both)
    compare_rows(round_trip, bulk, target, found)
    for side in Side:
        counts[side] += round_trip.counts[side] + bulk.counts[side]
        # For each table: a table without a row would hide behind the others.
        counts[side][f"rows of {table.table}"] = round_trip.counts[side]["rows"]
    met.notes += bulk.unseen
    if round_trip.refused:
        met.notes.append(f"{table.table}: {round_trip.refused} rows are refused by both systems alike")
    return _shrunk(round_trip, found, target)


def compare_rows(
    round_trip: RowRoundTrip, bulk: BulkRows, target: ProofTarget, found: dict[DifferenceKey, Difference]
) -> None:
    """Make round trips of boundary rows and random rows, then of rows in bulk.

    Parameters
    ----------
    round_trip, bulk
        Compare one row, and several rows at once.
    target
        Says how many random rows, and from which seed.
    found
        Receives the differences.
    """
    accepted: list[Example] = []

    def compare(example: Example) -> None:
        refused = round_trip.refused
        met = round_trip.differences(example)
        if round_trip.refused > refused or any(code == "HO307" for code, _, _ in met):
            met |= dict(_one_by_one(round_trip, example))
        else:
            accepted.append(example)
        for key, difference in met.items():
            found.setdefault(key, difference)

    for example in round_trip.mapped.corner_examples(1):
        compare(example)
    chosen = settings(
        max_examples=RANDOM_ROWS[target.size], database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck), print_blob=False,
    )  # fmt: skip
    seed(target.seed)(chosen(given(round_trip.mapped.examples())(compare)))()
    if accepted:
        for difference in bulk.differences(rows_for_bulk(round_trip.mapped, accepted)):
            found.setdefault(difference.key, difference)


def _one_by_one(round_trip: RowRoundTrip, example: Example) -> Iterator[tuple[DifferenceKey, Difference]]:
    """Make a round trip of each value of a refused row alone, so that one column does not hide the others."""
    plain = round_trip.differences(Example(round_trip.mapped.completed({})))
    yield from plain.items()
    if any(code == "HO307" for code, _, _ in plain):
        return  # the plain row is refused, so no value is to blame
    for column, wire in example.row.items():
        alone = Example(round_trip.mapped.completed({column: wire}))
        for difference in round_trip.differences(alone).values():
            placed = _at(round_trip.mapped, difference, column)
            yield placed.key, placed


def _at(table: MappedTable, difference: Difference, column: str) -> Difference:
    """Place a refusal at the column with the refused value; return every other difference unchanged."""
    if difference.code != "HO307" or not column:
        return difference
    return replace(difference, place=table.place(column), column=column)


def _shrunk(
    round_trip: RowRoundTrip, found: dict[DifferenceKey, Difference], target: ProofTarget
) -> dict[DifferenceKey, Difference]:
    """Return each difference on its smallest row; drop the refusal of a row if one of its values is refused alone."""
    refused = any(d.code == "HO307" and d.column for d in found.values())
    result: dict[DifferenceKey, Difference] = {}
    for number, (key, difference) in enumerate(found.items()):
        if difference.code == "HO307" and not difference.column and refused:
            continue
        shrinkable = difference.example is not None and difference.step not in ("rows", "order") and number < SHRUNK
        column = difference.column

        only = difference.maker if difference.code in ONE_WAY else None

        def compare(
            example: Example, column: str = column, only: Side | None = only
        ) -> dict[DifferenceKey, Difference]:
            # The round trip does not know the column of a refusal.
            met = round_trip.differences(example, column=column, only=only).values()
            return {d.key: d for d in (_at(round_trip.mapped, d, column) for d in met)}

        result[key] = smallest(difference, compare, round_trip.mapped, target.seed) if shrinkable else difference
    return result


def failure_of(table: MappedTable, difference: Difference) -> Failure:
    """Return a difference with its smallest example and the lines that show it again."""
    again = lines(table, difference)
    values = [f"{shown(wire)} in the {side}" for side, wire in difference.values]
    more = [f"Smallest example: {', '.join(values)}." if values else "", *again]
    finding: Finding = difference.finding("\n".join(filter(None, more)))
    return Failure(finding, again, caused_by=difference.maker)


def as_line(pair: ModelPair, difference: Difference, failure: Failure) -> dict[str, object]:
    """Return a failure in the form of the evidence: with its row, so that it can be replayed.

    Parameters
    ----------
    pair
        The mapped table.
    difference, failure
        The difference, and the failure that reports it.
    """
    example = difference.example
    parts = {"row": example.row, "change": example.change, "extra": example.extra} if example else None
    finding = vars(failure.finding)
    return {
        "group": "read-across",
        "table": pair.table,
        "key": difference.key,
        "finding": finding,
        "reproduce": failure.reproduce,
        "example": parts,
    }
