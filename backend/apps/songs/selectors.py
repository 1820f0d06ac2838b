"""The songs there are: files below the media root, whoever put them there."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings

from apps.media.files import media_file
from apps.songs.models import Song
from config.errors import NotFoundError

FOLDER = "songs"


@dataclass(frozen=True)
class SongFile:
    """A song on disk, with what is known of it. Only songs uploaded here have a length and an owner."""

    name: str
    title: str
    size: int
    added_at: datetime
    duration_s: float | None = None
    uploaded_by_id: int | None = None


def songs_folder() -> Path:
    return Path(settings.MEDIA_ROOT) / FOLDER


def songs() -> list[SongFile]:
    """Return every song by title: the original's too, which have a file and no row."""
    rows = {song.file_name: song for song in Song.objects.all()}
    found = [song_file(path, rows.get(path.name)) for path in song_paths()]
    return sorted(found, key=lambda song: (song.title.casefold(), song.name))


def song_paths() -> list[Path]:
    folder = songs_folder()
    # A hidden file is one that is still being written.
    listed = [path for path in folder.iterdir() if not path.name.startswith(".")] if folder.is_dir() else []
    return [path for path in listed if is_song(path.name) and path.is_file()]


def is_song(name: str) -> bool:
    return name.lower().endswith(".mp3")


def song_file(path: Path, row: Song | None) -> SongFile:
    info = path.stat()
    return SongFile(
        name=path.name,
        title=row.title if row else title_of(path.name),
        size=info.st_size,
        added_at=datetime.fromtimestamp(info.st_mtime, tz=UTC),
        duration_s=row.duration_s if row else None,
        uploaded_by_id=row.uploaded_by_id if row else None,
    )


def title_of(name: str) -> str:
    """Return a title for people: ``mi_corazon.mp3`` is "mi corazon"."""
    return " ".join(Path(name).stem.replace("_", " ").replace("-", " ").split()) or name


def song_path(name: str) -> Path:
    """Return the file of the song ``name``. Raises NotFoundError."""
    path = media_file(f"{FOLDER}/{name}") if "/" not in name and is_song(name) else None
    if path is None:
        raise NotFoundError(f"There is no song {name!r}.", code="song-missing")
    return path
