"""Which keys stand in the way of a delete: by the catalog, and foreseen from the models."""

import pytest

from handover.schema.catalog import Catalog, Column, LiveConstraint, Table
from handover.schema.deletes import blocking

TASKS, NOTES, PAGES = ("public", "tasks"), ("backend", "notes"), ("backend", "pages")


def table(key: tuple[str, str], *keys: LiveConstraint, null: bool = True) -> Table:
    columns = {name: Column("bigint", null) for one in keys for name in one.columns}
    return Table(*key, columns=columns, constraints=list(keys))


def points_at(target: tuple[str, str], action: str, column: str = "to_id") -> LiveConstraint:
    return LiveConstraint(
        name="k", kind="f", columns=(column,), definition="", deferrable=True, deferred=True, validated=True,
        on_delete=action, target=target, target_columns=("id",),
    )  # fmt: skip


def blocked(*tables: Table, known: tuple[tuple[str, str], ...] = ()) -> list[tuple[str, str]]:
    catalog = Catalog(tables={one.key: one for one in (table(TASKS), *tables)})
    return [one.key for one, _ in blocking(catalog, [TASKS], lambda t, _: t.key in known)]


@pytest.mark.parametrize(("action", "stands"), [("a", True), ("r", True), ("c", False), ("n", False), ("d", False)])
def test_blocking__key_into_a_root__stands_in_the_way_unless_the_database_acts(action, stands):
    assert blocked(table(NOTES, points_at(TASKS, action))) == ([NOTES] if stands else [])


def test_blocking__key_that_the_system_follows__does_not():
    assert blocked(table(NOTES, points_at(TASKS, "a")), known=(NOTES,)) == []


def test_blocking__set_null_of_a_column_that_may_not__stands_in_the_way():
    assert blocked(table(NOTES, points_at(TASKS, "n"), null=False)) == [NOTES]


def test_blocking__rows_that_hang_on_rows_that_go__count_as_well():
    goes, stays = points_at(TASKS, "c"), points_at(TASKS, "n")
    assert blocked(table(NOTES, goes), table(PAGES, points_at(NOTES, "a"))) == [PAGES]
    assert blocked(table(NOTES, stays), table(PAGES, points_at(NOTES, "a"))) == []
    assert blocked(table(NOTES, goes, points_at(NOTES, "a", "self_id"))) == [NOTES]
