"""The command that puts a song where both systems look for everybody's songs."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from apps.media.storage import songs
from apps.songs.common import song_files


@pytest.fixture(params=["directory", "gcs"])
def place(request, media_root: Path) -> None:
    (media_root / "songs").mkdir()
    if request.param == "gcs":
        request.getfixturevalue("on_bucket")


@pytest.fixture
def song(demo_song: Path, tmp_path: Path) -> Path:
    path = tmp_path / "Noche é.mp3"
    path.write_bytes(demo_song.read_bytes())
    return path


def add(*arguments: object) -> str:
    said = StringIO()
    call_command("add_song", *map(str, arguments), stdout=said)
    return said.getvalue()


def test_add_song__asked_first__changes_nothing_then_lists_it(place, song):
    assert add(song) == "Noche é.mp3: would be everybody's song\n"
    assert song_files() == []
    assert add(song, "--apply") == "Noche é.mp3: is everybody's song\n"
    assert [(file.name, file.size) for file in song_files()] == [("Noche é.mp3", song.stat().st_size)]
    assert song.exists()


def test_add_song__once_more__is_there_already(place, song):
    add(song, "--apply")
    assert add(song, "--apply") == "Noche é.mp3: is there already\n"


def test_add_song__another_of_this_name__is_left_alone(place, song):
    add(song, "--apply")
    before = songs().find(song.name)
    song.write_bytes(song.read_bytes()[:-1000])
    with pytest.raises(CommandError, match=r"^Another song is called 'Noche é\.mp3'\. Give yours another name"):
        add(song, "--apply")
    assert add(song, "--apply", "--unless-there") == "Noche é.mp3: is there already\n"
    assert songs().find(song.name) == before


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("song.wav", b"RIFF", r"^'song\.wav' does not end in \.mp3; the original lists no other songs"),
        ("song.mp3", b"no sound at all", r"song\.mp3 is no song: CH"),
        ("missing.mp3", None, r"missing\.mp3 is no song: .*"),
    ],
)
def test_add_song__no_song__is_refused(place, tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(CommandError, match=message):
        add(tmp_path / name, "--apply")
    assert song_files() == []
