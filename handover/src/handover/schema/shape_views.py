"""While an evolution is under way, a system sees a table through a view: the table is shown as that view shows it."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row

from handover.schema.catalog import Catalog, Column, Key, LiveConstraint, LiveIndex, Table, catalog_query
from handover.schema.evolved import KEPT_SUFFIX, SHADOW_SUFFIX, SYNC_TRIGGER

_NOT_NULL = re.compile(r'CHECK \(\("?([^"()]+)"? IS NOT NULL\)\)')


@dataclass(frozen=True)
class ShapeView:
    """A view of an evolution: the table behind it, and for each column of the table the view's name of it."""

    key: Key
    base: Key
    names: dict[str, str] = field(default_factory=dict)


def read_shape_views(connection: Connection[Any], schemas: Sequence[str]) -> dict[Key, ShapeView]:
    """Return the views of some schemas that show columns of one table.

    Parameters
    ----------
    connection
        In a read-only snapshot.
    schemas
        The schemas of the old and of the new shape.
    """
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(catalog_query("views_of_shapes"), {"schemas": list(schemas)}).fetchall()
    found: dict[Key, ShapeView] = {}
    for row in rows:
        key, base = (row["schema"], row["view"]), (row["base_schema"], row["base"])
        found.setdefault(key, ShapeView(key, base)).names[row["base_column"]] = row["column"]
    return found


def show_shapes(catalog: Catalog, views: Mapping[Key, ShapeView], paths: Sequence[Sequence[str]]) -> list[Key]:
    """Put in the place of each table of an evolution what all systems see of it.

    Parameters
    ----------
    catalog
        Is changed: the views and the tables behind them become one table for each.
    views
        See :func:`read_shape_views`.
    paths
        The search path of each system.

    Returns
    -------
    list
        The tables of which the systems see different shapes; these stay as they are.
    """
    seen: dict[Key, set[Key]] = defaultdict(set)
    for view in views.values():
        for path in paths:
            table = catalog.find(path, view.key[1])
            if table is not None:
                seen[view.base].add(table.key)
    mixed = sorted(base for base, keys in seen.items() if len(keys) > 1)
    chosen = {base: next(iter(keys)) for base, keys in seen.items() if len(keys) == 1 and keys != {base}}
    shown = {base: views[key] for base, key in chosen.items() if key in views}
    for base, view in shown.items():
        table, through = catalog.tables[base], catalog.tables[view.key]
        catalog.tables[view.key] = _shown(table, through, view)
    for view in views.values():
        if view.base in shown:
            catalog.tables.pop(view.base, None)
            if shown[view.base] is not view:
                catalog.tables.pop(view.key, None)
    for table in catalog.tables.values():
        table.constraints = [_retargeted(constraint, shown) for constraint in table.constraints]
    return mixed


def _shown(table: Table, through: Table, view: ShapeView) -> Table:
    filled = {found[1] for c in table.constraints if c.validated and (found := _NOT_NULL.fullmatch(c.definition))}
    columns = {
        view.names[name]: _column(column, through.columns[view.names[name]], filled=name in filled)
        for name, column in table.columns.items()
        if name in view.names
    }
    key = _key(table, view)
    constraints = [
        _renamed(c, view.names)
        for c in table.constraints
        if set(c.columns) <= view.names.keys() and not _NOT_NULL.fullmatch(c.definition)
    ]
    constraints += [key] if key else []
    indexes = [_renamed_index(i, view.names, key) for i in table.indexes if not _unseen(i, table, view)]
    triggers = [trigger for trigger in table.triggers if trigger.name != SYNC_TRIGGER]
    return replace(
        table,
        schema=view.key[0],
        name=view.key[1],
        columns={name: columns[name] for name in through.columns if name in columns},
        constraints=constraints,
        indexes=indexes,
        triggers=triggers,
        grants=through.grants,
    )


def _column(column: Column, through: Column, *, filled: bool) -> Column:
    return replace(column, null=column.null and not filled, default=column.default or through.default)


def _key(table: Table, view: ShapeView) -> LiveConstraint | None:
    """Return the primary key of the new shape: until the contract it is a unique index beside the old one."""
    old = next((c for c in table.constraints if c.kind == "p"), None)
    if old is None or set(old.columns) <= view.names.keys():
        return None
    twins = tuple(_twin(name, table) if name not in view.names else name for name in old.columns)
    if not table.is_unique(twins) or not set(twins) <= view.names.keys():
        return None
    return replace(old, columns=tuple(view.names[name] for name in twins), definition="")


def _twin(name: str, table: Table) -> str:
    """Return the column that holds the other value of an old column."""
    shadow = f"{name}{SHADOW_SUFFIX}"
    return shadow if shadow in table.columns else name.removesuffix(KEPT_SUFFIX)


def _unseen(index: LiveIndex, table: Table, view: ShapeView) -> bool:
    hidden = table.columns.keys() - view.names.keys()
    return any(re.search(rf"(?<![\w\"]){re.escape(name)}(?!\w)", index.definition) for name in hidden)


def _text(text: str, names: Mapping[str, str]) -> str:
    changed = {before: after for before, after in names.items() if before != after}
    if not changed:
        return text
    pattern = "|".join(map(re.escape, sorted(changed, key=len, reverse=True)))
    return re.sub(rf"(?<!\w)({pattern})(?!\w)", lambda found: changed[found[1]], text)


def _renamed(constraint: LiveConstraint, names: Mapping[str, str]) -> LiveConstraint:
    columns = tuple(names[name] for name in constraint.columns)
    return replace(constraint, columns=columns, definition=_text(constraint.definition, names))


def _renamed_index(index: LiveIndex, names: Mapping[str, str], key: LiveConstraint | None) -> LiveIndex:
    columns, include = (tuple(names.get(name, name) for name in part) for part in (index.columns, index.include))
    primary = index.primary or (key is not None and index.unique and not index.special and columns == key.columns)
    definition = _text(index.definition, names)
    return replace(index, columns=columns, include=include, definition=definition, primary=primary)


def _retargeted(constraint: LiveConstraint, shown: Mapping[Key, ShapeView]) -> LiveConstraint:
    view = shown.get(constraint.target) if constraint.target else None
    if view is None:
        return constraint
    columns = tuple(view.names.get(name, name) for name in constraint.target_columns)
    return replace(constraint, target=view.key, target_columns=columns)
