"""The plan of an evolution: its draft is surveyed, and every step of every stage is written down."""

from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from typing import Any

from psycopg import Connection

from handover.config.config import Config
from handover.config.evolve import EvolveSettings
from handover.errors import Refused
from handover.evolve.catalog.facts import read_table
from handover.evolve.contracting import contract_steps
from handover.evolve.counting import cut_notes
from handover.evolve.draft import EvolutionDraft, TableDraft
from handover.evolve.drops import contract_drops, remove_drops
from handover.evolve.evolution import Evolution
from handover.evolve.keys import useless_indexes
from handover.evolve.lock_wait import longest_wait_ms, shortened
from handover.evolve.paths import RolePath, read_paths
from handover.evolve.rehearsal import rehearsal_findings
from handover.evolve.removing import remove_steps
from handover.evolve.row_key import read_row_key
from handover.evolve.starting import StageParts, start_steps, touched
from handover.evolve.statement import EvolutionPlan, EvolveStep
from handover.evolve.structure import structure_findings
from handover.evolve.switching import back_steps, switch_steps
from handover.evolve.throttle import require_measurable
from handover.evolve.values import mapped_notes, settle_defaults, value_findings
from handover.evolve.views import NOT_THROUGH_A_VIEW, viewed
from handover.finding import Finding


def make_plan(connection: Connection[Any], config: Config, evolution: Evolution) -> EvolutionPlan:
    """Return the plan of an evolution that has not begun. Nothing is changed.

    Parameters
    ----------
    connection
        As the owner of the tables, in no transaction.
    config
        The pair.
    evolution
        What its file declares.

    Raises
    ------
    Refused
        Something stands against it; each reason is a finding.
    """
    settings = config.evolve
    wait_ms, short = longest_wait_ms(connection, settings), shortened(connection, settings)
    settings = settings.model_copy(update={"lock_timeout_ms": wait_ms})
    draft = drafted(connection, evolution, settings.shared_schema)
    if any(table.synced for table in draft.tables.values()):
        require_measurable(connection, settings)
    with connection.transaction():
        connection.execute("SET LOCAL row_security = off")  # a question that would miss rows fails instead
        paths = tuple(read_paths(connection, settings.old_roles, draft.schemas)) if settings.old_roles else ()
        _require(evolution, structure_findings(connection, settings, draft, paths))
        for table in draft.tables.values():
            if table.synced:
                read_row_key(connection, table.facts.key)  # raises when a backfill could not walk through its rows
        settle_defaults(connection, draft)
        _require(evolution, rehearsal_findings(connection, draft))
        _require(evolution, value_findings(connection, draft))
        notes = (*filter(None, (short,)), *mapped_notes(connection, draft))
    return plan_of(evolution, draft, settings, paths, notes)


def drafted(connection: Connection[Any], evolution: Evolution, schema: str) -> EvolutionDraft:
    """Return what becomes of each table.

    Parameters
    ----------
    connection
        As the owner of the tables.
    evolution, schema
        What its file declares, and the schema of the shared tables.

    Raises
    ------
    Refused
        An operation names something that is not there, or two contradict each other.
    """
    draft = EvolutionDraft(partial(read_table, connection), schema)
    with connection.transaction():
        for operation in evolution.operations:
            operation.declare(draft)
        draft.follow_keys()
    return draft


def plan_of(
    evolution: Evolution,
    draft: EvolutionDraft,
    settings: EvolveSettings,
    paths: tuple[RolePath, ...],
    notes: tuple[str, ...] = (),
) -> EvolutionPlan:
    """Return the plan of a draft that was surveyed.

    Parameters
    ----------
    evolution
        What its file declares.
    draft
        What becomes of each table.
    settings
        The section ``[evolve]``.
    paths
        The old roles' search paths.
    notes
        What the survey found worth knowing.
    """
    parts = StageParts(draft=draft, settings=settings, paths=paths)
    return EvolutionPlan(
        evolution=evolution.name,
        tables=touched(parts.ordered()),
        start=tuple(start_steps(parts)),
        switch=tuple(switch_steps(parts)),
        back=tuple(back_steps(parts)),
        remove=tuple(remove_steps(parts)),
        contract=tuple(contract_steps(parts)),
        validate=tuple(_validations(parts)),
        contract_drops=tuple(contract_drops(draft)),
        remove_drops=tuple(remove_drops(draft)),
        notes=(*notes, *_notes(draft)),
    )


def _require(evolution: Evolution, findings: list[Finding]) -> None:
    if findings:
        summary = f"{evolution.name} cannot start; nothing was changed."
        raise Refused(summary, tuple(findings), code=findings[0].code)


def _validations(parts: StageParts) -> Iterator[EvolveStep]:
    for table in parts.ordered():
        if table.pairs:
            arguments = {
                "table": table.facts.key,
                "pairs": [asdict(table.pair(column)) for column in table.pairs],
                "twins": list(_twins(parts.draft, table)),
            }
            name = f"{table.facts.key}: every row, old against new"
            yield EvolveStep(name=name, how="batches", work="validate", arguments=arguments)


def _twins(draft: EvolutionDraft, table: TableDraft) -> Iterator[dict[str, Any]]:
    """Yield the foreign keys whose twins are compared: those all of whose columns are pairs, here and there."""
    for key in table.facts.own_foreign_keys():
        parent = draft.tables.get(key.parent_key)
        if parent and set(key.columns) <= set(table.pairs) and set(key.parent_columns) <= set(parent.pairs):
            pairs = [asdict(parent.pair(column)) for column in key.parent_columns]
            yield {"name": key.name, "parent": key.parent_key, "columns": list(key.columns), "parent_pairs": pairs}


def _notes(draft: EvolutionDraft) -> Iterator[str]:
    for table in draft.tables.values():
        yield from _pair_notes(table)
        yield from cut_notes(table)
        yield from _column_notes(table)
    for created in draft.created:
        yield f"{created.name}: its rows are gone after a rollback"
        if not created.grants:
            yield f"{created.name}: without `grants` only its owner may use it, but for default privileges"
    if others := [schema for schema in draft.schemas if schema != draft.schema]:
        yield f"tables of {', '.join(others)} change as well: each search path needs the views before these schemas too"
    if viewed(draft):
        yield from NOT_THROUGH_A_VIEW


def _pair_notes(table: TableDraft) -> Iterator[str]:
    name = table.facts.name
    for index in useless_indexes(table):
        yield f"{name}: index {index} serves LIKE on a text; it goes with the old column and has no twin"
    for column, pair in table.pairs.items():
        if pair.follows:
            own = name if table.facts.schema == pair.follows.parent_schema else table.facts.key
            yield f"{own}.{column} changes as well: {pair.follows.name} points at {pair.follows.parent}"
        if not pair.follows and (pair.up, pair.down) != ("$1", "$1"):
            yield (
                f"{name}.{column}: while both shapes live, a value that `up` or `down` cannot convert is refused,"
                " and where the new shape writes NULL into a new row the old column's default counts"
            )
        if pair.repeatable:
            yield f"{name}.{column}: the file vouches that its conversion always gives the same result"
        if pair.many_to_one:
            yield f"{name}.{column}: several old values have one new value; one that was changed twice may differ"


def _column_notes(table: TableDraft) -> Iterator[str]:
    name = table.facts.name
    for what in _new_demands(table):
        yield f"{name}: from the start on, {what} also refuses writes of the old shape"
    for column in table.dropped:
        yield f"{name}.{column}: its values are gone after the contract"
        for index in table.facts.indexes:
            if column in index.columns:
                yield f"{name}: index {index.name} goes with {column}"
    for added in table.added.values():
        if added.expression:
            yield f"{name}.{added.name}: a trigger keeps it, also after the contract"
        else:
            yield f"{name}.{added.name}: what the new shape wrote into it is gone after a rollback"


def _new_demands(table: TableDraft) -> Iterator[str]:
    """Yield what the new shape demands of every row, in words."""
    yield from (f"check {check.name}" for check in table.checks if not check.repaired and not check.replaces)
    yield from (f"NOT NULL of {column}" for column in table.not_null)
    yield from (f"foreign key {key.name}" for key in table.foreign_keys)
    yield from (f"the unique index {index.name}" for index in table.indexes if index.unique)
