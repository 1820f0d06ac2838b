"""Pages of a collection in an order.

Of few rows all are sorted. A large collection is read from an index of the documents (``apps.titles``), so a page of
100,000 rows costs what one of 100 costs; the shared table belongs to the original and keeps its own indexes. A row that
the original has just saved has no document yet and takes part as it is: no row is missing. What the original changes in
a row is shown at once; its place in the order, and in the list of a level, follows with the next sweep.
"""

from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db.models import Exists, F, IntegerField, OuterRef, QuerySet, Value
from django.db.models.expressions import OrderBy
from django.db.models.functions import Coalesce
from rest_framework.request import Request

from apps.authentication.models import User
from apps.collections.models import SavedChoreography
from apps.titles.following import is_looked_at, passed_since
from apps.titles.models import TitleDocument
from config.pagination import Keyset, after, read_cursor
from config.prepared import GivenValue, Prepared

# The key of a document is that of its choreography.
DOCUMENT, ROW = "choreography_id", "id"


class SizedKeyset(Keyset):
    """Pages of a size that the page decides, or of the size that the client asks for."""

    def __init__(self, size: int | None) -> None:
        self.size = size

    def get_page_size(self, request: Request) -> int:
        return self.size or super().get_page_size(request) or self.page_size


class SortedKeyset(SizedKeyset):
    """Pages of rows that are few: one user's, found by the user, and then sorted.

    PostgreSQL would rather walk through the rows of all users by time, as it expects to meet this user's soon. It
    cannot know that these are all old. No index has the order that is asked for here, so it does not.
    """

    def rows_after(self, queryset: QuerySet[Any], order: list[str], values: list[Value], at_most: int) -> list[Any]:
        return list(_sorted(queryset, order, values)[:at_most])


class OwnKeyset(SortedKeyset):
    """Pages of all rows of a user, or of all of one level. Each order is compiled once in a process."""

    def __init__(self, size: int | None, user: User, difficulty: str) -> None:
        super().__init__(size)
        self.given = {"user_id": user.pk, "difficulty": difficulty}

    def rows_after(self, queryset: QuerySet[Any], order: list[str], values: list[Value], at_most: int) -> list[Any]:  # noqa: ARG002 - all rows of the user
        places = {f"place_{n}": value.value for n, value in enumerate(values)}
        prepared = _own(tuple(order), bool(self.given["difficulty"]), bool(values), at_most)
        return prepared.rows(**self.given, **places)


@lru_cache(maxsize=256)
def _own(order: tuple[str, ...], of_a_level: bool, goes_on: bool, at_most: int) -> Prepared[SavedChoreography]:  # noqa: FBT001 - a key
    meta: Any = SavedChoreography._meta  # noqa: SLF001 - public by its documentation
    names = [name.removeprefix("-") for name in order] if goes_on else []
    places: list[Any] = [GivenValue(f"place_{n}", meta.get_field(name)) for n, name in enumerate(names)]
    rows = SavedChoreography.objects.filter(user_id=GivenValue("user_id", IntegerField()))
    if of_a_level:
        rows = rows.filter(difficulty=GivenValue("difficulty", meta.get_field("difficulty")))
    return Prepared(lambda: _sorted(rows, list(order), places)[:at_most])


def _sorted(rows: QuerySet[Any], order: list[str], values: list[Value]) -> QuerySet[Any]:
    found = rows.filter(after(order, values)) if values else rows
    names = [(name.removeprefix("-"), name.startswith("-")) for name in order]
    return found.order_by(*(OrderBy(Coalesce(F(name), F(name)), falls) for name, falls in names))


class DocumentKeyset(SizedKeyset):
    """Pages of a user's documents, and of rows of ``fresh`` that have none yet; each as a document with its place."""

    def __init__(self, size: int | None, fresh: QuerySet[SavedChoreography]) -> None:
        super().__init__(size)
        self.fresh = fresh

    def rows_after(self, queryset: QuerySet[Any], order: list[str], values: list[Value], at_most: int) -> list[Any]:
        field = order[0].removeprefix("-")
        parts = []
        for rows, key in ((queryset, DOCUMENT), (self.fresh, ROW)):
            names = [name.replace(DOCUMENT, key) for name in order]
            found = rows.filter(after(names, values)) if values else rows
            parts.append(found.order_by(*names).values_list(field, key)[:at_most])
        both = parts[0].union(parts[1], all=True).order_by(*order)[:at_most]
        return [TitleDocument(**{field: value, DOCUMENT: key}) for value, key in both]


def large_since(user: User, cursor: str | None) -> datetime | None:
    """Return the time since which rows may have no document, if the page is to be read from documents.

    A further page is read as the first one was.
    """
    _, order, _ = read_cursor(cursor)
    if cursor is not None:
        return passed_since() if DOCUMENT in {name.removeprefix("-") for name in order} else None
    return None if is_looked_at(user.pk) else passed_since()


def page_of_documents(
    user: User, request: Request, order: tuple[str, ...], *, difficulty: str, since: datetime, size: int | None
) -> tuple[DocumentKeyset, list[SavedChoreography]]:
    """Return a page of the user's rows, of one level if it is given, and what knows the pages beside it."""
    documents = TitleDocument.objects.filter(user=user, choreography__user=user)
    followed = Exists(TitleDocument.objects.filter(choreography=OuterRef("pk"), user=user))
    fresh = SavedChoreography.objects.filter(~followed, user=user, created_at__gte=since)
    if difficulty:
        # Both: the index has the document's, and what is shown is the row's.
        documents = documents.filter(difficulty=difficulty, choreography__difficulty=difficulty)
        fresh = fresh.filter(difficulty=difficulty)
    keyset = DocumentKeyset(size, fresh)
    page = keyset.paginate_queryset(documents.order_by(*order), request)
    rows = SavedChoreography.objects.filter(user=user).in_bulk([document.pk for document in page])
    return keyset, [rows[document.pk] for document in page if document.pk in rows]
