"""Give labels to choreographies and take them away; rename a label, and remove it everywhere."""

import uuid
from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef

from apps.authentication.models import User
from apps.labels.models import LONGEST_NAME, Label, Labelling
from apps.labels.selectors import label_of
from apps.quotas.limits import one_at_a_time
from apps.titles.words import folded
from config.errors import ConflictError, InvalidError, QuotaError

TAGS_OF_ONE = 10
MOST = {Label.Kind.TAG: 200, Label.Kind.CATEGORY: 20}


def set_tags(*, user: User, choreography_id: uuid.UUID, created_at: datetime, names: Iterable[str]) -> None:
    """Give a choreography these tags and no others; call it in the transaction that locks the choreography.

    Raises InvalidError, QuotaError.
    """
    wanted = {folded(name): name for name in reversed([tidy_name(name, field="tags") for name in names])}
    if len(wanted) > TAGS_OF_ONE:
        message = f"These are {len(wanted)} tags; one choreography may have {TAGS_OF_ONE}."
        raise InvalidError(message, errors={"tags": [message]})
    _replace(user, Label.Kind.TAG, choreography_id, created_at, wanted)


def set_category(*, user: User, choreography_id: uuid.UUID, created_at: datetime, name: str) -> None:
    """Put a choreography into a category, a new one if there is none of this name; '' takes it out; see set_tags."""
    tidy = tidy_name(name, field="category") if name.strip() else ""
    wanted = {folded(tidy): tidy} if tidy else {}
    _replace(user, Label.Kind.CATEGORY, choreography_id, created_at, wanted)


@transaction.atomic
def rename_label(*, user: User, label_id: int, name: str | None = None) -> Label:
    """Give a label another name. Raises NotFoundError, InvalidError, ConflictError."""
    one_at_a_time(user.pk)
    label = label_of(user, label_id)
    if name is None:
        return label
    name = tidy_name(name)
    same = Label.objects.filter(user=user, kind=label.kind, key=folded(name)).exclude(pk=label.pk).first()
    if same:
        raise ConflictError(f"There is a {label.kind} “{same.name}” already.", code="label-exists")
    label.name, label.key = name, folded(name)
    label.save(update_fields=["name", "key"])
    return label


@transaction.atomic
def delete_label(*, user: User, label_id: int) -> None:
    """Take a label from all choreographies; they stay. Raises NotFoundError."""
    one_at_a_time(user.pk)
    label_of(user, label_id).delete()


def tidy_name(name: str, *, field: str = "name") -> str:
    """Return a name without spaces that do not count. Raises InvalidError where it is none, for the field."""
    tidy = " ".join(name.split())
    if not folded(tidy) or len(tidy) > LONGEST_NAME or "," in tidy:
        message = (
            f"“{tidy[:LONGEST_NAME]}” cannot be a name: it needs a letter, digit or symbol, has at most {LONGEST_NAME}"
            " characters, and no comma."
        )
        raise InvalidError(message, errors={field: [message]})
    return tidy


def _replace(
    user: User, kind: Label.Kind, choreography_id: uuid.UUID, created_at: datetime, wanted: dict[str, str]
) -> None:
    one_at_a_time(user.pk)
    labels = [_label(user, kind, key, name) for key, name in sorted(wanted.items())]
    have = Labelling.objects.filter(choreography_id=choreography_id, kind=kind)
    # All that are not wanted: also those that a former owner gave.
    have.exclude(label__in=labels).delete()
    there = set(have.values_list("label_id", flat=True))
    Labelling.objects.bulk_create(
        Labelling(label=label, choreography_id=choreography_id, kind=kind, created_at=created_at)
        for label in labels
        if label.pk not in there
    )
    _check_number(user, kind)


def _label(user: User, kind: Label.Kind, key: str, name: str) -> Label:
    return Label.objects.get_or_create(user=user, kind=kind, key=key, defaults={"name": name})[0]


def _check_number(user: User, kind: Label.Kind) -> None:
    """Forget tags that nothing has any more. Raises QuotaError if there are too many of the kind."""
    labels = Label.objects.filter(user=user, kind=kind)
    if kind == Label.Kind.TAG:
        labels.filter(~Exists(Labelling.objects.filter(label=OuterRef("pk")))).delete()
    number = labels.count()
    if number > MOST[kind]:
        plural = {Label.Kind.TAG: "tags", Label.Kind.CATEGORY: "categories"}[kind]
        raise QuotaError(
            f"With these you would have {number} {plural}; one user may have {MOST[kind]}. Use those that you have, or"
            " remove some.",
            code=f"quota-{plural}",
            limit=MOST[kind],
        )
