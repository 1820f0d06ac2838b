"""Pages of a collection: of a search, of a label, or of everything; by cursor, so that each costs the same."""

import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, takewhile
from typing import Any
from uuid import UUID

from django.core import signing
from django.db.models import Exists, OuterRef, QuerySet
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param

from apps.authentication.models import User
from apps.collections import search
from apps.collections.keysets import OwnKeyset, SizedKeyset, SortedKeyset, large_since, page_of_documents
from apps.collections.models import SavedChoreography
from apps.collections.selectors import SORTS, choreographies_of, found_among
from apps.labels.models import Label, Labelling
from apps.labels.selectors import label_named, labellings_of
from apps.titles.following import TitleRow
from apps.titles.words import LONGEST_TEXT
from config.errors import InvalidError
from config.pagination import Keyset

SALT = "apps.collections.pages"
CURSOR = "cursor"
# So many are found at once where only some of them may be shown.
WIDE = 500

Match = tuple[search.FoundPlace, SavedChoreography]


@dataclass(frozen=True)
class CollectionPage:
    """One page, and the addresses of the pages beside it; a search is only read forwards."""

    rows: list[SavedChoreography]
    next: str | None
    previous: str | None


def page_of(
    user: User,
    request: Request,
    wanted: Mapping[str, str],
    *,
    size: int | None = None,
    among: QuerySet[SavedChoreography] | None = None,
) -> CollectionPage:
    """Return the page that a request asks for; ``wanted``: q, search, difficulty, sort, tag and category.

    ``among`` are the only rows that may be on it; without them, all of the user's. Raises InvalidError.
    """
    if wanted.get("q") and wanted.get("sort"):
        message = "A search is in the order of how well it matches. Leave out sort, or q."
        raise InvalidError(message, errors={"sort": [message]})
    SizedKeyset(size).get_page_size(request)  # refused also where there is nothing to page through
    labels = _labels(user, wanted)
    if labels is None:
        return CollectionPage([], None, None)
    if wanted.get("q"):
        return _found(user, request, wanted, labels, SizedKeyset(size), among)
    if labels and among is None and not wanted.get("search") and wanted.get("sort", "newest") == "newest":
        by_label = labellings_of(user, labels, difficulty=wanted.get("difficulty", ""))
        keyset: Keyset = SizedKeyset(size)
        labelled = keyset.paginate_queryset(by_label.select_related("choreography"), request)
        return CollectionPage(
            [row.choreography for row in labelled], keyset.get_next_link(), keyset.get_previous_link()
        )
    if not labels and among is None and not wanted.get("search"):
        order, difficulty = SORTS[wanted.get("sort", "newest")], wanted.get("difficulty", "")
        since = large_since(user, request.query_params.get(CURSOR))
        if since is not None:
            keyset, page = page_of_documents(user, request, order, difficulty=difficulty, since=since, size=size)
        else:
            keyset = OwnKeyset(size, user, difficulty)
            page = keyset.paginate_queryset(SavedChoreography.objects.order_by(*order), request)
        return CollectionPage(page, keyset.get_next_link(), keyset.get_previous_link())
    mine = SavedChoreography.objects.filter(user=user) if among is None else among
    rows = found_among(mine, **{name: wanted[name] for name in ("difficulty", "search", "sort") if name in wanted})
    for label in labels:
        rows = rows.filter(Exists(Labelling.objects.filter(label=label, choreography=OuterRef("pk"))))
    keyset = SortedKeyset(size)
    return CollectionPage(keyset.paginate_queryset(rows, request), keyset.get_next_link(), keyset.get_previous_link())


def _labels(user: User, wanted: Mapping[str, str]) -> list[Label] | None:
    """Return the labels that are asked for; None if the user has no such label."""
    kinds = [kind for kind in (Label.Kind.TAG, Label.Kind.CATEGORY) if wanted.get(kind)]
    labels = [label_named(user, kind, wanted[kind]) for kind in kinds]
    return None if None in labels else [label for label in labels if label]


def _found(
    user: User,
    request: Request,
    wanted: Mapping[str, str],
    labels: list[Label],
    keyset: SizedKeyset,
    among: QuerySet[SavedChoreography] | None,
) -> CollectionPage:
    asked = search.TitleSearch(user.pk, wanted["q"], wanted.get("difficulty", ""), tuple(label.pk for label in labels))
    size = keyset.get_page_size(request)
    rows = choreographies_of(user, search=wanted.get("search", ""))
    if among is not None:
        rows = rows.filter(pk__in=among.order_by().values("pk"))
    begin = _place(request.query_params.get(CURSOR), wanted["q"])
    matches: Iterable[Match] = _matches(asked, begin, rows, at_once=size + 1 if among is None else WIDE)
    if among is not None and not labels:  # the user's labels are on the user's rows alone
        matches = _with_those_of_others(matches, asked, begin, among.exclude(user=user), wanted.get("search", ""), size)
    page = list(islice(matches, size + 1))
    rows_shown = [row for _, row in page[:size]]
    if len(page) <= size:
        return CollectionPage(rows_shown, None, None)
    cursor = _cursor(page[size - 1][0], wanted["q"])
    return CollectionPage(rows_shown, replace_query_param(request.build_absolute_uri(), CURSOR, cursor), None)


def _with_those_of_others(
    matches: Iterable[Match],
    asked: search.TitleSearch,
    after: search.FoundPlace | None,
    others: QuerySet[SavedChoreography],
    text: str,
    size: int,
) -> Iterable[Match]:
    """Find also what matches among rows of others, such as favourites: their documents have other owners."""
    rows = found_among(others, difficulty=asked.difficulty, search=text)
    told = rows.values_list("pk", "user_id", "title", "music_info__source", "created_at")
    places = search.found_among_rows(asked.text, (_title_row(*row) for row in told))
    if places:  # what is only alike counts where nothing matches
        matches = takewhile(lambda match: match[0].tier < search.MatchTier.MOST_ALIKE, matches)
    further = [place for place in places if after is None or place.order > after.order][: size + 1]
    there = others.in_bulk([place.id for place in further])
    found = ((place, there[place.id]) for place in further if place.id in there)
    return heapq.merge(matches, found, key=lambda match: match[0].order)


def _title_row(pk: UUID, user_id: int, title: str, song: object, created_at: datetime) -> TitleRow:
    return TitleRow(pk, user_id, title, song[:LONGEST_TEXT] if isinstance(song, str) else None, created_at)


def _matches(
    asked: search.TitleSearch,
    after: search.FoundPlace | None,
    rows: QuerySet[SavedChoreography],
    *,
    at_once: int,
) -> Iterator[Match]:
    """Find those that are among the rows, however many others match as well."""
    while True:
        places = search.found(asked, after=after, at_most=at_once)
        there = rows.in_bulk([place.id for place in places])
        yield from ((place, there[place.id]) for place in places if place.id in there)
        if len(places) < at_once:
            return
        after = places[-1]


def _cursor(place: search.FoundPlace, q: str) -> str:
    values: list[Any] = [q, place.tier.value, place.created_at.isoformat(), str(place.id)]
    return signing.dumps(values, salt=SALT)


def _place(cursor: str | None, q: str) -> search.FoundPlace | None:
    if cursor is None:
        return None
    try:
        of, tier, time, key = signing.loads(cursor, salt=SALT)
    except signing.BadSignature:
        of = None
    if of != q:
        message = "This cursor is unknown, or of another search. Begin without one."
        raise InvalidError(message, errors={CURSOR: [message]})
    return search.FoundPlace(search.MatchTier(tier), datetime.fromisoformat(time), UUID(key))
