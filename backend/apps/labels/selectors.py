"""Look labels up: a user's own, and those of choreographies."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from apps.authentication.models import User
from apps.labels.models import Label, Labelling
from apps.titles.words import folded
from config.errors import NotFoundError

_OF_THESE = """
    SELECT x.choreography_id, x.kind, l.name
    FROM labellings x JOIN labels l ON l.id = x.label_id JOIN saved_choreographies s ON s.id = x.choreography_id
    WHERE x.choreography_id = ANY(%s::uuid[]) AND s.user_id = l.user_id ORDER BY l.key
"""


@dataclass(frozen=True)
class LabelsOfOne:
    """The labels of one choreography, by name."""

    tags: list[str] = field(default_factory=list)
    category: str | None = None


def labels_of(user: User) -> QuerySet[Label]:
    """Return the user's categories, and the tags that a choreography of the user has."""
    used = Exists(Labelling.objects.filter(label=OuterRef("pk"), choreography__user=user))
    return Label.objects.filter(Q(kind=Label.Kind.CATEGORY) | used, user=user)


def label_of(user: User, label_id: int) -> Label:
    """Return one label of the user. Raises NotFoundError."""
    label = Label.objects.filter(user=user, pk=label_id).first()
    if label is None:
        raise NotFoundError("There is no such tag or category.", code="label-missing")
    return label


def label_named(user: User, kind: str, name: str) -> Label | None:
    """Return the user's label of this name, in any spelling."""
    return Label.objects.filter(user=user, kind=kind, key=folded(name)).first()


def labels_by_choreography(choreography_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, LabelsOfOne]:
    """Return the labels of each of these; a label of a former owner is none."""
    ids = list(choreography_ids)
    with connection.cursor() as cursor:
        cursor.execute(_OF_THESE, [ids])
        rows = cursor.fetchall()
    found = {choreography_id: LabelsOfOne() for choreography_id in ids}
    for choreography_id, kind, name in rows:
        if kind == Label.Kind.TAG:
            found[choreography_id].tags.append(name)
        else:
            found[choreography_id] = LabelsOfOne(found[choreography_id].tags, name)
    return found


def labellings_of(user: User, labels: list[Label], *, difficulty: str = "") -> QuerySet[Labelling]:
    """Return which of the user's choreographies have all of these labels, newest first; at least one label."""
    first, *others = labels
    found = Labelling.objects.filter(label=first, choreography__user=user).order_by("-created_at", "-id")
    for other in others:
        found = found.filter(Exists(Labelling.objects.filter(label=other, choreography=OuterRef("choreography"))))
    return found.filter(choreography__difficulty=difficulty) if difficulty else found
