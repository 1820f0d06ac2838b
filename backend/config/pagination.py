"""Pages by cursor: rows that are added or deleted between two pages are neither doubled nor skipped.

A cursor holds the values of all fields that the rows are ordered by, the key last, where a page ends. The
cursor of Django REST framework holds the first field and counts the rows that are equal in it. That count is
wrong once one of them is deleted, and many titles and lengths are equal.

A page costs the same wherever it is, if the order has one direction, the key included, and an index: then the index
is entered where the page begins. Name the key in the order: ``order_by("-likes", "-pk")``.
"""

import re
from typing import Any

from django.core import signing
from django.db.models import BooleanField, F, Func, Model, Q, QuerySet, Value
from django.db.models.expressions import Combinable
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param

from config.errors import InvalidError

# Signed, so that its values come from a row of ours, and the database accepts them.
SALT = "config.pagination"
PAGE_SIZE = 20
# More than any number of rows; a larger one is no number of theirs.
MOST_ROWS = 10**18


class Keyset(CursorPagination):
    """Pages in the order of the queryset."""

    page_size: int = PAGE_SIZE
    page_size_query_param = "page_size"
    max_page_size = 100

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:  # noqa: ARG002 - the framework's signature
        self.request = request
        self.order = _order(queryset)
        backwards, values = self._asked(request.query_params.get(self.cursor_query_param))
        order = [_turned(name) for name in self.order] if backwards else self.order
        size = self.get_page_size(request)
        rows = self.rows_after(queryset, order, self._read(queryset.model, values) if values else [], size + 1)
        self.page, more = rows[:size], len(rows) > size
        self.has_next, self.has_previous = (True, more) if backwards else (more, bool(values))
        if backwards:
            self.page.reverse()
        return self.page

    def rows_after(self, queryset: QuerySet[Any], order: list[str], values: list[Value], at_most: int) -> list[Any]:
        """Return the rows that come after these values in the order; without values, the first."""
        found = queryset.filter(after(order, values)) if values else queryset
        return list(found.order_by(*order)[:at_most])

    def get_next_link(self) -> str | None:
        return self._link(self.page[-1], backwards=False) if self.has_next and self.page else None

    def get_previous_link(self) -> str | None:
        return self._link(self.page[0], backwards=True) if self.has_previous and self.page else None

    def get_page_size(self, request: Request) -> int:
        """Return how many rows are asked for. Raises InvalidError."""
        asked = request.query_params.get(self.page_size_query_param)
        if asked is None:
            return self.page_size
        if not re.fullmatch(r"0*[1-9][0-9]{0,18}", asked) or int(asked) > MOST_ROWS:
            message = f"A page has 1 to {self.max_page_size} rows; {asked[:40]!r} is no such number."
            raise InvalidError(message, errors={self.page_size_query_param: [message]})
        return min(int(asked), self.max_page_size)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Return what the document says of a page's parameters."""
        told: list[dict[str, Any]] = super().get_schema_operation_parameters(view)
        for parameter in told:
            if parameter["name"] == self.page_size_query_param:
                parameter["schema"] |= {"minimum": 1, "maximum": MOST_ROWS, "default": PAGE_SIZE}
                parameter["description"] = f"How many rows a page has; at most {self.max_page_size}, also of more."
            else:
                parameter["description"] = "From next or previous of a page of the same list; valid for one order."
        return told

    def _asked(self, cursor: str | None) -> tuple[bool, list[str]]:
        if cursor is None:
            return False, []
        backwards, order, values = read_cursor(cursor)
        if order != self.order:
            message = "This cursor is unknown, or of another order. Begin without one."
            raise InvalidError(message, errors={self.cursor_query_param: [message]})
        return backwards, values

    def _read(self, model: type[Model], values: list[str]) -> list[Value]:
        pairs = zip(self._fields(model), values, strict=True)
        return [Value(field.to_python(value), output_field=field) for field, value in pairs]

    def _fields(self, model: type[Model] | Model) -> list[Any]:
        return [model._meta.get_field(name.lstrip("-")) for name in self.order]  # noqa: SLF001 - public by its documentation

    def _link(self, row: Model, *, backwards: bool) -> str:
        fields = self._fields(row)
        cursor = signing.dumps([backwards, self.order, [field.value_to_string(row) for field in fields]], salt=SALT)
        return replace_query_param(self.request.build_absolute_uri(), self.cursor_query_param, cursor)


def read_cursor(cursor: str | None) -> tuple[bool, list[str], list[str]]:
    """Return whether a cursor leads backwards, its order, and the values; no order if it is none of ours."""
    try:
        backwards, order, values = signing.loads(cursor or "", salt=SALT)
    except signing.BadSignature:
        return False, [], []
    return backwards, order, values


def _order(queryset: QuerySet[Model]) -> list[str]:
    """Return the names the queryset is ordered by, the key last: then no two rows are equal."""
    meta = queryset.model._meta  # noqa: SLF001 - public by its documentation
    names = [str(name) for name in queryset.query.order_by or meta.ordering or ()]
    # The column's name: by the name of a relation, Django would order by the fields of the other model.
    key = meta.pk.attname
    others = [name for name in names if name.lstrip("-") not in {"pk", key}]
    return [*others, f"-{key}" if {"-pk", f"-{key}"} & set(names) else key]


def _turned(name: str) -> str:
    return name.removeprefix("-") if name.startswith("-") else f"-{name}"


class _Row(Func):
    """``ROW(a, b)``; PostgreSQL compares rows field by field."""

    function = "ROW"
    output_field = BooleanField()  # of no meaning: a row is only compared


def after(order: list[str], values: list[Value]) -> Q:
    """Return the rows that come after these values: greater in the first field, or equal there and greater …"""
    names, down = [name.removeprefix("-") for name in order], [name.startswith("-") for name in order]
    if len(set(down)) == 1:  # one comparison, for which an index is entered at that place
        rows: list[Combinable] = [_Row(*map(F, names)), _Row(*values)]
        sign = " < " if down[0] else " > "
        return Q(Func(*rows, template="%(expressions)s", arg_joiner=sign, output_field=BooleanField()))
    further, equal = Q(), Q()
    for name, value, falls in zip(names, values, down, strict=True):
        further |= equal & Q(**{f"{name}__{'lt' if falls else 'gt'}": value})
        equal &= Q(**{name: value})
    return further
