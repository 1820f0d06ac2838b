"""The expressions of models that have a counterpart in the catalog, and both as PostgreSQL prints them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from psycopg import Connection

from handover.schema.catalog import Catalog, Column, Key, LiveConstraint, LiveIndex, Table
from handover.schema.definition import definition
from handover.schema.expressions import Expressions, read_expressions
from handover.schema.models import Field, Model, ModelConstraint, ModelIndex
from handover.schema.subject import DescribedSystem

Twins = tuple[ModelConstraint | ModelIndex, LiveConstraint | LiveIndex]


def twins(model: Model, table: Table) -> Iterator[Twins]:
    """Yield each constraint and index of a model that is more than columns, and the live one of the same name."""
    live: dict[str, LiveConstraint | LiveIndex] = {index.name: index for index in table.indexes}
    live |= {constraint.name: constraint for constraint in table.constraints if constraint.kind in "cx"}
    named: tuple[ModelConstraint | ModelIndex, ...] = (*model.constraints, *model.indexes)
    for expected in named:
        found = live.get(expected.name or "")
        if found is not None and expected.special:
            yield expected, found


@dataclass(frozen=True)
class Filled:
    """A column that the database fills in: the model's expression (None if unknown), and the catalog's."""

    field: Field
    column: Column
    says: str | None
    does: str

    def texts(self) -> Iterator[str]:
        """Yield both expressions as values of the column, for PostgreSQL to print."""
        if self.says is not None:
            yield as_value(self.says, self.column)
            yield as_value(self.does, self.column)


def as_value(expression: str, column: Column) -> str:
    """Return an expression as a value of a column."""
    return f"({expression})::{column.type}"


def filled(model: Model, table: Table) -> Iterator[Filled]:
    """Yield each column that has a database default, or is generated, in both the model and the catalog."""
    for field in model.fields:
        column = table.columns.get(field.column)
        does = column and (column.computed if field.generated else column.default)
        if column and does and (field.generated or field.db_default is not None):
            yield Filled(field, column, field.database_sql, does)


def expressions_of(connection: Connection[Any], catalog: Catalog, sides: Iterable[DescribedSystem]) -> Expressions:
    """Return all expressions of :func:`twins` and :func:`filled` as PostgreSQL prints them.

    Parameters
    ----------
    connection
        In a read-only snapshot.
    catalog
        The live database.
    sides
        The systems whose models are compared.
    """
    asked: dict[Key, list[str]] = defaultdict(list)
    for system in sides:
        for model in system.description.concrete():
            table = catalog.find(system.search_path, model.table)
            if table is None or table.kind != "r":
                continue
            for expected, found in twins(model, table):
                parts = [definition(statement) for statement in (expected.sql or "", found.definition)]
                asked[table.key] += [text for part in parts if part for text in part.texts()]
            asked[table.key] += [text for column in filled(model, table) for text in column.texts()]
    return read_expressions(connection, asked)
