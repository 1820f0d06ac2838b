"""Which migrations of the backend the live database has already, and which must run.

Two histories on one database collide by name, so a migration's name says nothing about a table. A model is followed
through all its renames. If its last table is live, its whole history counts as applied, and the rules compare the model
with the live catalog. What a migration does outside the shared tables must run.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from handover.finding import Finding
from handover.schema.models import Migration, MigrationOperation

Key = tuple[str, str]


@dataclass(frozen=True)
class MigrationHistory:
    """What is done with each migration.

    Attributes
    ----------
    copied
        Their apps are shared by both systems; the rows come from the live history.
    recorded
        Their effect is there already; they are only recorded.
    own
        Their operations outside the shared tables run as the backend's role.
    later
        ``handover.toml`` leaves them for ``manage.py migrate``; with the migrations that depend on them.
    chosen
        Own migration → the numbers of the operations that are run.
    skipped
        Operations of recorded migrations that do not run again, one line each.
    refused
        Why the others cannot be adopted.
    """

    copied: tuple[Key, ...] = ()
    recorded: tuple[Key, ...] = ()
    own: tuple[Key, ...] = ()
    later: tuple[Key, ...] = ()
    chosen: Mapping[Key, tuple[int, ...]] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()
    refused: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class LiveState:
    """The live database, as migrations are compared with it.

    Attributes
    ----------
    tables
        Names of the tables of the live schema ``public``.
    applied
        (app, name) pairs of ``public.django_migrations``.
    recorded, later
        The migrations (``app.name``) that ``handover.toml`` calls ``already_true`` and ``migrate_later``.
    alike
        Applied migrations that both systems have unchanged.
    """

    tables: Collection[str]
    applied: frozenset[Key] = frozenset()
    recorded: frozenset[str] = frozenset()
    later: frozenset[str] = frozenset()
    alike: frozenset[Key] = frozenset()


def classify(migrations: tuple[Migration, ...], live: LiveState) -> MigrationHistory:
    """Sort migrations, given in the order Django would apply them, into what adoption does with each."""
    sorting = _Sorting(migrations, live)
    for migration in migrations:
        sorting.take(migration)
    sorting.find_newer_migrations()
    sorting.find_unknown_names()
    return MigrationHistory(
        **{kind: tuple(keys) for kind, keys in sorting.kinds.items()},
        chosen=sorting.chosen,
        skipped=tuple(sorting.skipped),
        refused=tuple(sorting.refused),
    )


class _Sorting:
    def __init__(self, migrations: tuple[Migration, ...], live: LiveState) -> None:
        self.migrations, self.live = migrations, live
        contrib = {m.app for m in migrations if m.module.startswith("django.contrib.")}
        self.both = contrib & {app for app, _ in live.applied}
        self.mirrored = _mirrored_apps(migrations, live)
        self.kinds: dict[str, list[Key]] = {"copied": [], "recorded": [], "own": [], "later": []}
        self.chosen: dict[Key, tuple[int, ...]] = {}
        self.skipped: list[str] = []
        self.refused: list[Finding] = []

    def take(self, migration: Migration) -> None:
        if migration.app in self.both:
            self._of_both(migration)
        elif ".".join(migration.key) in self.live.recorded:
            self._record(migration)
        elif ".".join(migration.key) in self.live.later or set(migration.parents) & set(self.kinds["later"]):
            self._later(migration)
        else:
            self._of_backend(migration)

    def _of_both(self, migration: Migration) -> None:
        if migration.key in self.live.applied:
            self.kinds["copied"].append(migration.key)
            return
        what = "is not applied, but the backend's Django needs it: the live tables are older than its code"
        todo = "Run it with the original first, or use its Django version in the backend."
        self.refused.append(Finding(code="HO022", where=".".join(migration.key), found=what, expected="", todo=todo))

    def _record(self, migration: Migration) -> None:
        self.kinds["recorded"].append(migration.key)
        for operation in migration.operations:
            if not _is_mirror(operation, self.live) and not operation.nothing:
                self.skipped.append(f"{'.'.join(migration.key)}: {operation.name or operation.kind} ({migration.file})")

    def _later(self, migration: Migration) -> None:
        mirrors = [op for op in migration.operations if _is_mirror(op, self.live) and not op.nothing]
        if not mirrors:
            self.kinds["later"].append(migration.key)
            return
        what = f"cannot run later: its {mirrors[0].name} would change or create the shared table {mirrors[0].table}"
        todo = f"Move that operation of {migration.file} to a separate migration, which adoption records."
        self.refused.append(Finding(code="HO041", where=".".join(migration.key), found=what, expected="", todo=todo))

    def _of_backend(self, migration: Migration) -> None:
        if moved := _moves_shared(migration, self.live):
            self.refused.append(moved)
            return
        beside = [
            (number, op)
            for number, op in enumerate(migration.operations)
            if not op.nothing and not _is_mirror(op, self.live)
        ]
        makes_no_table = all(not op.tables or _is_removed_later(op) for _, op in beside)
        if makes_no_table and migration.key in self.live.alike:
            self._record(migration)
        elif makes_no_table and migration.app in self.mirrored:
            self._of_mirror(migration, [op for _, op in beside if not op.tables])
        elif beside:
            self.kinds["own"].append(migration.key)
            self.chosen[migration.key] = tuple(number for number, _ in beside)
        else:
            self.kinds["recorded"].append(migration.key)

    def _of_mirror(self, migration: Migration, operations: list[MigrationOperation]) -> None:
        """Sort a migration of an app whose tables are all shared: its code or SQL is about shared rows."""
        if not operations or migration.key in self.live.applied:
            self._record(migration)
            return
        what = f"does {', '.join(op.name or op.kind for op in operations)} in {migration.file}"
        expected = f"all tables of {migration.app} are shared, and the live history does not have it"
        name = ".".join(migration.key)
        todo = (
            f'If the live rows have its effect already: already_true = ["{name}"] under [backend] in handover.toml.'
            f' If it may run after the adoption, as the backend\'s role: migrate_later = ["{name}"].'
        )
        self.refused.append(Finding(code="HO040", where=name, found=what, expected=expected, todo=todo))

    def find_newer_migrations(self) -> None:
        on_disk = {m.key for m in self.migrations}
        for app, name in sorted(self.live.applied - on_disk):
            if app in self.both:
                what = "is applied, and the backend's Django does not have it: the live tables are newer than its code"
                self.refused.append(
                    Finding(
                        code="HO023",
                        where=f"{app}.{name}",
                        found=what,
                        expected="",
                        todo="Upgrade Django in the backend.",
                    )
                )

    def find_unknown_names(self) -> None:
        on_disk = {".".join(m.key) for m in self.migrations}
        for name in sorted((self.live.recorded | self.live.later) - on_disk):
            what = "is named under [backend] in handover.toml, and the backend has no such migration"
            self.refused.append(
                Finding(
                    code="HO041",
                    where=name,
                    found=what,
                    expected="",
                    todo="Correct the name: app label, dot, file name.",
                )
            )


def _is_mirror(operation: MigrationOperation, live: LiveState) -> bool:
    """Say whether an operation is about a shared table: the last table of its model, or a former one if it has none."""
    if operation.final is None:
        return any(table in live.tables for table in operation.tables)
    return operation.final in live.tables


def _is_removed_later(operation: MigrationOperation) -> bool:
    """Say whether an operation is about a model that a later migration removes, so that nothing of it stays."""
    return bool(operation.tables) and operation.final is None


def _mirrored_apps(migrations: tuple[Migration, ...], live: LiveState) -> frozenset[str]:
    about: dict[str, list[bool]] = {}
    for migration in migrations:
        for operation in migration.operations:
            if operation.tables and not operation.nothing and not _is_removed_later(operation):
                about.setdefault(migration.app, []).append(_is_mirror(operation, live))
    return frozenset(app for app, mirrors in about.items() if all(mirrors))


def _moves_shared(migration: Migration, live: LiveState) -> Finding | None:
    for operation in migration.operations:
        before = [table for table in operation.tables if table in live.tables]
        if operation.final is None or operation.final in live.tables or not before or operation.nothing:
            continue
        what = f"renames the live table {before[0]} to {operation.final}, by {operation.name or operation.kind}"
        expected = "the original would no longer find it"
        todo = f"Keep db_table = {before[0]!r} until the original is gone, or rename the backend's own table."
        return Finding(
            code="HO024",
            where=".".join(migration.key),
            found=what,
            expected=expected,
            todo=f"{todo} See {migration.file}.",
        )
    return None
