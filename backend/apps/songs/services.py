"""Add, rename and delete a user's own songs."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models.functions import Now
from django.utils.text import get_valid_filename

import bachateo
from apps.authentication.models import User
from apps.media import storage
from apps.quotas.limits import check_new_song, one_at_a_time
from apps.songs import recordings
from apps.songs.common import song_named
from apps.songs.models import OwnSong, Recording
from apps.songs.selectors import ListedSong, is_own_id, listed, own_song
from apps.songs.titles import checked_title, title_of_upload
from bachateo.media.magic import kind_of
from bachateo.media.opening import SOUND_FORMATS
from bachateo.music.song import SongFacts, inspect_song
from config.errors import ConflictError, InvalidError, TooLargeError

# A draft's name stands in what the engine says of it; file systems allow 255 bytes.
LONGEST_NAME_BYTES = 150


def size_limit_bytes() -> int:
    return settings.SONG_MAX_MB * 1024 * 1024


def check_size(size: int) -> None:
    """Raise TooLargeError beyond SONG_MAX_MB."""
    if size > size_limit_bytes():
        raise TooLargeError(f"A song may have at most {settings.SONG_MAX_MB} MB.")


def add_song(*, upload: "UploadedFile[bytes]", user: User) -> tuple[ListedSong, bool]:
    """Keep an uploaded song as the user's own, and say whether it is new: the same content again is the same song.

    Raises InvalidError if it is no song, TooLargeError if it is too large, QuotaError if the user has as many songs,
    or stored as many bytes, as one user may.
    """
    check_size(upload.size or 0)
    with _written_aside(upload) as (draft, sha256):
        # Also of a content that is here already: a faster answer would tell that another user has it.
        facts = _checked(draft)
        recordings.announce(sha256, size=draft.stat().st_size, facts=facts, user_id=user.pk)
        return _own(draft, sha256=sha256, title=title_of_upload(upload.name or ""), user=user)


@transaction.atomic
def _own(draft: Path, *, sha256: str, title: str, user: User) -> tuple[ListedSong, bool]:
    one_at_a_time(user.pk)
    recordings.lock(sha256)
    known = OwnSong.objects.filter(user=user, recording_id=sha256).first()
    if known is None:
        check_new_song(user, size=draft.stat().st_size)
    recording = recordings.store(sha256, draft)
    song = known or OwnSong.objects.create(user=user, recording=recording, title=title)
    return listed(own_song(user, str(song.pk))), known is None


@contextmanager
def _written_aside(upload: "UploadedFile[bytes]") -> Iterator[tuple[Path, str]]:
    """Yield the upload as a file outside every list, and its SHA-256."""
    with storage.media().aside() as folder:
        draft, digest = Path(folder, draft_name(upload.name or "")), hashlib.sha256()
        with draft.open("wb") as file:
            for chunk in upload.chunks():
                digest.update(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        yield _called_by_content(draft), digest.hexdigest()


def draft_name(name: str) -> str:
    """Return a file name that every file system takes, and that people know again."""
    plain = get_valid_filename(f"_{Path(name).name}").strip("._-")
    return plain.encode()[-LONGEST_NAME_BYTES:].decode(errors="ignore") or "song"


def _called_by_content(draft: Path) -> Path:
    """Give the draft an ending of what it is: FFmpeg, which reads it next, would go by a wrong one."""
    kind = kind_of(draft, SOUND_FORMATS)
    if kind is None or draft.suffix.lower() in recordings.ENDINGS[kind]:
        return draft
    return draft.rename(draft.with_suffix(recordings.ENDINGS[kind][0]))


def _checked(draft: Path) -> SongFacts:
    """Hear the draft to its end, whatever its name says. Raises InvalidError."""
    try:
        return inspect_song(draft)
    except bachateo.BachateoError as error:
        raise InvalidError(error.message, code="not-a-song", errors={"file": [error.message]}) from error


@transaction.atomic
def rename_song(*, user: User, song_id: str, title: str | None = None) -> ListedSong:
    """Rename an own song; without a title it stays. Choreographies that were made keep the title they know.

    Raises NotFoundError, InvalidError, ConflictError for a song that is everybody's.
    """
    _require_own(song_id)
    if title is not None:
        OwnSong.objects.filter(user=user, pk=song_id).update(title=checked_title(title))
    return listed(own_song(user, song_id))


@transaction.atomic
def delete_song(*, user: User, song_id: str) -> None:
    """Delete an own song. Jobs that were given it go on, and others who brought the same content keep theirs.

    Raises NotFoundError, ConflictError for a song that is everybody's.
    """
    _require_own(song_id)
    song = own_song(user, song_id, lock=True)
    OwnSong.objects.filter(pk=song.pk).delete()
    Recording.objects.filter(pk=song.recording_id).update(touched_at=Now())


def _require_own(song: str) -> None:
    if not is_own_id(song):
        song_named(song)
        raise ConflictError(f"{song!r} is everybody's: it cannot be renamed or deleted here.", code="song-of-all")
