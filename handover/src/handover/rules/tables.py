"""Tables and the models that stand for them."""

from collections.abc import Iterator

from handover.check.subject import Subject
from handover.errors import Finding
from handover.rules.registry import rule

VIEWS = ("v", "m", "f")


@rule("HO010", "Every model has its table")
def missing(subject: Subject) -> Iterator[Finding]:
    for side in subject.sides:
        for model in side.description.concrete():
            if not model.managed or subject.catalog.find(side.search_path, model.table):
                continue
            if side.name == "backend" and not subject.adopted and model.table not in _of_pairs(subject):
                continue  # adoption will make it
            schemas = ", ".join(side.search_path)
            found = f"does not exist in schema {schemas}"
            todo = "Is this the right database? Run the migrations of the system that owns the table."
            yield Finding("HO010", model.table, found, f"{model.label} reads and writes it", todo, hurts=side.name)


def _of_pairs(subject: Subject) -> set[str]:
    return {pair.table for pair in subject.config.models}


@rule("HO100", "The backend is adopted")
def not_adopted(subject: Subject) -> Iterator[Finding]:
    if not subject.adopted:
        found = "does not exist yet"
        expected = "the backend keeps its history and its own tables there"
        todo = "handover adopt shows what it would do; then check again."
        yield Finding("HO100", f"schema {subject.config.backend.schema_name}", found, expected, todo, "risky")


@rule("HO101", "Each named model is on its named table")
def named_models(subject: Subject) -> Iterator[Finding]:
    for pair in subject.config.models:
        for side in subject.sides:
            path = pair.original if side.name == "original" else pair.backend
            tables = {model.path: model.table for model in side.description.concrete()}
            if tables.get(path) == pair.table:
                continue
            elsewhere = [name for name, table in tables.items() if table == pair.table]
            found = f"is on table {tables[path]}" if path in tables else "is no model of the system"
            expected = f"handover.toml pairs it with {pair.table}"
            todo = f"That table's model is {elsewhere[0]}." if elsewhere else "Correct db_table, or handover.toml."
            yield Finding("HO101", path, found, expected, todo, hurts=side.name)


@rule("HO102", "A shared table is a table")
def views(subject: Subject) -> Iterator[Finding]:
    for table in subject.shared_tables:
        if table.kind in VIEWS:
            found = "is a view or a foreign table"
            expected = "its NOT NULL, keys and indexes cannot be compared with the models"
            todo = "Check the tables behind it by hand, and accept it in the contract."
            yield Finding("HO102", str(table), found, expected, todo, "risky", "both")


@rule("HO103", "Rows are visible to both systems")
def row_security(subject: Subject) -> Iterator[Finding]:
    for table in subject.shared_tables:
        if table.row_security:
            found = "has row level security switched on"
            todo = "Compare the policies of both roles, then accept it; or ALTER TABLE … DISABLE ROW LEVEL SECURITY."
            expected = "the two systems may see different rows"
            yield Finding("HO103", str(table), found, expected, todo, "risky", "both")


@rule("HO105", "Both systems find the same table")
def shadows(subject: Subject) -> Iterator[Finding]:
    """A table of the same name earlier on one system's path takes its writes away from the other."""
    if subject.both is None:
        return
    names = [{model.table for model in side.description.concrete()} for side in subject.both]
    for name in sorted(names[0] & names[1]):
        tables = [subject.catalog.find(side.search_path, name) for side in subject.both]
        if tables[0] and tables[1] and tables[0].key != tables[1].key:
            found = f"is {tables[1].schema}.{tables[1].name} for the backend"
            expected = f"the original reads and writes {tables[0].schema}.{tables[0].name}"
            todo = "Remove the table that stands in the way, or correct the search_path of one of them."
            yield Finding("HO105", name, found, expected, todo, hurts="both")


@rule("HO106", "A crash leaves the rows")
def unlogged(subject: Subject) -> Iterator[Finding]:
    for table in subject.shared_tables:
        if table.unlogged:
            expected = "a crash of the server empties it, and no standby has its rows"
            yield Finding("HO106", str(table), "is UNLOGGED", expected, "ALTER TABLE … SET LOGGED.", "risky", "both")


@rule("HO107", "A table's rows are its own")
def inherited(subject: Subject) -> Iterator[Finding]:
    for table in subject.shared_tables:
        for found, kin, expected in (
            ("has the rows of", table.children, "keys may come twice, and no foreign key finds a row of a child"),
            ("lends its rows to", table.parents, "whoever writes to the parent changes rows here"),
        ):
            if kin:
                todo = "ALTER TABLE child NO INHERIT parent, or accept it in the contract."
                yield Finding("HO107", str(table), f"{found} {', '.join(kin)}, too", expected, todo, "risky", "both")
