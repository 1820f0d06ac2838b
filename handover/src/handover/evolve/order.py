"""The order of tables: each after those that it points at."""

from handover.evolve.draft import EvolutionDraft, TableDraft


def parents_first(draft: EvolutionDraft) -> list[TableDraft]:
    """Return the tables, each after those that it points at; where they point in a circle, by name."""
    waiting = dict(sorted(draft.tables.items()))
    found: list[TableDraft] = []
    while waiting:
        free = [key for key, table in waiting.items() if not _parents(table) & (waiting.keys() - {key})]
        found += [waiting.pop(key) for key in free or list(waiting)]
    return found


def in_a_circle(draft: EvolutionDraft) -> bool:
    """Whether tables point at each other in a circle, so that none of them comes first."""
    seen: set[str] = set()
    for table in parents_first(draft):
        if (_parents(table) & draft.tables.keys()) - seen - {table.facts.key}:
            return True
        seen.add(table.facts.key)
    return False


def _parents(table: TableDraft) -> set[str]:
    return {one.parent_key for one in table.facts.own_foreign_keys()}
