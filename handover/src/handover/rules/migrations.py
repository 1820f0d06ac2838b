"""Migration histories: they do not clash, and what they say is true."""

from collections.abc import Iterator, Mapping

from handover.finding import Observation, Severity, SharedCause
from handover.rules.registry import rule
from handover.rules.statements import name_of
from handover.schema.models import Migration, MigrationOperation
from handover.schema.subject import DescribedSystem, Subject
from handover.side import Side
from handover.wording import literal

MAKES_TABLE = "CreateModel"
MAKES_COLUMN = ("AddField",)
# Changes that touch no table: it does not hurt when they are not recorded.
NOTHING_IN_DATABASE = frozenset({"AlterModelOptions", "AlterModelManagers"})


def _counts_as_applied(migration: Migration, applied: frozenset[tuple[str, str]]) -> bool:
    """Say whether it is recorded, or all that it was squashed from."""
    return migration.key in applied or bool(migration.replaces and applied.issuperset(migration.replaces))


def left(subject: Subject, system: DescribedSystem) -> tuple[Migration, ...]:
    """Return the migrations that a system's ``migrate`` would run now; none when its history could not be read."""
    table = subject.history(system)
    applied = subject.rows.applied.get(table.key) if table else frozenset[tuple[str, str]]()
    if applied is None:
        return ()
    return tuple(m for m in system.description.migrations if not _counts_as_applied(m, applied))


def left_to_make(subject: Subject, system: DescribedSystem, table: str, column: str | None = None) -> Migration | None:
    """Return the migration that would make a table, or a column of one, if it is still to be run.

    Parameters
    ----------
    subject
        The input of the check.
    system
        The system whose migration it is.
    table, column
        What it makes; without a column, the table.
    """
    kinds = (MAKES_TABLE,) if column is None else MAKES_COLUMN
    for migration in left(subject, system):
        if any(
            (op.kind, op.table, op.column) == (kind, table, column) for op in migration.operations for kind in kinds
        ):
            return migration
    return None


def _histories(subject: Subject) -> Iterator[tuple[DescribedSystem, frozenset[tuple[str, str]]]]:
    """Yield what each system's Django believes to be applied, where there is a history and it could be read."""
    for system in subject.systems:
        table = subject.history(system)
        applied = subject.rows.applied.get(table.key) if table else None
        if applied is not None and (system.side == "original" or subject.adopted):
            yield system, applied


@rule("HO170")
def missing_history(subject: Subject) -> Iterator[Observation]:
    """Each system has its history.

    What is wrong
    -------------
    A system finds no `django_migrations` on its search path. Or the backend has a history of its own and finds the
    original's.

    Why it hurts
    ------------
    `migrate` takes every migration for new, or reads and writes the other system's history.

    Example
    -------
    The role `backend_app` has the search path `public`, so the backend's `migrate` finds `public.django_migrations`.

    Mend
    ----
    Let the backend's search path begin with its own schema.

    ```sql
    ALTER ROLE backend_app SET search_path = backend, public;
    ```
    """
    for system in subject.systems:
        if subject.history(system) is None and system.description.migrations and subject.adopted:
            found = f"does not exist in schema {', '.join(system.search_path)}"
            expected = f"the {system.side}'s migrate would take every migration for new"
            yield Observation(
                where="django_migrations",
                found=found,
                expected=expected,
                todo="Is this the right database?",
                hurts=system.side,
            )
    yield from _passed_over(subject)


def _passed_over(subject: Subject) -> Iterator[Observation]:
    """The backend has a history of its own and finds another."""
    schema = subject.config.backend.schema_name
    backend, own = subject.system(Side.BACKEND), subject.catalog.tables.get((schema, "django_migrations"))
    if backend is None or own is None or subject.history(backend) in (None, own):
        return
    found = f"of the backend is looked for in {', '.join(backend.search_path)}"
    expected = f"its own is {schema}.django_migrations: its migrate reads and writes the original's history"
    todo = f"Let its search_path begin with {schema}: that of the role (ALTER ROLE {backend.acts_as} SET search_path"
    todo += f" = {schema}, public), also IN DATABASE, or that in the OPTIONS of its DATABASES."
    original = subject.system(Side.ORIGINAL)
    if original and backend.acts_as in (original.role, original.acts_as):
        # A search path of the role would let the original find the backend's tables first.
        todo = "Let the backend connect as its own role (role under [backend] in handover.toml), not as the original's."
    yield Observation(where="django_migrations", found=found, expected=expected, todo=todo, hurts="both")


@rule("HO171")
def clashes(subject: Subject) -> Iterator[Observation]:
    """Two migrations of one name are one migration.

    What is wrong
    -------------
    Both systems have a migration of one app and name that does different things, and both read one history.

    Why it hurts
    ------------
    Whichever comes second counts as applied and never runs.

    Example
    -------
    `shop.0001_initial` exists in both; only the backend's adds a column.

    Mend
    ----
    Give the backend a schema of its own by `handover adopt`, or rename its migration.

    ```console
    $ handover adopt
    ```
    """
    if not subject.both or not subject.adopted:
        return
    original, backend = subject.both
    tables = [table.key for side in subject.both if (table := subject.history(side))]
    if len(tables) == len(subject.both) and len(set(tables)) > 1:
        return  # two histories cannot clash
    others = original.migrations()
    for key, migration in backend.migrations().items():
        twin = others.get(key)
        if twin and _work(twin) != _work(migration):
            found = "is another migration in each system, and both read one history"
            expected = "whichever comes second is believed to be applied and never runs"
            todo = "Give the backend a schema of its own (handover adopt), or rename its migration."
            severity = _of_clash(subject, {Side.ORIGINAL: twin, Side.BACKEND: migration})
            if severity == "safe":
                expected, todo = "it was run, and all that either makes is there", "Nothing is to be done."
            yield Observation(where=".".join(key), found=found, expected=expected, todo=todo, severity=severity)


def _of_clash(subject: Subject, twins: Mapping[Side, Migration]) -> Severity:
    """An edited file is safe if the database agrees with both versions; what SQL or code did to rows is not known."""
    for system, applied in _histories(subject):
        wanted, migration = _columns_of_models(system), twins[system.side]
        gone = any(_missing(subject, system, operation, wanted) for operation in migration.operations)
        if not _counts_as_applied(migration, applied) or gone:
            return "breaking"
    by_hand = [[op.kind for op in m.operations if op.kind in ("RunSQL", "RunPython")] for m in twins.values()]
    return "safe" if by_hand[0] == by_hand[1] else "risky"


def _work(migration: Migration) -> list[tuple[str, str | None, str | None]]:
    return [(op.kind, op.table, op.column) for op in migration.operations if op.kind not in NOTHING_IN_DATABASE]


@rule("HO172")
def lies(subject: Subject) -> Iterator[Observation]:
    """What is recorded as applied is there.

    What is wrong
    -------------
    A migration is recorded as applied, and a table or a column that it makes does not exist.

    Why it hurts
    ------------
    `migrate` will never make it, and the model's queries fail.

    Example
    -------
    `migrate --fake` was used, and the SQL was never run by hand.

    Mend
    ----
    Make what is missing, or take the row out and migrate.

    ```sql
    DELETE FROM public.django_migrations WHERE app = 'library' AND name = '0004_book_shelf';
    ```
    """
    for system, applied in _histories(subject):
        wanted = _columns_of_models(system)
        for migration in system.description.migrations:
            if not _counts_as_applied(migration, applied):
                continue
            for operation in migration.operations:
                if gone := _missing(subject, system, operation, wanted):
                    where, todo = (
                        ".".join(migration.key),
                        "Add what is missing by hand, or take the row out and migrate.",
                    )
                    found = f"is recorded as applied, but {gone} does not exist"
                    expected = f"the {system.side} will never add it"
                    many = "has migrations that are recorded as applied, but what they make does not exist"
                    cause = SharedCause(
                        where=migration.app, found=many, expected=f"the {system.side} will never add it", part=gone
                    )
                    yield Observation(
                        where=where,
                        found=found,
                        expected=expected,
                        todo=todo,
                        hurts=system.side,
                        cause=cause,
                    )


def _columns_of_models(system: DescribedSystem) -> dict[str, set[str]]:
    """Return table → columns of the models as they are now: what later migrations removed is not missed."""
    return {model.table: set(model.by_column()) for model in system.description.here() if model.managed}


def _missing(
    subject: Subject, system: DescribedSystem, operation: MigrationOperation, wanted: dict[str, set[str]]
) -> str | None:
    if operation.table is None or operation.table not in wanted:
        return None
    table = subject.catalog.find(system.search_path, operation.table)
    if operation.kind == MAKES_TABLE and table is None:
        return f"table {operation.table}"
    column = operation.column
    if operation.kind in MAKES_COLUMN and column in wanted[operation.table] and table and column not in table.columns:
        return f"column {table}.{column}"
    return None


@rule("HO173")
def pending(subject: Subject) -> Iterator[Observation]:
    """Nothing is left to migrate.

    What is wrong
    -------------
    A migration is on disk and not recorded as applied.

    Why it hurts
    ------------
    The models may be ahead of the database. The next deployment runs the migration, perhaps in the night of the
    switch.

    Example
    -------
    `library.0005_add_shelf` was merged and not deployed.

    Mend
    ----
    Run it, or find out who removed the row.

    ```console
    $ python manage.py migrate library
    ```
    """
    for system, applied in _histories(subject):
        for migration in system.description.migrations:
            if not _counts_as_applied(migration, applied):
                expected = f"the {system.side} on disk has it"
                first = _disordered(system, applied)
                needed = f"migrate refuses until {first} is recorded: do what HO175 says first." if first else ""
                todo = needed or f"Run it with the {system.side}, or find out who removed the row."
                where, found = ".".join(migration.key), "is not recorded as applied"
                many = f"the {system.side} on disk has them"
                mend = (
                    needed or f"Run migrate {migration.app} with the {system.side}, or find out who removed the rows."
                )
                found_many = "has migrations that are not recorded as applied"
                cause = SharedCause(
                    where=migration.app, found=found_many, expected=many, part=migration.name, todo=mend
                )
                yield Observation(
                    where=where,
                    found=found,
                    expected=expected,
                    todo=todo,
                    severity="risky",
                    hurts=system.side,
                    cause=cause,
                )


@rule("HO174")
def unknown(subject: Subject) -> Iterator[Observation]:
    """Whatever is applied is on disk.

    What is wrong
    -------------
    A migration is recorded as applied, and no file of the system has that name.

    Why it hurts
    ------------
    The code is older than the database, or the migration was deleted. New migrations may contradict it.

    Example
    -------
    The database was migrated by a branch that was never merged.

    Mend
    ----
    Deploy the code that the database was migrated with, or remove the row.

    ```sql
    DELETE FROM public.django_migrations WHERE app = 'library' AND name = '0006_experiment';
    ```
    """
    histories = list(_histories(subject))
    on_disk = {system.side: _names(system) for system in subject.systems}
    for system, applied in histories:
        mine = subject.history(system)
        sharing = [s for s in subject.systems if (other := subject.history(s)) and mine and other.key == mine.key]
        known = set().union(*(on_disk[s.side] for s in sharing))
        for key in sorted(applied - known):
            expected = f"no file of the {system.side} has that name: its code is older than the database"
            todo = "Deploy the code that the database was migrated with, or remove the row."
            yield Observation(
                where=".".join(key),
                found="is recorded as applied",
                expected=expected,
                todo=todo,
                severity="risky",
                hurts=system.side,
            )


def _names(system: DescribedSystem) -> set[tuple[str, str]]:
    return {name for migration in system.description.migrations for name in (migration.key, *migration.replaces)}


def _recorded(subject: Subject, system: DescribedSystem, migration: Migration) -> str:
    """Return how a migration that others need gets recorded: no ``migrate`` runs before."""
    history = subject.history(system)
    table = f"{name_of(history)}" if history else "django_migrations"
    values = f"{literal(migration.app)}, {literal(migration.name)}, now()"
    insert = f"INSERT INTO {table} (app, name, applied) VALUES ({values});"  # noqa: S608 - for a person to read
    wanted = _columns_of_models(system)
    gone = [what for op in migration.operations if (what := _missing(subject, system, op, wanted))]
    if not gone:
        return f"All that it makes is there: record it. {insert}"
    makes = f"run what `manage.py sqlmigrate {migration.app} {migration.name}` of the {system.side} prints"
    return f"{gone[0]} is missing: {makes}, then record it. {insert}"


def _disordered(system: DescribedSystem, applied: frozenset[tuple[str, str]]) -> str | None:
    """Return a migration that was not recorded although an applied one needs it; ``migrate`` refuses because of it."""
    on_disk = system.migrations()
    for migration in system.description.migrations:
        for parent in migration.parents if migration.key in applied else ():
            if parent in on_disk and not _counts_as_applied(on_disk[parent], applied):
                return ".".join(parent)
    return None


@rule("HO175")
def out_of_order(subject: Subject) -> Iterator[Observation]:
    """Each history is in order.

    What is wrong
    -------------
    A migration is recorded as applied, and one that it depends on is not.

    Why it hurts
    ------------
    Every `migrate` of that system ends with `InconsistentMigrationHistory`, so nothing can be deployed.

    Example
    -------
    `AUTH_USER_MODEL` was changed after the first migration: `admin.0001_initial` is recorded before
    `users.0001_initial`.

    Mend
    ----
    If all that the missing migration makes is there, record it. Else run its SQL first; the finding says which.

    ```sql
    INSERT INTO public.django_migrations (app, name, applied) VALUES ('users', '0001_initial', now());
    ```
    """
    for system, applied in _histories(subject):
        on_disk = system.migrations()
        for migration in system.description.migrations:
            if migration.key not in applied:
                continue
            for parent in migration.parents:
                if parent in on_disk and not _counts_as_applied(on_disk[parent], applied):
                    found = f"is recorded as applied before {'.'.join(parent)}, which it needs"
                    expected = f"every migrate of the {system.side} ends with InconsistentMigrationHistory"
                    todo = _recorded(subject, system, on_disk[parent])
                    yield Observation(
                        where=".".join(migration.key),
                        found=found,
                        expected=expected,
                        todo=todo,
                        hurts=system.side,
                    )
