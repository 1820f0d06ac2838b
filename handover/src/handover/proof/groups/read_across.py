"""Groups 1 and 2 of the strategy: each system reads, finds, changes and deletes what the other wrote."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from hypothesis import HealthCheck, Phase, given, seed, settings

from handover.config.config import ModelPair
from handover.errors import UnseenError
from handover.finding import Finding
from handover.journal.evidence import Recorder
from handover.probe.wire import shown
from handover.proof.actor import actors
from handover.proof.bag import Bag, usable
from handover.proof.crossing import Crossing
from handover.proof.difference import Difference, Key
from handover.proof.existing import Existing
from handover.proof.hanging import Hanging, Keys
from handover.proof.mirror import Actors, Example, Mirror, mirror, settled
from handover.proof.outcome import Failure, Outcome
from handover.proof.parents import Parents
from handover.proof.reproduce import lines
from handover.proof.shrink import no_traces, smallest
from handover.proof.venue import Size, Venue
from handover.schema import catalog
from handover.side import Side

NAMES: dict[Side, str] = {Side.ORIGINAL: "backend-reads-original", Side.BACKEND: "original-reads-backend"}
RANDOM_ROWS: dict[Size, int] = {"small": 8, "full": 400}
EXISTING_ROWS: dict[Size, int] = {"small": 400, "full": 40_000}
# What is seen in one direction alone; the others compare what both wrote.
ONE_WAY = ("HO300", "HO301", "HO302", "HO305", "HO308", "HO309", "HO311", "HO319")
SHRUNK = 12  # of each table; what differs beyond that is told as it was met


@dataclass
class Met:
    """What was met on the way, by maker."""

    counts: dict[Side, Counter[str]] = field(default_factory=lambda: {side: Counter() for side in Side})
    failures: dict[Side, list[Failure]] = field(default_factory=lambda: {side: [] for side in Side})
    notes: list[str] = field(default_factory=list)


def prove(venue: Venue, recorder: Recorder) -> tuple[Outcome, Outcome]:
    """Let rows of every mapped model cross in both directions, and compare those that are there already.

    Parameters
    ----------
    venue
        Where to act; on one that may only be read, only existing rows are compared.
    recorder
        Gets a line of ``read-across`` for each table, and one of ``failures`` for each failure.

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
    with no_traces(), actors(venue) as both:
        parents = Parents(both)
        try:
            for pair in venue.config.models:
                try:
                    _prove_table(venue, recorder, met, mirror(pair, both, parents), both)
                except UnseenError as error:  # of this table alone; a count of zero is not green
                    met.notes.append(f"{pair.table}: {error}")
                    for side in Side:
                        met.counts[side][f"rows of {pair.table}"] = 0
            if not venue.reads_only:
                _hang(venue, recorder, met, Hanging(both, parents, _foreign_keys(venue)))
        except BaseException:
            if not venue.throwaway:  # a copy goes away as a whole
                _remove_when_ended(venue, parents)
            raise
        left = parents.remove()
    met.notes += [f"a row of {label} that was made for this is still there: {shown(key)}" for label, key in left]
    seconds = time.monotonic() - began
    one, two = (
        Outcome(NAMES[side], dict(met.counts[side]), tuple(met.failures[side]), tuple(met.notes), {"seconds": seconds})
        for side in Side
    )
    return one, two


def _foreign_keys(venue: Venue) -> Keys:
    with catalog.snapshot(venue.owner_url) as connection:
        return catalog.read(connection).foreign_keys


def _hang(venue: Venue, recorder: Recorder, met: Met, hanging: Hanging) -> None:
    """Hang rows of each system's own tables on shared rows, and let the other system delete those."""
    for side, failure in hanging.failures():
        met.failures[side].append(failure)
        recorder.line("failures", {"group": "read-across", "finding": vars(failure.finding)})
    for side in Side:
        met.counts[side].update(hanging.counts[side])
    venue.say(f"own rows: {sum(c['own_rows'] for c in hanging.counts.values())} hung on shared rows")


def _remove_when_ended(venue: Venue, parents: Parents) -> None:
    """Remove what was made, by an agent of its own: the others may be in the middle of an answer."""
    with actors(venue) as fresh:
        for label, key in parents.remove(fresh):
            venue.say(f"a row of {label} that was made for this is still there: {shown(key)}")


def _prove_table(venue: Venue, recorder: Recorder, met: Met, table: Mirror, both: Actors) -> None:
    existing = Existing(table, both, EXISTING_ROWS[venue.size])
    found = {d.key: d for d in existing.differences()}
    counts: dict[Side, Counter[str]] = {side: Counter(existing.counts) for side in Side}
    if not venue.reads_only:
        try:
            found = _cross(venue, met, settled(table, both[Side.ORIGINAL]), both, found, counts)
        except UnseenError as error:  # of this table alone, and what was found before stays
            met.notes.append(f"{table.table}: {error}")
            for side in Side:
                counts[side][f"rows of {table.table}"] = 0  # which is not green
    elif not existing.counts["existing_rows"]:
        counts[Side.ORIGINAL][f"existing rows of {table.table}"] = counts[Side.BACKEND][
            f"existing rows of {table.table}"
        ] = 0
    for side in Side:
        met.counts[side].update(counts[side])  # an addition would drop a count of zero
    recorder.line("read-across", {"table": table.table, "counts": counts})
    for difference in found.values():
        failure = failure_of(table, difference)
        met.failures[difference.maker].append(failure)
        recorder.line("failures", as_line(table.pair, difference, failure))
    venue.say(f"{table.table}: {sum(c['rows'] for c in counts.values())} rows crossed, {len(found)} differences")


def _cross(
    venue: Venue,
    met: Met,
    table: Mirror,
    both: Actors,
    found: dict[Key, Difference],
    counts: dict[Side, Counter[str]],
) -> dict[Key, Difference]:
    """Let rows of a table cross; add to what was found before, and return it on the smallest rows."""
    crossing, bag = Crossing(table, both), Bag(table, both)
    crossed(crossing, bag, venue, found)
    for side in Side:
        counts[side] += crossing.counts[side] + bag.counts[side]
        # Of each table, or a table of which no row could be made would hide behind the others.
        counts[side][f"rows of {table.table}"] = crossing.counts[side]["rows"]
    met.notes += bag.unseen
    if crossing.refused:
        met.notes.append(f"{table.table}: {crossing.refused} rows are refused by both systems alike")
    return _shrunk(crossing, found, venue)


def crossed(crossing: Crossing, bag: Bag, venue: Venue, found: dict[Key, Difference]) -> None:
    """Let boundary rows and random rows cross, then a bag of them; add what differs to what was found."""
    accepted: list[Example] = []

    def cross(example: Example) -> None:
        refused = crossing.refused
        met = crossing.differences(example)
        if crossing.refused > refused or any(code == "HO307" for code, _, _ in met):
            met |= dict(_one_by_one(crossing, example))
        else:
            accepted.append(example)
        for key, difference in met.items():
            found.setdefault(key, difference)

    for example in crossing.mirror.corner_examples(1):
        cross(example)
    chosen = settings(
        max_examples=RANDOM_ROWS[venue.size], database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck), print_blob=False,
    )  # fmt: skip
    seed(venue.seed)(chosen(given(crossing.mirror.examples())(cross)))()
    if accepted:
        for difference in bag.differences(usable(crossing.mirror, accepted)):
            found.setdefault(difference.key, difference)


def _one_by_one(crossing: Crossing, example: Example) -> Iterator[tuple[Key, Difference]]:
    """Let each value of a refused row cross alone, so that one column does not hide the others."""
    plain = crossing.differences(Example(crossing.mirror.completed({})))
    yield from plain.items()
    if any(code == "HO307" for code, _, _ in plain):
        return  # whatever it holds: no value is to blame
    for column, wire in example.row.items():
        alone = Example(crossing.mirror.completed({column: wire}))
        for difference in crossing.differences(alone).values():
            told = _at(crossing.mirror, difference, column)
            yield told.key, told


def _at(table: Mirror, difference: Difference, column: str) -> Difference:
    """Return a refusal at the column whose value is refused; every other difference as it is."""
    if difference.code != "HO307" or not column:
        return difference
    return replace(difference, place=table.place(column), column=column)


def _shrunk(crossing: Crossing, found: dict[Key, Difference], venue: Venue) -> dict[Key, Difference]:
    """Return each on its smallest row; a refusal of a row whose columns are refused alone says nothing more."""
    refused = any(d.code == "HO307" and d.column for d in found.values())
    result: dict[Key, Difference] = {}
    for number, (key, difference) in enumerate(found.items()):
        if difference.code == "HO307" and not difference.column and refused:
            continue
        shrinkable = difference.example is not None and difference.step not in ("rows", "order") and number < SHRUNK
        column = difference.column

        only = difference.maker if difference.code in ONE_WAY else None

        def cross(example: Example, column: str = column, only: Side | None = only) -> dict[Key, Difference]:
            # A refusal is told at its column, which the crossing itself cannot know.
            met = crossing.differences(example, column=column, only=only).values()
            return {d.key: d for d in (_at(crossing.mirror, d, column) for d in met)}

        result[key] = smallest(difference, cross, crossing.mirror, venue.seed) if shrinkable else difference
    return result


def failure_of(table: Mirror, difference: Difference) -> Failure:
    """Return a difference with its smallest example and the lines that show it again."""
    again = lines(table, difference)
    values = [f"{shown(wire)} in the {side}" for side, wire in difference.values]
    more = [f"Smallest example: {', '.join(values)}." if values else "", *again]
    finding: Finding = difference.finding("\n".join(filter(None, more)))
    return Failure(finding, again, caused_by=difference.maker)


def as_line(pair: ModelPair, difference: Difference, failure: Failure) -> dict[str, object]:
    """Return a failure as the evidence keeps it: with the row that was made, so that it can be replayed."""
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
