"""Tables and the models that stand for them."""

from collections.abc import Iterator

from handover.finding import Observation, Severity, SharedCause
from handover.rules.migrations import left_to_make
from handover.rules.registry import rule
from handover.rules.statements import alter, name_of
from handover.schema.catalog import Table, name_parts
from handover.schema.models import Model
from handover.schema.subject import DescribedSystem, Subject
from handover.wording import page_address

VIEWS = ("v", "m", "f")
ADOPT_BY_HAND = "Make the role, the schema and the history by hand, then check again: " + page_address(
    "howto/adopt-a-live-database", "Tables in another schema"
)


@rule("HO010")
def missing(subject: Subject) -> Iterator[Observation]:
    """Every model has its table.

    What is wrong
    -------------
    A model's table does not exist on the search path of its system.

    Why it hurts
    ------------
    Every query of the model fails.

    Example
    -------
    `shop_orders` was renamed by hand.

    Mend
    ----
    Run the migration that makes it, if one is left; `handover adopt` makes the backend's own tables. Else restore the
    table.

    ```console
    $ python manage.py migrate shop
    ```
    """
    for system, model in subject.absent:
        managed, declared = model.managed, subject.declares(model)
        if system.side == "backend" and not subject.adopted and not declared:
            continue  # adoption will make it
        where = f"in schema {', '.join(_looks_in(subject, system))}"
        found, expected = f"does not exist {where}", f"{model.label} reads and writes it"
        todo = _todo_for(subject, system, model)
        many, read = f"has tables that do not exist {where}", f"the {system.side} reads and writes them"
        cause = SharedCause(where=f"app {model.app_label}", found=many, expected=read, part=model.table)
        # No migration makes the table of an unmanaged model; whether it should exist is not known.
        severity: Severity = "breaking" if managed or declared else "unseen"
        yield Observation(
            where=model.table,
            found=found,
            expected=expected,
            todo=todo,
            severity=severity,
            hurts=system.side,
            cause=cause,
        )


def _looks_in(subject: Subject, system: DescribedSystem) -> tuple[str, ...]:
    there = tuple(schema for schema in system.search_path if schema in subject.catalog.schemas)
    return there or system.search_path


def _todo_for(subject: Subject, system: DescribedSystem, model: Model) -> str:
    """Return what makes a missing table; only what is left to do is advised."""
    if not model.managed:
        return f"migrate makes no table for {model.label} (unmanaged). Make it, or accept it if the model has no rows."
    awaits = system.side == "backend" and subject.config.backend.schema_name not in subject.catalog.schemas
    if awaits and not subject.declares(model):
        return "handover adopt shows how the backend's own tables are made; then check again."
    if migration := left_to_make(subject, system, model.table):
        return f"Run the migrations of the {system.side}: {'.'.join(migration.key)} makes it."
    return "Is this the right database? No migration is left that makes it: restore the table."


@rule("HO100")
def not_adopted(subject: Subject) -> Iterator[Observation]:
    """The backend is adopted.

    What is wrong
    -------------
    The backend's schema does not exist yet.

    Why it hurts
    ------------
    The backend keeps its history and its own tables there. Until then it cannot run, and some rules have nothing to
    look at.

    Example
    -------
    A first `handover check` of a new pair.

    Mend
    ----
    See what an adoption would do, apply it, and check again.

    ```console
    $ handover adopt
    $ handover adopt --apply
    ```

    Where the shared tables are in another schema than `public`, take the backend in by hand, as the guide to the
    adoption of a live database describes.
    """
    if not subject.adopted:
        homes = [subject.catalog.schemas_of(pair.table) for pair in subject.config.models]
        by_hand = any(schemas and "public" not in schemas for schemas in homes)
        found = "does not exist yet"
        expected = "the backend keeps its history and its own tables there"
        todo = ADOPT_BY_HAND if by_hand else "handover adopt shows what it would do; then check again."
        yield Observation(
            where=f"schema {subject.config.backend.schema_name}",
            found=found,
            expected=expected,
            todo=todo,
            severity="risky",
        )


@rule("HO101")
def named_models(subject: Subject) -> Iterator[Observation]:
    """Each named model is on its named table.

    What is wrong
    -------------
    `[[models]]` pairs a model with a table, and the model is on another table or does not exist.

    Why it hurts
    ------------
    The pair would be compared with the wrong table, or with none.

    Example
    -------
    `table = "shop_order"`; the model's `db_table` is `shop_orders`.

    Mend
    ----
    Correct `db_table`, or `handover.toml`.

    ```toml
    [[models]]
    table = "shop_orders"
    original = "shop.models.Order"
    backend = "apps.shop.models.Order"
    ```
    """
    for pair in subject.config.models:
        for system in subject.systems:
            path = system.side.of(pair)
            tables = {model.path: model.table for model in system.description.models}
            if path in tables and _is_one(subject, system, tables[path], pair.table):
                continue
            elsewhere = [name for name, table in tables.items() if _is_one(subject, system, table, pair.table)]
            found = f"is on table {tables[path]}" if path in tables else "is no model of the system"
            expected = f"handover.toml pairs it with {pair.table}"
            todo = f"That table's model is {elsewhere[0]}." if elsewhere else "Correct db_table, or handover.toml."
            yield Observation(where=path, found=found, expected=expected, todo=todo, hurts=system.side)


def _is_one(subject: Subject, system: DescribedSystem, table: str, named: str) -> bool:
    """Say whether a model's table is the one that ``handover.toml`` names, however each of them writes the schema."""
    live = subject.catalog.find(system.search_path, table)
    return name_parts(table) == name_parts(named) or (live is not None and named in (live.name, str(live)))


@rule("HO102")
def views(subject: Subject) -> Iterator[Observation]:
    """A shared table is a table.

    What is wrong
    -------------
    A shared table is a view, a materialized view or a foreign table.

    Why it hurts
    ------------
    Its NOT NULL, keys and indexes cannot be compared. Writes may go elsewhere.

    Example
    -------
    `shop_orders` is a view over `behind`.

    Mend
    ----
    Check the tables behind it by hand, then accept it.

    ```sql
    SELECT pg_get_viewdef('public.shop_orders'::regclass);
    ```
    """
    for table in subject.shared_tables:
        if table.kind in VIEWS:
            found = "is a view or a foreign table"
            expected = "its NOT NULL, keys and indexes cannot be compared with the models"
            todo = "Check the tables behind it by hand, and accept it in the contract."
            yield Observation(
                where=str(table),
                found=found,
                expected=expected,
                todo=todo,
                severity="risky",
                hurts="both",
            )


@rule("HO103")
def row_security(subject: Subject) -> Iterator[Observation]:
    """Rows are visible to both systems.

    What is wrong
    -------------
    Row level security is switched on for a shared table.

    Why it hurts
    ------------
    The two systems may see different rows, and inserts may be refused.

    Example
    -------
    A policy shows only rows of `current_user`.

    Mend
    ----
    Compare the policies for both roles, then accept it; or switch it off.

    ```sql
    SELECT * FROM pg_policies WHERE tablename = 'shop_orders';
    ALTER TABLE public.shop_orders DISABLE ROW LEVEL SECURITY;
    ```
    """
    for table in subject.shared_tables:
        if table.row_security:
            found = "has row level security switched on"
            off = alter(table, "DISABLE ROW LEVEL SECURITY")
            todo = f"Compare the policies of both roles, then accept it; or: {off}"
            expected = "the two systems may see different rows"
            yield Observation(
                where=str(table),
                found=found,
                expected=expected,
                todo=todo,
                severity="risky",
                hurts="both",
            )


@rule("HO105")
def shadows(subject: Subject) -> Iterator[Observation]:
    """Both systems find the same table.

    What is wrong
    -------------
    A table of the same name stands earlier on the search path of one system, or a router sends the model to another
    database on one system.

    Why it hurts
    ------------
    The two systems read and write different rows, and each looks healthy.

    Example
    -------
    `backend.users` was made by a stray `migrate`; the backend finds it before `public.users`.

    Mend
    ----
    Look at the rows of both tables. Then remove the one that stands in the way, or correct the search path or the
    router.

    ```sql
    DROP TABLE backend.users;
    ```
    """
    if subject.both is None:
        return
    yield from _in_two_databases(*subject.both)
    names = [{model.table for model in system.description.here()} for system in subject.both]
    for name in sorted(names[0] & names[1]):
        tables = [subject.catalog.find(system.search_path, name) for system in subject.both]
        if tables[0] and tables[1] and tables[0].key != tables[1].key:
            found = f"is {tables[1].schema}.{tables[1].name} for the backend"
            expected = f"the original reads and writes {tables[0].schema}.{tables[0].name}"
            todo = "Remove the table that stands in the way, or correct the search_path of one of them."
            yield Observation(where=name, found=found, expected=expected, todo=todo, hurts="both")


def _in_two_databases(*sides: DescribedSystem) -> Iterator[Observation]:
    """Yield what a router sends to another database on one system alone."""
    for system, other in (sides, sides[::-1]):
        here = {model.table for model in other.description.here()}
        for model in system.description.away():
            if model.table in here:
                place = system.description.settings.databases.get(model.routed.write, "not in DATABASES")
                found = f"is in database {model.routed.write} for the {system.side} ({place})"
                expected = f"the {other.side} has it in its default database: neither sees the rows of the other"
                todo = "Make both routers name the same database."
                yield Observation(where=model.table, found=found, expected=expected, todo=todo, hurts="both")


@rule("HO106")
def unlogged(subject: Subject) -> Iterator[Observation]:
    """A crash leaves the rows.

    What is wrong
    -------------
    A shared table is UNLOGGED.

    Why it hurts
    ------------
    A crash of the server empties it. No standby and no base backup has its rows.

    Example
    -------
    The table was made UNLOGGED to import faster.

    Mend
    ----
    Make it an ordinary table. It is rewritten and locked meanwhile.

    ```sql
    ALTER TABLE public.shop_orders SET LOGGED;
    ```
    """
    for table in subject.shared_tables:
        if table.unlogged:
            expected = "a crash of the server empties it, and no standby has its rows"
            todo = alter(table, "SET LOGGED")
            yield Observation(
                where=str(table),
                found="is UNLOGGED",
                expected=expected,
                todo=todo,
                severity="risky",
                hurts="both",
            )


@rule("HO107")
def inherited(subject: Subject) -> Iterator[Observation]:
    """No shared table inherits from another or has children.

    What is wrong
    -------------
    A shared table inherits from another table, or has children (`INHERITS`).

    Why it hurts
    ------------
    A query of the parent returns the rows of its children, too. Keys may come twice, and no foreign key finds a row of
    a child.

    Example
    -------
    `CREATE TABLE old_orders () INHERITS (shop_orders)`.

    Mend
    ----
    End the inheritance, or accept it.

    ```sql
    ALTER TABLE public.old_orders NO INHERIT public.shop_orders;
    ```
    """
    for table in subject.shared_tables:
        for found, kin, expected in (
            ("has the rows of", table.children, "keys may come twice, and no foreign key finds a row of a child"),
            ("lends its rows to", table.parents, "whoever writes to the parent changes rows here"),
        ):
            if kin:
                of_kin = [_apart(subject, table, name, is_child=kin is table.children) for name in kin]
                todo = f"Accept it in the contract, or: {' '.join(of_kin)}"
                yield Observation(
                    where=str(table),
                    found=f"{found} {', '.join(kin)}, too",
                    expected=expected,
                    todo=todo,
                    severity="risky",
                    hurts="both",
                )


def _apart(subject: Subject, table: Table, name: str, *, is_child: bool) -> str:
    """Return the statement that ends an inheritance."""
    kin = next((t for t in subject.catalog.tables.values() if name in (str(t), f"{t.schema}.{t.name}")), None)
    if kin is None:
        return f"take {name} out of the inheritance."
    child, parent = (kin, table) if is_child else (table, kin)
    return alter(child, f"NO INHERIT {name_of(parent)}")
