"""Columns of shared tables that one system's model does not know."""

from collections.abc import Iterator

from handover.finding import Observation
from handover.rules.registry import rule
from handover.rules.statements import alter
from handover.rules.tables import VIEWS
from handover.schema.subject import Mapped, Subject
from handover.wording import identifier


def _unknown(subject: Subject) -> Iterator[tuple[Mapped, str, bool]]:
    """Yield each live column of a shared table that a side does not know, and whether the other side does."""
    for mapped in subject.on_shared:
        mine = mapped.model.by_column()
        theirs = subject.known.get(mapped.system.other, {}).get(mapped.table.key)
        for column in mapped.table.columns:
            if column not in mine:
                yield mapped, column, theirs is not None and column in theirs.by_column()


@rule("HO014", adoption=True)
def unwritten(subject: Subject) -> Iterator[Observation]:
    """Every required column is written by both systems.

    What is wrong
    -------------
    A column is NOT NULL and has no default, and one system's model does not know it.

    Why it hurts
    ------------
    Each insert of that system leaves the column empty and fails.

    Example
    -------
    `orders.added` is NOT NULL; only the original has the field.

    Mend
    ----
    Add the field to the model, or let the column be empty.

    ```sql
    ALTER TABLE public.orders ALTER added DROP NOT NULL;
    ```
    """
    for mapped, name, _ in _unknown(subject):
        column = mapped.table.columns[name]
        if not column.null and not column.supplied and mapped.table.kind not in VIEWS:
            expected = f"{mapped.model.label} does not know it: its inserts will fail"
            todo = "Add the field to the model, or: " + alter(mapped.table, f"ALTER {identifier(name)} DROP NOT NULL")
            where = f"{mapped.table}.{name}"
            yield Observation(
                where=where,
                found="is NOT NULL without a default",
                expected=expected,
                todo=todo,
                hurts=mapped.system.side,
            )


@rule("HO130")
def nullable_addition(subject: Subject) -> Iterator[Observation]:
    """A new nullable column is safe.

    What is wrong
    -------------
    Nothing. A column is nullable, and one system's model does not know it.

    Why it hurts
    ------------
    It does not hurt: the inserts of that system leave the column NULL. It is reported so that the team knows it.

    Example
    -------
    `shop_orders.courier_reference`, which only the backend uses.

    Mend
    ----
    Nothing is to be done. Code of the other system must accept NULL there.
    """
    for mapped, name, other_knows in _unknown(subject):
        if mapped.table.columns[name].null and not (mapped.system.side == "backend" and other_knows):
            found = f"is nullable, and {mapped.model.label} does not know it"
            where = f"{mapped.table}.{name}"
            yield Observation(
                where=where,
                found=found,
                expected="its inserts leave it NULL",
                todo="Nothing is to be done.",
                severity="safe",
                hurts=mapped.system.side,
            )


@rule("HO131")
def supplied_addition(subject: Subject) -> Iterator[Observation]:
    """A default in the database is accepted first.

    What is wrong
    -------------
    A column is NOT NULL and the database fills it (a default, an identity or a generated column). One system's model
    does not know it.

    Why it hurts
    ------------
    The inserts of that system work only as long as the database fills the column. If someone drops the default, they
    fail.

    Example
    -------
    `orders.added` is `NOT NULL DEFAULT 'x'`, and the backend has no such field.

    Mend
    ----
    Accept it, or let the column be empty.

    ```sql
    ALTER TABLE public.orders ALTER added DROP NOT NULL;
    ```
    """
    for mapped, name, _ in _unknown(subject):
        column = mapped.table.columns[name]
        if not column.null and column.supplied:
            found = f"is NOT NULL and filled by the database ({column.default or 'generated'})"
            expected = f"{mapped.model.label} does not know it and relies on that"
            todo = "Accept it in the contract, or: " + alter(mapped.table, f"ALTER {identifier(name)} DROP NOT NULL")
            yield Observation(
                where=f"{mapped.table}.{name}",
                found=found,
                expected=expected,
                todo=todo,
                severity="risky",
                hurts=mapped.system.side,
            )


@rule("HO133")
def forgotten(subject: Subject) -> Iterator[Observation]:
    """The backend knows every column of the original.

    What is wrong
    -------------
    The original writes a nullable column, and the backend's model does not know it.

    Why it hurts
    ------------
    Rows that the backend makes have no value there. Pages and jobs of the original that use the column miss it.

    Example
    -------
    `users.bio` is a field of the original only.

    Mend
    ----
    Add the field to the backend's model, with the original's options.

    ```python
    bio = models.TextField(null=True, blank=True)
    ```
    """
    for mapped, name, other_knows in _unknown(subject):
        if mapped.system.side == "backend" and other_knows and mapped.table.columns[name].null:
            found = "is written by the original alone"
            expected = f"{mapped.model.label} does not know it, so its rows have no value there"
            yield Observation(
                where=f"{mapped.table}.{name}",
                found=found,
                expected=expected,
                todo="Add the field to the model.",
                severity="risky",
                hurts="both",
            )
