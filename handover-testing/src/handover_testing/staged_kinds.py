"""One kind of operation on tables of its own, through every stage of an evolution."""

from dataclasses import dataclass
from typing import Any

from handover.evolve.statement import EvolutionPlan
from handover_testing.evolving import Evolving, differences

OLD, NEW = "phase1,public", "phase2,public"


@dataclass(frozen=True)
class StagedKind:
    """A kind of operation on tables of its own.

    Attributes
    ----------
    before, after
        What makes its tables: in the old shape with rows, and as a fresh schema has them.
    operations
        What the evolution declares.
    tables
        The tables that are compared.
    old, new
        What an old and what a new client writes while both shapes live.
    shown
        What the two clients then read: (query, rows of the old shape, rows of the new shape).
    """

    before: str
    after: str
    operations: tuple[dict[str, Any], ...]
    tables: tuple[str, ...]
    old: str = ""
    new: str = ""
    query: str = ""
    shown: tuple[list[Any], list[Any]] = ((), ())  # type: ignore[assignment]


def through_all_stages(kind: StagedKind, live: Evolving, fresh: Evolving) -> None:
    """Go back from the switch, and find what was before; then contract, and find what a fresh schema has.

    Parameters
    ----------
    kind
        What is evolved.
    live, fresh
        The database in which the evolution runs, and the one in which the new shape is made afresh.
    """
    live.execute(kind.before)
    fresh.execute(kind.after)
    there = [table for table in kind.tables if table in live.tables()]
    before, rows = live.catalog(*there), {table: live.all_rows(table) for table in there}
    live.problems.clear()

    plan = live.plan(*kind.operations)
    live.run(plan, "start", "switch", "back", "remove")
    assert differences(before, live.catalog(*there)) == {}
    assert {table: live.all_rows(table) for table in there} == rows

    live.run(plan, "start")
    _both_write(live, plan, kind)
    live.run(plan, "switch")
    _both_read(live, kind)
    live.run(plan, "back")
    _both_read(live, kind)
    live.run(plan, "switch", "contract")
    assert live.problems == []
    assert differences(fresh.catalog(*kind.tables), live.catalog(*kind.tables)) == {}


def _both_write(live: Evolving, plan: EvolutionPlan, kind: StagedKind) -> None:
    if kind.query:
        live.execute(kind.old, path=OLD)
        live.execute(kind.new, path=NEW)
        _both_read(live, kind)
    for step in plan.validate:
        evidence = live.step(step)
        assert evidence["differing_count"] == 0, evidence["differing"]


def _both_read(live: Evolving, kind: StagedKind) -> None:
    if kind.query:
        assert live.execute(kind.query, path=OLD) == kind.shown[0]
        assert live.execute(kind.query, path=NEW) == kind.shown[1]
