"""A question to the rows of a table: a condition, and what a row that meets it means."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec

from psycopg import sql

from handover.codes.code import FindingCode, Source, declare, text_of
from handover.finding import Hurts, Severity
from handover.schema.catalog import Column
from handover.schema.models import Field
from handover.schema.subject import Pair
from handover.side import Side

P = ParamSpec("P")
Sql = sql.SQL | sql.Composed
SURVIVE = "Correct the rows, or prove that both systems survive them."
COMPARABLE = ("character", "text", "smallint", "integer", "bigint", "uuid")


@dataclass(frozen=True, kw_only=True)
class Condition:
    """A condition on a row, and the words of the finding when rows meet it.

    Attributes
    ----------
    column
        What it is about.
    condition
        SQL over the table's columns.
    found, expected, todo
        The words of the finding; ``found`` follows the count.
    severity, hurts
        Of the finding.
    alone
        It joins another table, or an index answers it: asked in a query of its own, which PostgreSQL can plan.
    indexed
        An index answers it, so it is asked of the whole table where the rest is sampled.
    """

    column: str
    condition: Sql
    found: str
    expected: str
    todo: str
    severity: Severity = "risky"
    hurts: Hurts = "both"
    alone: bool = False
    indexed: bool = False


@dataclass(frozen=True, kw_only=True)
class Question(Condition):
    """A condition with the code of its finding."""

    code: str


def question(name: str) -> Callable[[Callable[P, Iterator[Condition]]], Callable[P, Iterator[Question]]]:
    """Give every condition of a function this code; its docstring is the page of the findings."""

    def register(ask: Callable[P, Iterator[Condition]]) -> Callable[P, Iterator[Question]]:
        declare(FindingCode(name=name, source=Source.CENSUS, noun="rows", text=text_of(ask), counts="rows among words"))

        @wraps(ask)
        def questions(*args: P.args, **kwargs: P.kwargs) -> Iterator[Question]:
            return (Question(code=name, **vars(condition)) for condition in ask(*args, **kwargs))

        return questions

    return register


@dataclass(frozen=True)
class SharedColumn:
    """A live column, and the fields of both models that use it."""

    live: Column
    original: Field
    backend: Field

    @property
    def name(self) -> str:
        """The column's name."""
        return self.original.column

    @property
    def sql(self) -> sql.Identifier:
        """The column's name as SQL."""
        return sql.Identifier(self.original.column)

    @property
    def textual(self) -> bool:
        """Whether it holds texts, and no arrays of them."""
        return (self.live.type == "text" or self.live.type.startswith("character varying")) and not self.is_array

    @property
    def is_array(self) -> bool:
        """Whether it holds arrays."""
        return "[" in self.live.type

    def sides(self) -> Iterator[tuple[Side, Field]]:
        """Yield each system with its field."""
        yield Side.ORIGINAL, self.original
        yield Side.BACKEND, self.backend


def shared_columns(pair: Pair) -> Iterator[SharedColumn]:
    """Yield the columns that both models use and the table has."""
    for one, other, _ in pair.fields():
        live = pair.table.columns.get(one.column)
        if live is not None:
            yield SharedColumn(live, one, other)
