"""Find the files that a row names, and may read."""

from collections.abc import Iterable

from apps.media.namings import names_of
from apps.media.owners import owners_of
from apps.media.storage import StoredFile, media
from config.errors import NotFoundError


def video_file(name: str, *, owner_id: int) -> StoredFile:
    """Return the video that a row of this user names. Raises NotFoundError, also for a file of another user."""
    (file,) = files_of([(name, owner_id)])
    if file is None:
        raise NotFoundError("The video file is not there any more.", code="file-missing")
    return file


def files_of(rows: Iterable[tuple[str, int]]) -> list[StoredFile | None]:
    """Return the file that each row means, given as name and user; None without one that this user owns.

    A row may name any file, since the original stores the path that its client sends. The number of queries does
    not depend on the number of rows.
    """
    rows = list(rows)
    found = [_existing(name, owner_id) for name, owner_id in rows]
    owners = owners_of(file for files in found for file in files)
    return [
        next((file for file in files if owners.get(file.name) == owner_id), None)
        for files, (_, owner_id) in zip(found, rows, strict=True)
    ]


def _existing(name: str, owner_id: int) -> list[StoredFile]:
    names = dict.fromkeys(names_of(name, owner_id=owner_id))
    return [file for file in map(media().find, names) if file]
