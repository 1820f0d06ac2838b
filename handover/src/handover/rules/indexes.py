"""Indexes that look-ups rely on."""

from collections.abc import Iterator

from handover.finding import Observation, Severity
from handover.rules.registry import rule
from handover.rules.statements import listed, name_of
from handover.rules.tables import VIEWS
from handover.schema.models import Field, ModelIndex
from handover.schema.subject import Mapped, Subject
from handover.wording import identifier

RESTORE = "Restore the index: CREATE INDEX CONCURRENTLY."


def _tables(subject: Subject) -> Iterator[Mapped]:
    return (mapped for mapped in subject.looked_at if mapped.table.kind not in VIEWS)


@rule("HO018", adoption=True)
def missing(subject: Subject) -> Iterator[Observation]:
    """Every look-up has its index.

    What is wrong
    -------------
    A model declares an index on columns, or a field with `db_index=True` or a foreign key, and no valid index begins
    with these columns.

    Why it hurts
    ------------
    Queries read the whole table. With two systems on one database a slow query hurts both.

    Example
    -------
    The index on `shop_orders (customer_id, status)` was dropped.

    Mend
    ----
    Make the index. `CONCURRENTLY` does not block writes.

    ```sql
    CREATE INDEX CONCURRENTLY ON public.shop_orders USING btree (customer_id, status);
    ```
    """
    for mapped in _tables(subject):
        plain = [(i.columns, i.method) for i in mapped.model.indexes if i.columns and not i.special]
        plain += [((f.column,), "btree") for f in mapped.model.fields if f.indexed and not f.unique]
        for columns, method in dict.fromkeys(plain):
            if not set(columns) <= mapped.table.columns.keys() or mapped.table.is_indexed(columns, method=method):
                continue
            where = f"{mapped.table} ({', '.join(columns)})"
            kind = "" if method == "btree" else f" of kind {method}"
            says = f"{mapped.model.label} expects one"
            using = f"USING {method} ({listed(columns)})"
            yield Observation(
                where=where,
                found=f"has no valid index{kind}",
                expected=says,
                todo=_made(mapped, using),
                severity="risky",
                hurts=mapped.system.side,
            )


def _made(mapped: Mapped, using: str) -> str:
    return f"CREATE INDEX CONCURRENTLY ON {name_of(mapped.table)} {using};"


@rule("HO160")
def like(subject: Subject) -> Iterator[Observation]:
    """Prefix look-ups have their index.

    What is wrong
    -------------
    Django makes a second index for `LIKE` beside each index on a text, and it is not there.

    Why it hurts
    ------------
    `startswith` and the admin's search read the whole table.

    Example
    -------
    `users.username` has its unique index and no index with `varchar_pattern_ops`.

    Mend
    ----
    Make the index.

    ```sql
    CREATE INDEX CONCURRENTLY ON public.users (username varchar_pattern_ops);
    ```
    """
    for mapped in _tables(subject):
        for field, where in mapped.fields():
            served = any(i.like and i.valid and i.columns[:1] == (field.column,) for i in mapped.table.indexes)
            if _wants_like(field) and not served:
                says = f"{mapped.model.label} expects one"
                found = "has no index for LIKE"
                kind = "text" if field.type.startswith("text") else "varchar"
                todo = _made(mapped, f"({identifier(field.column)} {kind}_pattern_ops)")
                yield Observation(
                    where=where,
                    found=found,
                    expected=says,
                    todo=todo,
                    severity="risky",
                    hurts=mapped.system.side,
                )


def _wants_like(field: Field) -> bool:
    """Say whether Django's PostgreSQL backend makes an index for LIKE beside the usual one."""
    textual = field.type.startswith(("varchar", "text")) and "[" not in field.type
    return textual and (field.indexed or field.unique) and field.collation is None


@rule("HO161")
def special(subject: Subject) -> Iterator[Observation]:
    """Partial indexes and those on expressions are there.

    What is wrong
    -------------
    An index of a model with a condition, or on an expression, is missing, invalid, or of another kind.

    Why it hurts
    ------------
    Queries that rely on it read the whole table.

    Example
    -------
    `Index(fields=["placed_at"], condition=Q(paid=False), name="unpaid")` does not exist.

    Mend
    ----
    Make it. The finding shows the statement of the model.

    ```sql
    CREATE INDEX CONCURRENTLY unpaid ON public.shop_orders (placed_at) WHERE NOT paid;
    ```
    """
    for mapped in _tables(subject):
        live = {index.name: index for index in mapped.table.indexes}
        for index in mapped.model.indexes:
            if not index.special or not set(index.columns) <= mapped.table.columns.keys():
                continue
            found = live.get(index.name or "")
            if found is None or not found.valid or found.method != index.method:
                where = f"{mapped.table} ({index.name})"
                is_ = "does not exist" if found is None else f"is {_state(found.valid, found.method)}"
                gone = f"DROP INDEX {identifier(mapped.table.schema)}.{identifier(found.name)}; " if found else ""
                todo = f"{gone}{index.sql};" if index.sql else RESTORE
                yield Observation(
                    where=where,
                    found=is_,
                    expected=_expects(mapped, index),
                    todo=todo,
                    severity="risky",
                    hurts=mapped.system.side,
                )


def _state(valid: bool, method: str) -> str:  # noqa: FBT001 - a fact, not a switch
    return method if valid else "invalid"


def _expects(mapped: Mapped, index: ModelIndex) -> str:
    return f"{mapped.model.label} expects a valid one of kind {index.method}"


@rule("HO162")
def invalid(subject: Subject) -> Iterator[Observation]:
    """No index is half built.

    What is wrong
    -------------
    An index is invalid: `CREATE INDEX CONCURRENTLY` was broken off.

    Why it hurts
    ------------
    It costs every write, and no query uses it. A unique one does not cover the old rows, so duplicates may exist
    (breaking).

    Example
    -------
    The building ended with a lock timeout.

    Mend
    ----
    Build it again, or drop it if it is not wanted.

    ```sql
    REINDEX INDEX CONCURRENTLY public.shop_customer_status_idx;
    ```
    """
    for table in subject.shared_tables:
        for index in table.indexes:
            if not index.valid:
                unique = "old rows may repeat each other, and ON CONFLICT does not find it"
                expected = unique if index.unique else "it costs every write, and no query uses it"
                name = f"{identifier(table.schema)}.{identifier(index.name)}"
                todo = f"Build it again: REINDEX INDEX CONCURRENTLY {name}; or drop it if it"
                todo += " is not wanted."
                severity: Severity = "breaking" if index.unique else "risky"
                yield Observation(
                    where=f"{table} ({index.name})",
                    found="is invalid",
                    expected=expected,
                    todo=todo,
                    severity=severity,
                    hurts="both",
                )
