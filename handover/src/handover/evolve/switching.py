"""The switch and the way back from it: all renames in one transaction, and the trigger's function with them."""

from collections.abc import Iterator

from handover.evolve.starting import StageParts
from handover.evolve.statement import EvolveStatement, EvolveStep
from handover.evolve.sync import sync_function
from handover.wording import identifier


def switch_steps(parts: StageParts) -> Iterator[EvolveStep]:
    """Yield the one step of the switch; nothing when no column gets another name."""
    statements = tuple(_renames(parts, back=False))
    if statements:
        yield EvolveStep(name="the new columns get their names", statements=statements)


def back_steps(parts: StageParts) -> Iterator[EvolveStep]:
    """Yield the one step back from the switch."""
    statements = tuple(_renames(parts, back=True))
    if statements:
        yield EvolveStep(name="the old columns get their names again", statements=statements)


def _renames(parts: StageParts, *, back: bool) -> Iterator[EvolveStatement]:
    tables = [table for table in parts.ordered() if table.moves]
    # The functions first: while they are replaced, no table is locked yet.
    for table in tables:
        if table.synced:
            yield parts.make.free(sync_function(parts.draft, table, switched=not back))
    for table in tables:
        renames = [(after, before) for before, after in reversed(table.renames())] if back else table.renames()
        for before, after in renames:
            sql = f"ALTER TABLE {table.facts.sql} RENAME COLUMN {identifier(before)} TO {identifier(after)}"
            yield parts.make.exclusive(sql, table.facts.key)
