"""Titles of songs, and the file names that they come from and turn into."""

import unicodedata
from pathlib import Path

from django.core.exceptions import ValidationError

from apps.songs.models import LONGEST_TITLE
from config.errors import InvalidError
from config.texts import REFUSED, SEEN, TURNING, one_line, seen

# The ends of names that songs and films have; anything else after a dot is part of the title.
ENDINGS = frozenset({".aac", ".flac", ".m4a", ".m4v", ".mov", ".mp3", ".mp4", ".oga", ".ogg", ".opus", ".wav", ".wave"})
# File systems allow 255 bytes, and a video may be named after it.
LONGEST_NAME_BYTES = 200
HALF_A_PAIR = "Cs"  # of a surrogate: it cannot be sent


def title_of(name: str) -> str:
    """Return a title for people: ``mi_corazon.mp3`` is "mi corazon"."""
    return _spaced(Path(name).stem) or name


def title_of_upload(name: str) -> str:
    """Return a title for a file that a stranger named, whatever its name is."""
    plain = "".join(letter if _is_shown(letter) else " " for letter in unicodedata.normalize("NFC", name))
    stem, dot, ending = plain.rpartition(".")
    named = stem if dot and f".{ending.strip().lower()}" in ENDINGS else plain
    title = _spaced(named)[:LONGEST_TITLE].strip()
    return title if SEEN.search(title) else "Song"


def checked_title(text: str) -> str:
    """Return the title as it is kept. Raises InvalidError."""
    title = unicodedata.normalize("NFC", text).strip()
    message = "" if title and len(title) <= LONGEST_TITLE else f"A title has 1 to {LONGEST_TITLE} characters."
    try:
        one_line(title)
        seen(title)
    except ValidationError as error:
        message = str(error.message)
    if message:
        raise InvalidError(message, errors={"title": [message]})
    return title


def _is_shown(letter: str) -> bool:
    return unicodedata.category(letter) not in REFUSED | {HALF_A_PAIR} and letter not in TURNING


def file_name_of(title: str, *, ending: str) -> str:
    """Return the title as the name of one plain file, as a choreography names its song: ``Mi Corazón.mp3``."""
    stem = title.replace("/", "-").replace("\0", "").strip(" .").encode()[:LONGEST_NAME_BYTES]
    return f"{stem.decode(errors='ignore').strip() or 'Song'}{ending}"


def _spaced(stem: str) -> str:
    return " ".join(stem.replace("_", " ").replace("-", " ").split())
