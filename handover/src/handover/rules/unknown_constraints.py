"""Constraints that a model does not know: its writes may fail at them."""

from collections.abc import Iterator

from handover.finding import Observation
from handover.rules.constraints import is_positive_check, unique_columns
from handover.rules.registry import rule
from handover.rules.statements import alter
from handover.schema.catalog import LiveConstraint, LiveIndex
from handover.schema.models import Model
from handover.schema.subject import Mapped, Subject
from handover.wording import identifier


@rule("HO150")
def unknown_unique(subject: Subject) -> Iterator[Observation]:
    """No unknown uniqueness.

    What is wrong
    -------------
    A unique index or constraint forbids duplicates, and a model does not know it.

    Why it hurts
    ------------
    A write that is right for the model fails with `IntegrityError`. Forms do not warn before.

    Example
    -------
    `CREATE UNIQUE INDEX once_a_day ON shop_orders (lower(order_id))`, made by hand.

    Mend
    ----
    Add it to the model of both systems, or drop it until both know it.

    ```sql
    DROP INDEX public.once_a_day;
    ```
    """
    for mapped in subject.on_shared:
        known = [set(columns) for columns in [*unique_columns(mapped.model), mapped.model.key]]
        names = {constraint.name for constraint in mapped.model.constraints}
        for index in mapped.table.indexes:
            implied = not index.special and any(columns <= set(index.columns) for columns in known)
            known_by_name = index.name in names or index.name in mapped.system.by_hand
            known_to_model = known_by_name or implied or _left_null(mapped, index)
            if index.unique and not index.primary and not known_to_model:
                found = f"forbids duplicates of {', '.join(index.columns) or 'an expression'}"
                expected = f"{mapped.model.label} does not know that: its writes may fail"
                drop = f"DROP INDEX {identifier(mapped.table.schema)}.{identifier(index.name)};"
                if any(c.name == index.name for c in mapped.table.constraints):
                    drop = alter(mapped.table, f"DROP CONSTRAINT {identifier(index.name)}")
                todo = f"Add it to the model, or, until both systems know it: {drop}"
                where = f"{mapped.table} ({index.name})"
                yield Observation(where=where, found=found, expected=expected, todo=todo, hurts=mapped.system.side)


def _left_null(mapped: Mapped, index: LiveIndex) -> bool:
    """Whether the model writes no column of an index, and one of them stays NULL then: that is no duplicate."""
    if index.special or not index.nulls_distinct or {field.column for field in mapped.model.fields} & {*index.columns}:
        return False
    columns = [mapped.table.columns[name] for name in index.columns]
    return any(column.null and not column.supplied for column in columns)


@rule("HO151")
def unknown_checks(subject: Subject) -> Iterator[Observation]:
    """No unknown check.

    What is wrong
    -------------
    A check or an exclusion constraint is on the table, and a model does not know it.

    Why it hurts
    ------------
    A write that is right for the model fails with `IntegrityError`.

    Example
    -------
    `CHECK (quantity < 1000)` on `shop_orders`, made by the original's SQL.

    Mend
    ----
    Add it to both models, or drop it until both know it.

    ```sql
    ALTER TABLE public.shop_orders DROP CONSTRAINT not_many;
    ```
    """
    for mapped in subject.on_shared:
        names = {constraint.name for constraint in mapped.model.constraints}
        for check in mapped.table.constraints:
            known = check.name in names or check.name in mapped.system.by_hand or _of_positive(mapped.model, check)
            if check.kind not in ("c", "x") or known:
                continue
            expected = f"{mapped.model.label} does not know that: its writes may fail"
            drop = alter(mapped.table, f"DROP CONSTRAINT {identifier(check.name)}")
            todo = f"Add it to the model, or, until both systems know it: {drop}"
            where = f"{mapped.table} ({check.name})"
            yield Observation(
                where=where,
                found=f"demands {check.definition}",
                expected=expected,
                todo=todo,
                hurts=mapped.system.side,
            )


def _of_positive(model: Model, check: LiveConstraint) -> bool:
    """Say whether this is the check that Django makes for a positive integer."""
    if len(check.columns) != 1:
        return False
    field = model.by_column().get(check.columns[0])
    return field is not None and field.kind.startswith("Positive") and is_positive_check(check)
