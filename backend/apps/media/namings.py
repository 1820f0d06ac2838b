"""Rows that name a file: saved choreographies by their video and thumbnail, tasks by their result."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from django.db import connection

from apps.media.folders import folder_of

# In SQL, because the models of these tables stand on higher floors.
_ALL = Path(__file__).with_suffix(".sql").read_text()


class Naming(NamedTuple):
    """One row's word for a file."""

    name: str  # as the row has it: absolute, relative, or of a machine that is gone
    user_id: int
    at: datetime
    task_id: str | None


def namings(*, of_files: Iterable[str] | None = None, user_id: int | None = None) -> Iterator[Naming]:
    """Return the rows that may name these files, however they spell them, or all rows; of one user, if given."""
    bases = None if of_files is None else sorted({PurePosixPath(name).name for name in of_files})
    # All rows are read piece by piece: there may be millions.
    with connection.cursor() if bases is not None else connection.chunked_cursor() as cursor:
        cursor.execute(_ALL, {"bases": bases, "user_id": user_id})
        while rows := cursor.fetchmany(2000):
            yield from (Naming(*row) for row in rows)


def names_of(name: str, *, owner_id: int) -> tuple[str, str]:
    """Return the names of the files that a row of this user may mean, the likelier first.

    Old rows hold paths of machines that are gone; the original finds their videos by base name in the user's folder.
    """
    return name, f"{folder_of(owner_id)}/{PurePosixPath(name).name}"
