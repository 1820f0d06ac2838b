"""The sequences that new columns go on counting with: their options before the contract, and after it."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from psycopg import Connection

from handover.evolve.catalog.owned_sequence import OwnedSequence
from handover.evolve.draft import PairDraft, TableDraft
from handover.evolve.statement import EvolutionPlan
from handover.schema.types import canonical_type

_OPTIONS = """
    SELECT seqstart AS start, seqincrement AS increment, seqmin AS minimum, seqmax AS maximum, seqcache AS cache,
           seqcycle AS cycle FROM pg_sequence WHERE seqrelid = to_regclass(%s)
"""


def counting_pairs(table: TableDraft) -> Iterator[tuple[PairDraft, OwnedSequence]]:
    """Yield the pairs of a table whose new column goes on with the old one's sequence."""
    for pair in table.pairs.values():
        if pair.counts_on and pair.column.sequence:
            yield pair, pair.column.sequence


def expected_sequences(table: TableDraft) -> list[dict[str, Any]]:
    """Return each sequence of a table that goes on, with the options that it has after the contract."""
    return [
        {"name": sequence.sql, "options": asdict(sequence.options_as(canonical_type(pair.type)))}
        for pair, sequence in counting_pairs(table)
    ]


def cut_notes(table: TableDraft) -> Iterator[str]:
    """Yield what of a sequence's options does not fit into the new type."""
    for pair, sequence in counting_pairs(table):
        if cut := sequence.cut_as(canonical_type(pair.type)):
            what = f"{table.facts.name}.{pair.column.name}: {sequence.name} must fit into {pair.type}"
            yield f"{what}: {', '.join(cut)} at the contract"


def changed_sequences(connection: Connection[Any], plan: EvolutionPlan) -> Iterator[str]:
    """Yield each sequence that has other options than a plan says, in words.

    Parameters
    ----------
    connection, plan
        As the owner of the tables, after the contract of the plan.
    """
    for expected in (one for step in plan.contract for one in step.arguments.get("sequences", ())):
        cursor = connection.execute(_OPTIONS.encode(), [expected["name"]])
        names, row = [one.name for one in cursor.description or ()], cursor.fetchone()
        found: Mapping[str, Any] = dict(zip(names, row, strict=True)) if row else {}
        wrong = [f"{k} {found.get(k)} instead of {v}" for k, v in expected["options"].items() if found.get(k) != v]
        if wrong:
            yield f"sequence {expected['name']} has {', '.join(wrong)}"
