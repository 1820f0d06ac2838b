"""What the contract and the way back drop from each table."""

from collections.abc import Iterator

from handover.evolve.draft import EvolutionDraft
from handover.evolve.keys import shape_keys
from handover.evolve.statement import DroppedColumns


def contract_drops(draft: EvolutionDraft) -> Iterator[DroppedColumns]:
    """Yield the columns of the old shape that go, by their names after the switch."""
    old_keys = [(key.parent, f"{key.table}.{key.replaces.name}") for key in shape_keys(draft) if key.replaces]
    for table in draft.tables.values():
        columns = tuple(table.physical_old(one, switched=True) for one in (*table.pairs, *table.dropped))
        if columns:
            keys = tuple(name for parent, name in old_keys if parent == table.facts.key)
            yield DroppedColumns(table.facts.key, columns, keys)


def remove_drops(draft: EvolutionDraft) -> Iterator[DroppedColumns]:
    """Yield the columns and tables that a start makes, by their names before the switch."""
    new_keys = [(key.parent, f"{key.table}.{key.name}") for key in shape_keys(draft)]
    made = [
        (table.facts.key, (*(table.pair(one).shadow for one in table.pairs), *table.added))
        for table in draft.tables.values()
        if table.pairs or table.added
    ]
    for table, columns in [*made, *((f"{draft.schema}.{one.name}", ()) for one in draft.created)]:
        yield DroppedColumns(table, columns, tuple(name for parent, name in new_keys if parent == table))
