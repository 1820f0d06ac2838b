"""Migrations that are still to run: what they change must be there."""

from collections.abc import Iterator

from handover.finding import Observation
from handover.rules.migrations import _counts_as_applied, _histories
from handover.rules.registry import rule
from handover.schema.models import Migration, MigrationOperation
from handover.schema.subject import DescribedSystem, Subject

# SQL and Python may make anything, so nothing can be foreseen after them.
OPAQUE = frozenset({"RunSQL", "RunPython"})
RENAMES = frozenset({"RenameModel", "AlterModelTable"})


@rule("HO109")
def sources(subject: Subject) -> Iterator[Observation]:
    """What is left to migrate finds what it changes.

    What is wrong
    -------------
    A migration that is not applied would rename or change a table or a column that does not exist.

    Why it hurts
    ------------
    `migrate` fails there, and everything after it is not run.

    Example
    -------
    `shop.0005` renames `shop_order` to `shop_orders`, and only `shop_orders` exists.

    Mend
    ----
    Is it the right database? If the work of the migration is done already, record it.

    ```console
    $ python manage.py migrate --fake shop.0005
    ```
    """
    for system, applied in _histories(subject):
        foreseen = _Foreseen(subject, system)
        for migration in system.description.migrations:
            if not _counts_as_applied(migration, applied) and (gone := foreseen.missing(migration)):
                found = f"would {gone[0]}, but {gone[1]} does not exist"
                expected = f"the {system.side}'s migrate fails there"
                todo = (
                    "Is this the right database? Find what became of it; if its work is done already, record it: "
                    f"migrate --fake {migration.app} {migration.name}."
                )
                yield Observation(
                    where=".".join(migration.key),
                    found=found,
                    expected=expected,
                    todo=todo,
                    hurts=system.side,
                )


class _Foreseen:
    """The tables as the migrations that are left will find them, one after another."""

    def __init__(self, subject: Subject, system: DescribedSystem) -> None:
        self._subject, self._side = subject, system
        self._columns: dict[str, set[str] | None] = {}  # None: an earlier migration made it; its columns are not known
        self._gone: set[str] = set()
        self._opaque = False

    def missing(self, migration: Migration) -> tuple[str, str] | None:
        """Return what a migration would do and what it does not find, and go on behind it."""
        for operation in migration.operations:
            self._opaque |= operation.kind in OPAQUE
            if self._opaque:
                return None
            if operation.needs and (lacking := self._lacking(*operation.needs)):
                return _verb(operation), lacking
            self._done(operation)
        return None

    def _known(self, table: str) -> set[str] | bool:
        """Return the columns of a table; True when it is there and its columns are not known, else False."""
        if table in self._columns:
            columns = self._columns[table]
            return True if columns is None else columns
        live = None if table in self._gone else self._subject.catalog.find(self._side.search_path, table)
        return set(live.columns) if live else False

    def _lacking(self, table: str, column: str | None = None) -> str | None:
        known = self._known(table)
        if known is False:
            return f"table {table}"
        if column is not None and isinstance(known, set) and column not in known:
            return f"column {table}.{column}"
        return None

    def _done(self, operation: MigrationOperation) -> None:
        if operation.kind == "CreateModel" and operation.table:
            self._columns[operation.table] = None
        if not operation.needs:
            return
        source = operation.needs[0]
        known = self._known(source)
        if operation.kind in RENAMES and operation.becomes and operation.becomes != source:
            self._columns[operation.becomes] = known if isinstance(known, set) else None
        if operation.kind == "DeleteModel" or (operation.kind in RENAMES and operation.becomes != source):
            self._columns.pop(source, None)
            self._gone.add(source)
        elif operation.kind in ("AddField", "RenameField", "AlterField"):
            self._columns[source] = None  # with a column more, or one of another name


def _verb(operation: MigrationOperation) -> str:
    if operation.kind in RENAMES:
        return f"rename {operation.needs[0]} to {operation.becomes}"
    what = operation.kind.replace("Field", " of a field").replace("Model", " of a model")
    return f"do {what} on {operation.needs[0]}"
