"""Add songs."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import connection, transaction
from django.utils.text import get_valid_filename

import bachateo
from apps.authentication.models import User
from apps.media import storage
from apps.media.storage import StoredFile
from apps.quotas.limits import check_new_song, one_at_a_time
from apps.songs.models import Song
from apps.songs.selectors import SongFile, is_song, song_file, song_files, song_named, title_of
from bachateo.music.song import inspect_song
from config.errors import InvalidError, TooLargeError

# A title becomes part of the names of videos; file systems allow 255 bytes.
LONGEST_STEM_BYTES = 150
# The number of the advisory lock that uploads take; nothing else uses it.
PLACING = 0x736F6E6773


def size_limit_bytes() -> int:
    return settings.SONG_MAX_MB * 1024 * 1024


def check_size(size: int) -> None:
    """Raise TooLargeError beyond SONG_MAX_MB."""
    if size > size_limit_bytes():
        raise TooLargeError(f"A song may have at most {settings.SONG_MAX_MB} MB.")


def add_song(*, upload: "UploadedFile[bytes]", uploaded_by: User) -> tuple[SongFile, bool]:
    """Keep an uploaded song, and say whether it is new: the same content is the same song.

    Raises InvalidError if it is no song in mp3, TooLargeError if it is too large, QuotaError if the user has added
    as many songs, or stored as many bytes, as one user may.
    """
    check_size(upload.size or 0)
    name = safe_name(upload.name or "")
    with _written_aside(upload, name) as (draft, sha256):
        duration_s = _checked_duration_s(draft)
        title = title_of(upload.name or name)
        return _place(draft, title=title, sha256=sha256, duration_s=duration_s, user=uploaded_by)


def safe_name(name: str) -> str:
    """Return a file name that every file system and URL takes. Raises InvalidError unless it is an mp3's."""
    if not is_song(name):
        raise _not_a_song(f"{name or 'The file'} is no mp3 by its name. Choose a file that ends in .mp3.")
    stem = get_valid_filename(Path(f"_{name}").stem).strip("._-")
    return f"{stem.encode()[:LONGEST_STEM_BYTES].decode(errors='ignore') or 'song'}.mp3"


def _not_a_song(message: str) -> InvalidError:
    return InvalidError(message, code="not-a-song", errors={"file": [message]})


@contextmanager
def _written_aside(upload: "UploadedFile[bytes]", name: str) -> Iterator[tuple[Path, str]]:
    """Yield the upload as a file outside the list of songs, and its SHA-256."""
    with storage.songs().aside() as folder:
        draft, digest = Path(folder, name), hashlib.sha256()
        with draft.open("wb") as file:
            for chunk in upload.chunks():
                digest.update(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        yield draft, digest.hexdigest()


def _checked_duration_s(draft: Path) -> float:
    try:
        facts = inspect_song(draft)
    except bachateo.BachateoError as error:
        # The engine reads more formats than songs may have here, and its message would recommend them.
        unknown = f"{draft.name} is no sound file. Choose an mp3 that can be played."
        raise _not_a_song(unknown if error.code == "CH003" else error.message) from error
    if facts.format != "mp3":
        raise _not_a_song(f"{draft.name} is no mp3 inside ({facts.format_title}). Convert it to mp3 first.")
    return facts.duration_s


def _song_with_content(sha256: str, *, size: int) -> SongFile | None:
    # Compare with the files, not the rows: the original's songs have no row, and a row may outlive its file.
    for file in song_files():
        if file.size == size and _sha256(file) == sha256:
            return song_file(file, Song.objects.filter(file_name=file.name).first())
    return None


def _sha256(file: StoredFile) -> str:
    digest = hashlib.sha256()
    for chunk in storage.songs().read(file, 0, file.size):
        digest.update(chunk)
    return digest.hexdigest()


@transaction.atomic
def _place(draft: Path, *, title: str, sha256: str, duration_s: float, user: User) -> tuple[SongFile, bool]:
    one_at_a_time(user.pk)
    _one_upload_at_a_time()
    size = draft.stat().st_size
    known = _song_with_content(sha256, size=size)
    if known:
        return known, False
    check_new_song(user, size=size)
    name = _add_without_overwriting(draft)
    facts = {"file_name": name, "title": title[:200], "size": size, "duration_s": duration_s, "uploaded_by": user}
    try:
        # A row with this content may exist whose file is gone: it gets the new file.
        row, _ = Song.objects.update_or_create(sha256=sha256, defaults=facts)
    except BaseException:
        storage.songs().delete(name)
        raise
    return song_file(song_named(name), row), True


def _one_upload_at_a_time() -> None:
    """Let other uploads, on any machine, wait until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [PLACING])


def _add_without_overwriting(draft: Path) -> str:
    """Store the draft under the next name that neither a file nor a row has."""
    number = 1
    name = draft.name
    while not _add(draft, name):
        number += 1
        name = f"{draft.stem}-{number}.mp3"
    return name


def _add(draft: Path, name: str) -> bool:
    if Song.objects.filter(file_name=name).exists():
        return False  # its file may be gone, but choreographies still name it
    try:
        storage.songs().add(name, draft)
    except FileExistsError:
        # No stored file has this content, so the file is this upload, sent twice because its first answer was lost.
        return storage.songs().holds(name, draft)
    return True
