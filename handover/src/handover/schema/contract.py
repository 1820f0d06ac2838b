"""Do the models of the system that takes over fit the live tables? One finding for each way they do not."""

import re
from collections.abc import Iterator

from handover.errors import Finding
from handover.schema.catalog import Catalog, Column
from handover.schema.models import Field, Model

_INTEGERS = frozenset({"smallint", "integer", "bigint"})
# Django writes a few types in the short spelling; the catalog always uses the long one.
_LONG_SPELLING = {
    "varchar": "character varying",
    "timestamptz": "timestamp with time zone",
    "bool": "boolean",
}


def differences(
    catalog: Catalog, shared: tuple[Model, ...], new_columns: frozenset[tuple[str, str]]
) -> tuple[Finding, ...]:
    """Compare models with live tables.

    Parameters
    ----------
    catalog
        The live schema ``public``.
    shared
        The models whose tables are shared.
    new_columns
        (table, column) pairs that adoption will add and that may be missing now.

    Returns
    -------
    tuple of Finding
        Empty when the models fit.
    """
    findings = [f for model in shared for f in _of_model(catalog, model, new_columns)]
    findings += _unknown_references(catalog, {model.table for model in shared})
    return tuple(findings)


def canonical_type(type_name: str) -> str:
    """Return a database type in the catalog's spelling.

    Examples
    --------
    >>> canonical_type("varchar(36)")
    'character varying(36)'
    """
    name, rest = re.fullmatch(r"([^(]*)(.*)", type_name.lower()).groups()  # type: ignore[union-attr]
    return _LONG_SPELLING.get(name, name) + rest


def _of_model(catalog: Catalog, model: Model, new: frozenset[tuple[str, str]]) -> Iterator[Finding]:
    live = catalog.columns[model.table]
    for field in model.fields:
        if field.column in live:
            yield from _of_column(catalog, model, field, live[field.column])
        elif (model.table, field.column) not in new:
            what = f"does not exist; {model.label} reads and writes it."
            todo = "Correct the model, or list it under new_fields in handover.toml if it is an addition."
            yield Finding("HO011", f"{model.table}.{field.column}", what, todo)
    known = {field.column for field in model.fields}
    for column, facts in live.items():
        if column not in known and not facts.null and not facts.supplied:
            what = f"is NOT NULL without a default, and {model.label} does not know it: its inserts will fail."
            yield Finding("HO014", f"{model.table}.{column}", what, "Add the field to the model.")
    yield from _of_keys(catalog, model, new)


def _of_column(catalog: Catalog, model: Model, field: Field, live: Column) -> Iterator[Finding]:
    where = f"{model.table}.{field.column}"
    expected = canonical_type(field.type)
    # Migrations make the key of a many-to-many table by DEFAULT_AUTO_FIELD, running code by the app's own setting,
    # so Django's auth differs from its own tables. Nobody but the database ever writes that key.
    automatic = model.made_for is not None and field.primary_key and {live.type, expected} <= _INTEGERS
    if live.type != expected and not automatic:
        what = f"is {live.type}; {model.label} expects {expected}."
        yield Finding("HO012", where, what, "Revert the column, or correct the model.")
    if live.null != field.null:
        is_, expects = ("NULL" if live.null else "NOT NULL"), ("NULL" if field.null else "NOT NULL")
        what = f"is {is_}; {model.label} expects {expects}."
        yield Finding("HO013", where, what, "Revert the column, or correct the model.")
    if field.references:
        found = [k for k in catalog.foreign_keys if (k.table, k.column) == (model.table, field.column)]
        if field.references not in [(key.target_table, key.target_column) for key in found]:
            what = f"has no foreign key to {'.'.join(field.references)}; {model.label} relies on it."
            yield Finding("HO017", where, what, "Restore the constraint: orphan rows are possible without it.")


def _of_keys(catalog: Catalog, model: Model, new: frozenset[tuple[str, str]]) -> Iterator[Finding]:
    primary = tuple(f.column for f in model.fields if f.primary_key)
    if catalog.primary_keys.get(model.table) != primary:
        live = ", ".join(catalog.primary_keys.get(model.table, ())) or "nothing"
        what = f"has its primary key on {live}; {model.label} expects {', '.join(primary)}."
        yield Finding("HO015", model.table, what, "Revert the key, or correct the model.")
    unique = [*model.unique, *((f.column,) for f in model.fields if f.unique)]
    for columns in unique:
        if columns not in catalog.uniques.get(model.table, set()):
            what = f"is not unique; {model.label} expects it to be."
            yield Finding("HO016", f"{model.table} ({', '.join(columns)})", what, "Restore the unique index.")
    indexed = [*model.indexes, *((f.column,) for f in model.fields if f.indexed and not f.unique)]
    for columns in indexed:
        is_new = any((model.table, column) in new for column in columns)
        if not is_new and columns not in catalog.indexes.get(model.table, set()):
            what = f"has no valid index; {model.label} expects one."
            yield Finding("HO018", f"{model.table} ({', '.join(columns)})", what, "Restore the index.")


def _unknown_references(catalog: Catalog, shared: set[str]) -> Iterator[Finding]:
    """Foreign keys from tables the system does not know: Django cannot cascade there, so its deletes fail."""
    for key in catalog.foreign_keys:
        if key.target_table in shared and key.table not in shared and not key.deletes_in_database:
            what = f"points at {key.target_table} without ON DELETE, and the backend does not know that table: "
            todo = "Install the app that owns the table in the backend (its models are enough)."
            yield Finding("HO019", f"{key.schema}.{key.table}.{key.column}", what + "its deletes will fail.", todo)
