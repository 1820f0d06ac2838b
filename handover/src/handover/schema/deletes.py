"""What one system's deletes do to tables that it does not know, by the models and by the catalog.

Django cascades in Python, into the tables of its own models. At any other table a delete fails, unless the database
has an action for the key; where that action deletes, the keys into that table count as well.
"""

from collections.abc import Callable, Collection, Iterator

from handover.finding import Finding
from handover.schema.catalog import Catalog, Key, LiveConstraint, Table
from handover.schema.models import Description, Field, Model
from handover.side import Side
from handover.wording import identifier

IN_DATABASE = ("c", "n", "d")


def blocking(
    catalog: Catalog, roots: Collection[Key], knows: Callable[[Table, LiveConstraint], bool]
) -> list[tuple[Table, LiveConstraint]]:
    """Return the live foreign keys at which a delete in one of these tables fails.

    Parameters
    ----------
    catalog
        The live database.
    roots
        Tables that the system deletes from.
    knows
        Whether the system's own models follow a key.
    """
    unknown = [(table, key) for table, key in catalog.foreign_keys if not knows(table, key)]
    reached = set(roots)
    while grown := {t.key for t, key in unknown if key.target in reached and key.on_delete == "c"} - reached:
        reached |= grown
    return [(table, key) for table, key in unknown if key.target in reached and not acts(table, key)]


def acts(table: Table, key: LiveConstraint) -> bool:
    """Say whether the database has an ON DELETE action for a key that succeeds."""
    if key.on_delete == "n":
        return all(table.columns[name].null for name in key.columns if name in table.columns)
    return key.on_delete in IN_DATABASE


def deletable(description: Description, shared: Collection[str]) -> frozenset[str]:
    """Return the tables that a delete in a shared table can delete rows from: these tables, and those that cascade."""
    reached = set(shared)
    while grown := {
        model.table for model in own(description, reached) if any(f for f in _keys(model, reached) if _cascades(f))
    }:
        reached |= grown
    return frozenset(reached)


def own(description: Description, shared: Collection[str]) -> Iterator[Model]:
    """Yield the managed models whose tables are not among the given ones."""
    return (m for m in description.concrete() if m.managed and m.table not in shared)


def _keys(model: Model, targets: Collection[str]) -> Iterator[Field]:
    for field in model.fields:
        if field.relation and field.relation.constraint and field.references and field.references[0] in targets:
            yield field


def _cascades(field: Field) -> bool:
    return field.relation is not None and field.relation.on_delete in ("CASCADE", "DB_CASCADE")


def action(field: Field) -> str | None:
    """Return the ON DELETE action that adoption gives a key; None if people must decide."""
    rule = field.relation.on_delete if field.relation else None
    if rule and rule.startswith("DB_"):
        return rule.removeprefix("DB_").replace("_", " ")
    if rule == "CASCADE":
        return "CASCADE"
    return "SET NULL" if field.null else None


def keys(description: Description, shared: Collection[str]) -> list[tuple[Model, Field, str | None]]:
    """Return the keys of the system's own tables that make the original's deletes fail, with the missing action."""
    reached = deletable(description, shared)
    found = []
    for model in own(description, shared):
        for field in _keys(model, reached):
            rule = field.relation.on_delete if field.relation else None
            if not (rule and rule.startswith("DB_")) and not is_written(description, model, field):
                found.append((model, field, action(field)))
    return found


def is_written(description: Description, model: Model, field: Field) -> bool:
    """Say whether SQL in the system's migrations sets this key's ON DELETE action.

    Parameters
    ----------
    description
        The system.
    model, field
        The key.
    """
    texts = (op.text.casefold() for m in description.migrations for op in m.operations if op.text)
    needles = (model.table.casefold(), field.column.casefold(), "on delete")
    return any(all(needle in text for needle in needles) for text in texts)


def deletable_names(description: Description, shared: Collection[str]) -> list[str]:
    """Return the same tables as :func:`deletable`, under every name that they ever had."""
    reached = deletable(description, shared)
    operations = (op for m in description.migrations for op in m.operations if op.final in reached)
    return sorted(reached.union(*(op.tables for op in operations)))


def undecided(description: Description, shared: Collection[str]) -> Iterator[Finding]:
    """Yield the keys without CASCADE that may not be NULL: people must decide about their action."""
    for model, field, cure in keys(description, shared):
        if cure is None and field.references and field.relation:
            where = f"{model.table}.{field.column}"
            found = f"will point at {field.references[0]}, and its model says {field.relation.on_delete}"
            expected = "the original does not know that table, so its deletes would fail"
            todo = (
                f"Decide: on_delete=models.CASCADE or null=True for {model.label}.{field.name}; or by RunSQL in its"
                f" migration: {statement(model, field, 'CASCADE')}"
            )
            yield Finding(code="HO019", where=where, found=found, expected=expected, todo=todo, hurts=Side.ORIGINAL)


def statement(model: Model, field: Field, cure: str, schema: str = "") -> str:
    """Return the SQL that gives an existing key an ON DELETE action, under its present name.

    Parameters
    ----------
    model, field
        The key.
    cure
        The action, for example ``CASCADE``.
    schema
        The table's schema; empty to leave it to the search path.
    """
    assert field.references  # noqa: S101 - the caller chose a foreign key
    assert field.relation  # noqa: S101
    table = f"{identifier(schema)}.{identifier(model.table)}" if schema else identifier(model.table)
    to_table, to_column = field.references
    target = f'"public".{identifier(to_table)}' if schema else identifier(to_table)
    name = identifier(field.relation.name or f"{model.table}_{field.column}_fkey")
    return (
        f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name},"
        f" ADD CONSTRAINT {name} FOREIGN KEY ({identifier(field.column)})"
        f" REFERENCES {target} ({identifier(to_column)}) ON DELETE {cure} DEFERRABLE INITIALLY DEFERRED;"
    )
