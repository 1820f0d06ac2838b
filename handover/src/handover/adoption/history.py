"""Which migration of the incoming system is already true of the live database, and which has to run.

Two histories on one database collide by name alone, so nothing is decided by name: a migration counts as applied
because every table and column it would make is there.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from handover.errors import Finding
from handover.schema.models import Migration, Operation

Key = tuple[str, str]

# On a shared table these change nothing that a verified catalog does not already have.
_ALREADY_TRUE = frozenset(
    {"CreateModel", "AddIndex", "AddConstraint", "AlterModelOptions", "AlterModelManagers", "AlterModelTable"}
    | {"AlterUniqueTogether", "AlterIndexTogether", "AddField", "AlterField"}
)


@dataclass(frozen=True)
class History:
    """What becomes of each migration.

    Attributes
    ----------
    copied
        Of apps that both systems share: taken over from the live history.
    recorded
        Of mirrored models: true already, only written down.
    own
        Make the system's own tables; run as its role.
    additive
        Add nullable columns to shared tables; run by the tables' owner.
    refused
        Would do something else to a shared table, or cannot be shown as SQL.
    """

    copied: tuple[Key, ...]
    recorded: tuple[Key, ...]
    own: tuple[Key, ...]
    additive: tuple[Key, ...]
    refused: tuple[Finding, ...]


@dataclass(frozen=True)
class Live:
    """What migrations are judged by.

    Attributes
    ----------
    columns
        Table of the live schema ``public`` → its columns.
    shared
        Names of the shared tables.
    new_columns
        (table, column) pairs that may be added.
    applied
        (app, name) pairs of ``public.django_migrations``.
    """

    columns: Mapping[str, Collection[str]]
    shared: frozenset[str]
    new_columns: frozenset[tuple[str, str]]
    applied: frozenset[Key]


def classify(migrations: tuple[Migration, ...], live: Live) -> History:
    """Sort migrations, given in the order Django would apply them, into what adoption does with each."""
    kinds: dict[str, list[Key]] = {"copied": [], "recorded": [], "own": [], "additive": []}
    refused: list[Finding] = []
    contrib = {m.app for m in migrations if m.module.startswith("django.contrib.")}
    both = contrib & {app for app, _ in live.applied}
    for migration in migrations:
        verdict = _of_both(migration, live) if migration.app in both else _of_backend(migration, live)
        if isinstance(verdict, Finding):
            refused.append(verdict)
        else:
            kinds[verdict].append(migration.key)
    on_disk = {m.key for m in migrations}
    for app, name in sorted(live.applied - on_disk):
        if app in both:
            what = "is applied, and the backend's Django does not have it: the live tables are newer than its code"
            refused.append(Finding("HO023", f"{app}.{name}", what, "", "Upgrade Django in the backend."))
    return History(**{kind: tuple(keys) for kind, keys in kinds.items()}, refused=tuple(refused))


def _of_both(migration: Migration, live: Live) -> str | Finding:
    if migration.key in live.applied:
        return "copied"
    what = "is not applied, but the backend's Django needs it: the live tables are older than its code"
    todo = "Run it with the original first, or use its Django version in the backend."
    return Finding("HO022", ".".join(migration.key), what, "", todo)


def _of_backend(migration: Migration, live: Live) -> str | Finding:
    touching = [op for op in migration.operations if op.table in live.shared]
    if not touching:
        return _own(migration)
    if len(touching) == len(migration.operations):
        if all(_is_true(op, live) for op in touching):
            return "recorded"
        if all(_is_addition(op, live) for op in touching):
            return "additive"
    names = ", ".join(sorted({op.table for op in touching if op.table}))
    what = f"does more to {names} than add a declared nullable column; the original may not survive that"
    todo = "Move it to a migration of its own, after the original is gone; list additions under new_fields."
    return Finding("HO024", ".".join(migration.key), what, "", todo)


def _own(migration: Migration) -> str | Finding:
    if all(op.sql for op in migration.operations):
        return "own"
    what = "runs Python code, which cannot be shown as SQL and reviewed"
    return Finding("HO025", ".".join(migration.key), what, "", "Write it with RunSQL.")


def _is_true(operation: Operation, live: Live) -> bool:
    if operation.kind not in _ALREADY_TRUE or operation.table is None or operation.table not in live.columns:
        return False
    return operation.column is None or operation.column in live.columns[operation.table]


def _is_addition(operation: Operation, live: Live) -> bool:
    if operation.kind != "AddField" or operation.table is None or operation.column is None or not operation.null:
        return False
    there = operation.column in live.columns[operation.table]
    return not there and (operation.table, operation.column) in live.new_columns
