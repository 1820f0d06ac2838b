"""The bytes of own songs: once for each content, whatever happens at the same time or in the middle."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.db.models.functions import Now

from apps.generation.sweep import sweep
from apps.media.directory import DirectoryStorage
from apps.songs import recordings
from apps.songs.models import OwnSong, Recording
from apps.songs.services import add_song, delete_song
from tests.conftest import make_user, wait_for_locks
from tests.media import write_sound


@pytest.fixture(scope="module")
def tone(tmp_path_factory) -> bytes:
    return write_sound(tmp_path_factory.mktemp("tone") / "tone.mp3").read_bytes()


def add(user, tone: bytes, name: str = "song.mp3"):
    return add_song(upload=SimpleUploadedFile(name, tone), user=user)


def files(media_root: Path) -> list[Path]:
    return [path for path in (media_root / "own_songs").rglob("*") if path.is_file()]


def age() -> None:
    Recording.objects.update(touched_at=Now() - timedelta(days=1))


def together(*acts):
    def run(act):
        try:
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def test_upload__of_two_users_at_once__one_file_and_two_songs(own_database, media_root, tone):
    users = [make_user("ana"), make_user("ben")]
    acts = [lambda user=user, n=n: add(user, tone, f"{user.username} {n}.mp3") for n in range(3) for user in users]
    ended = together(*acts)
    assert sum(created for _, created in ended) == 2
    assert len({song.id for song, _ in ended}) == OwnSong.objects.count() == 2
    assert (Recording.objects.count(), len(files(media_root))) == (1, 1)


def test_sweep__in_the_middle_of_an_upload__waits_and_keeps_it(own_database, media_root, tone):
    """The content was deleted long ago; a user brings it again while a worker removes it."""
    ana = make_user("ana")
    first, _ = add(ana, tone)
    delete_song(user=ana, song_id=first.id)
    age()
    sha256 = Recording.objects.get().pk

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            recordings.lock(sha256)
            sweep = pool.submit(together, recordings.remove_unused)
            wait_for_locks(own_database, "locktype = 'advisory'")
            OwnSong.objects.create(user=ana, recording_id=sha256, title="again")
        sweep.result()
    assert (Recording.objects.count(), len(files(media_root))) == (1, 1)


def test_sweep__without_the_lock__would_fail_and_lose_the_file(own_database, media_root, tone, monkeypatch):
    ana = make_user("ana")
    delete_song(user=ana, song_id=add(ana, tone)[0].id)
    age()
    sha256 = Recording.objects.get().pk
    monkeypatch.setattr(recordings, "lock", lambda _: None)
    with transaction.atomic():
        OwnSong.objects.create(user=ana, recording_id=sha256, title="again")
        with ThreadPoolExecutor(1) as pool:
            pool.submit(together, lambda: delete_file_of(sha256)).result()
    assert (OwnSong.objects.count(), files(media_root)) == (1, [])


def test_upload__stopped_when_the_file_is_there_and_no_song_yet__sweep_removes_it(
    own_database, media_root, tone, monkeypatch
):
    ana = make_user("ana")
    with monkeypatch.context() as patch:
        patch.setattr(OwnSong.objects, "create", stop)
        with pytest.raises(KeyboardInterrupt):
            add(ana, tone)
    assert (OwnSong.objects.count(), Recording.objects.count(), len(files(media_root))) == (0, 1, 1)
    monkeypatch.setattr(recordings, "_next_look_at", 0.0)
    sweep()
    assert len(files(media_root)) == 1, "the upload may go on"
    age()
    sweep()
    assert len(files(media_root)) == 1, "a process looks seldom"
    monkeypatch.setattr(recordings, "_next_look_at", 0.0)
    sweep()
    assert (Recording.objects.count(), files(media_root)) == (0, [])


def test_sweep__storage_refuses__row_and_file_stay_for_the_next_time(own_database, media_root, tone, monkeypatch):
    ana = make_user("ana")
    for content in (tone, tone + b"TAG"):
        delete_song(user=ana, song_id=add(ana, content)[0].id)
    age()
    with monkeypatch.context() as patch:
        patch.setattr(DirectoryStorage, "delete", refuse)
        recordings.remove_unused()
    assert (Recording.objects.count(), len(files(media_root))) == (2, 2)
    recordings.remove_unused()
    assert (Recording.objects.count(), files(media_root)) == (0, [])


def stop(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def refuse(*_: object) -> None:
    raise PermissionError("read-only")


def delete_file_of(sha256: str) -> None:
    """Do what ``_remove`` does up to its last statement, which would wait for the key."""
    row = recordings.unused().get(pk=sha256)
    DirectoryStorage().delete(row.file_name)
