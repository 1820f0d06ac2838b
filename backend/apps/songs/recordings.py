"""The bytes of own songs: each content is stored once, in the folder of the user who brought it first.

Its row is written before its file and goes after it, so no file is without a row however a process ends. What is done
with one content is done under a lock of that content. A recording is removed when no own song and no live job has it;
nothing is counted.
"""

import hashlib
import logging
import time
from datetime import timedelta
from pathlib import Path, PurePosixPath

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now

from apps.media import storage
from apps.media.storage import MediaStorage, StoredFile
from apps.songs.common import song_files
from apps.songs.models import JobSong, OwnSong, Recording
from bachateo.music.song import SongFacts

log = logging.getLogger(__name__)

FOLDER = "own_songs"
# The first number of the advisory locks of contents; nothing else uses it. The second is of the content.
PLACING = 0x736F6E67
# An upload stores its file seconds after its row was written. Much longer: then it was cut off.
KEPT_UNUSED = timedelta(hours=1)
# So often a process looks, and so many it removes at once; the others wait for the next time.
LOOKED_EVERY_S = 600.0
REMOVALS = 100
# How files of each kind are called, by FFmpeg's names for what is inside; as the first they are stored.
ENDINGS = {
    "mp3": (".mp3",),
    "mov": (".m4a", ".mp4", ".mov", ".m4v"),
    "ogg": (".ogg", ".oga", ".opus"),
    "flac": (".flac",),
    "wav": (".wav", ".wave"),
}

_next_look_at = 0.0


def lock(sha256: str) -> None:
    """Let others who store or remove this content, on any machine, wait until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [PLACING, int(sha256[:8], 16) % 2**31])


@transaction.atomic
def announce(sha256: str, *, size: int, facts: SongFacts, user_id: int) -> None:
    """Write where the content is, or will be; committed before ``store``, so that a crash leaves no unknown file."""
    lock(sha256)
    row = Recording.objects.filter(pk=sha256).first()
    if row and _is_there(row):
        Recording.objects.filter(pk=sha256).update(touched_at=Now())
        return
    common = _common_file(sha256, size=size)
    ending = ENDINGS[facts.format.split(",")[0]][0]
    place = {
        "file_name": common.name if common else f"{FOLDER}/user_{user_id}/{sha256}{ending}",
        "is_common": common is not None,
        "touched_at": Now(),
    }
    new = {"size": size, "duration_s": facts.duration_s}
    Recording.objects.update_or_create(pk=sha256, defaults=place, create_defaults=place | new)


def store(sha256: str, draft: Path) -> Recording:
    """Store an announced content, unless it is there; under its lock, in the transaction that makes it a song."""
    row = Recording.objects.get(pk=sha256)
    if not _is_there(row):
        try:
            _storage_of(row).add(row.file_name, draft)
        except FileExistsError:
            # Sent to a bucket twice because the first answer was lost: a name of this folder has one content.
            log.info("%s was stored already", row.file_name)
    return row


def _is_there(row: Recording) -> bool:
    file = _storage_of(row).find(row.file_name)
    return file is not None and file.size == row.size


def _storage_of(row: Recording) -> MediaStorage:
    return storage.songs() if row.is_common else storage.media()


def _common_file(sha256: str, *, size: int) -> StoredFile | None:
    # Compare with the files: most songs of the common folder have no row, and a row may outlive its file.
    return next((file for file in song_files() if file.size == size and _sha256(file) == sha256), None)


def _sha256(file: StoredFile) -> str:
    digest = hashlib.sha256()
    for chunk in storage.songs().read(file, 0, file.size):
        digest.update(chunk)
    return digest.hexdigest()


def ending_of(row: Recording) -> str:
    return PurePosixPath(row.file_name).suffix.lower()


def fetch(row: Recording, *, name: str, folder: Path) -> Path:
    """Return the recording as a file of this machine, in ``folder``, called ``name``. Raises FileNotFoundError."""
    path = _storage_of(row).fetch(row.file_name, folder / "fetched")
    folder.mkdir(parents=True, exist_ok=True)
    # What the engine says names the file; the stored one is called by its content.
    (folder / name).symlink_to(path.resolve())
    return folder / name


def unused() -> QuerySet[Recording]:
    """Return the recordings that no own song and no live job has, and that no upload has just brought."""
    brought = OwnSong.objects.filter(recording=OuterRef("pk"))
    needed = JobSong.objects.filter(recording=OuterRef("pk"), job__outcome__isnull=True)
    return Recording.objects.filter(~Exists(brought), ~Exists(needed), touched_at__lt=Now() - KEPT_UNUSED)


def sweep() -> None:
    """Remove unused recordings, if this process has not looked for a while."""
    global _next_look_at  # noqa: PLW0603 - one clock for each process
    if time.monotonic() >= _next_look_at:
        _next_look_at = time.monotonic() + LOOKED_EVERY_S
        remove_unused()


def remove_unused() -> None:
    """Remove files and rows of unused recordings; a storage that refuses is tried again the next time."""
    for sha256 in list(unused().values_list("pk", flat=True)[:REMOVALS]):
        try:
            _remove(sha256)
        except OSError:
            log.exception("recording %s could not be removed; it is tried again", sha256)


@transaction.atomic
def _remove(sha256: str) -> None:
    lock(sha256)
    row = unused().filter(pk=sha256).first()
    if row is None:
        return  # it was brought again meanwhile
    if not row.is_common:
        storage.media().delete(row.file_name)
    row.delete()
