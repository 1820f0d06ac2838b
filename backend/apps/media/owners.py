"""Whose a file is: the user whose job made it, or whose row named it first. It is recorded once, and stands.

A row is no proof: the original saves whatever path its client sends. So a row only reads and deletes a file
whose recorded owner is the row's user. See docs/decisions/0010-a-file-has-a-recorded-owner.md.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Q, QuerySet

from apps.media.folders import UPLOADS, is_upload, maker_of
from apps.media.models import FileOwner
from apps.media.namings import Naming, namings
from apps.media.storage import StoredFile, media

How = FileOwner.How
# A row is written with its file or soon after. A later one found the name somewhere. Copying a file makes it younger
# than its row, which is no fault.
NAMED_WITHIN = timedelta(days=1)

# Files in one statement: the users that it names are locked until it has ended.
BATCH = 1000

_RECORD = Path(__file__).with_name("record_owners.sql").read_text()


class Claim(NamedTuple):
    """What will be recorded, unless the file has an owner already."""

    user_id: int | None
    how: str


def owners_of(files: Iterable[StoredFile]) -> dict[str, int]:
    """Return the owner of each file by its name; without the files that no user owns. Settles what is not recorded."""
    asked = {file.name: file for file in files if is_upload(file.name) or maker_of(file.name)}
    records = recorded(asked)
    if new := [file for name, file in asked.items() if name not in records]:
        settle(new)
        records = recorded(asked)
    return {name: user_id for name, user_id in records.items() if user_id is not None}


def recorded(names: Iterable[str]) -> dict[str, int | None]:
    """Return the owners that are recorded. None: no user has a right to the file."""
    return dict(FileOwner.objects.filter(pk__in=list(names)).values_list("name", "user_id"))


def record_made(*names: str, user_id: int) -> None:
    """Record the user for whom a job makes these files; in the job's transaction."""
    record({name: Claim(user_id, How.MADE) for name in names})


def settle(files: Iterable[StoredFile]) -> None:
    """Record the owners of files that have none: files of the original, and files that the staff put there."""
    made = {file.name: Claim(maker_of(file.name), How.MADE) for file in files if maker_of(file.name)}
    uploads = {file.name: file for file in files if is_upload(file.name)}
    record(made | claims(uploads, namings(of_files=uploads)) if uploads else made)


def claims(files: Mapping[str, StoredFile], rows: Iterable[Naming]) -> dict[str, Claim]:
    """Return for each file the user whose row named it first."""
    first: dict[str, Naming] = {}
    for row in rows:
        name = media().canonical(row.name)
        if name and name in files and row.at <= files[name].modified_at + NAMED_WITHIN:
            first[name] = min(first.get(name, row), row, key=lambda each: (each.at, each.user_id))
    return {
        name: Claim(first[name].user_id, How.NAMED) if name in first else Claim(None, How.UNCLAIMED) for name in files
    }


def record(wanted: Mapping[str, Claim]) -> None:
    """Record the claims; a file that has a record keeps it."""
    claimed = list(wanted.items())
    for start in range(0, len(claimed), BATCH):
        _record(claimed[start : start + BATCH])


def _record(claimed: list[tuple[str, Claim]]) -> None:
    columns: dict[str, list[Any]] = {
        "names": [name for name, _ in claimed],
        "users": [claim.user_id for _, claim in claimed],
        "hows": [claim.how for _, claim in claimed],
    }
    with connection.cursor() as cursor:
        cursor.execute(_RECORD, columns)


def left_by_deleted_users() -> set[str]:
    """Return the files whose owner's account is gone."""
    return set(_owned_once().filter(user=None).values_list("name", flat=True))


def owned_uploads() -> set[str]:
    """Return the uploads that have or had an owner."""
    below = (Q(name__startswith=f"{folder}/") for folder in UPLOADS)
    return set(_owned_once().filter(reduce(or_, below)).values_list("name", flat=True))


def _owned_once() -> QuerySet[FileOwner]:
    return FileOwner.objects.exclude(how=How.UNCLAIMED)


def give(name: str, *, user_id: int) -> None:
    """Make this user the owner, whatever was recorded: the staff decides."""
    FileOwner.objects.update_or_create(pk=name, defaults={"user_id": user_id, "how": How.GIVEN})
