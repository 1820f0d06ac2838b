"""Put a song where everybody's songs are, in whichever storage, if asked to."""

import shutil
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.media import storage
from apps.songs.common import is_song
from bachateo import BachateoError
from bachateo.music.song import inspect_song


class Command(BaseCommand):
    help = "Puts a song where everybody's songs are, in both systems. One that is there is never replaced."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="an mp3 of this machine")
        parser.add_argument("--apply", action="store_true", help="store it; without it nothing is changed")
        parser.add_argument("--unless-there", action="store_true", help="a song of this name, whichever, is enough")

    def handle(self, *_args: Any, file: Path, apply: bool, unless_there: bool, **_options: Any) -> None:
        _check(file)
        name = file.name
        if storage.songs().find(name):
            if not (unless_there or _holds(name, file)):
                raise CommandError(f"Another song is called {name!r}. Give yours another name; nothing was changed.")
            self.stdout.write(f"{name}: is there already")
            return
        if apply:
            with storage.songs().aside() as folder:
                storage.songs().add(name, Path(shutil.copy(file, folder)))
            if not _holds(name, file):
                raise CommandError(f"{name!r} was stored, and what is there now is another file. Look who wrote it.")
        self.stdout.write(f"{name}: {'is' if apply else 'would be'} everybody's song")


def _holds(name: str, file: Path) -> bool:
    stored = storage.songs().find(name)
    return stored is not None and b"".join(storage.songs().read(stored, 0, stored.size)) == file.read_bytes()


def _check(file: Path) -> None:
    if not is_song(file.name):
        raise CommandError(f"{file.name!r} does not end in .mp3; the original lists no other songs. Convert it.")
    try:
        inspect_song(file)
    except (BachateoError, OSError) as error:
        raise CommandError(f"{file} is no song: {error}") from error
