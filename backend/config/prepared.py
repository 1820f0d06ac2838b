"""Queries that a process compiles once: to compile a look-up by key costs several times what the database needs for it.

A queryset is written as always, with ``GivenValue`` where a value comes later.
"""

import copy
from collections.abc import Callable
from functools import cached_property
from types import SimpleNamespace
from typing import Any, Generic, TypeVar

from django.db import connections
from django.db.models import Expression, Field, Model, QuerySet
from django.db.models.query import ModelIterable
from django.db.models.sql.compiler import SQLCompiler

Row = TypeVar("Row", bound=Model)


class GivenValue(Expression):
    """A value that each execution gives; ``field`` turns it into what the driver sends."""

    place = "%s"

    def __init__(self, name: str, field: "Field[Any, Any]") -> None:
        super().__init__(output_field=field)
        self.name = name

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, list[Any]]:  # type: ignore[override]  # noqa: ARG002 - the parameter is a place
        """Return the place; the value takes it when the query is executed."""
        return self.place.format(type=self.output_field.db_type(connection)), [self]

    def sent(self, value: Any, connection: Any) -> Any:
        """Return what the driver sends."""
        return self.output_field.get_db_prep_value(value, connection)


class GivenValues(GivenValue):
    """Values of which a field has any, with ``__in``."""

    place = "SELECT unnest(%s::{type}[])"

    def sent(self, value: Any, connection: Any) -> Any:
        """Return the list that the driver sends."""
        return [super(GivenValues, self).sent(one, connection) for one in value]


class Prepared(Generic[Row]):
    """The rows of a queryset, with what is given filled in."""

    def __init__(self, queryset: Callable[[], QuerySet[Row]]) -> None:
        self.queryset = queryset

    @cached_property
    def _compiled(self) -> tuple[SQLCompiler, str, tuple[Any, ...]]:
        queryset = self.queryset()
        compiler = queryset.query.get_compiler(using=queryset.db)
        sql, parameters = compiler.as_sql()
        return compiler, sql, tuple(parameters)

    def rows(self, **given: Any) -> list[Row]:
        """Return all rows."""
        known, sql, parameters = self._compiled
        compiler: Any = copy.copy(known)
        compiler.connection = connection = connections[str(known.using)]  # this thread's
        values = [one.sent(given[one.name], connection) if isinstance(one, GivenValue) else one for one in parameters]
        compiler.as_sql = lambda: (sql, values)
        query = SimpleNamespace(get_compiler=lambda using: compiler)  # noqa: ARG005 - Django's signature
        queryset: Any = SimpleNamespace(db=known.using, query=query, _known_related_objects={})
        return list(ModelIterable(queryset))

    def first(self, **given: Any) -> Row | None:
        """Return the first row, if there is one."""
        return next(iter(self.rows(**given)), None)
