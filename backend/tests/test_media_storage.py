"""A directory and a bucket pass the same tests."""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage, storages
from google.cloud.storage import Blob

import apps.media.bucket
from apps.media.bucket import BucketStorage
from apps.media.directory import CHUNK_BYTES, DirectoryStorage
from apps.media.storage import MediaStorage, media
from config.errors import StorageError
from sandbox.ports import free_port

NAME = "output/user_1/luna #2 (100%) é?.mp4"


@pytest.fixture(params=["directory", "gcs"])
def storage(request, media_root: Path) -> MediaStorage:
    if request.param == "gcs":
        request.getfixturevalue("on_bucket")
    return media()


@pytest.fixture
def local() -> Callable[[bytes], Path]:
    """Make a file of this machine that can be added."""
    with media().aside() as folder:
        yield lambda content: write(folder / f"{len(list(folder.iterdir()))}.mp4", content)


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def content_of(storage: MediaStorage, name: str) -> bytes:
    file = storage.find(name)
    return b"".join(storage.read(file, 0, file.size))


def test_storages__are_of_the_kind_the_settings_say(on_bucket):
    assert isinstance(storages["songs"], BucketStorage)
    assert (storages["songs"].location, default_storage.location) == ("songs", "media")
    assert (storages["songs"].file_overwrite, default_storage.file_overwrite) == (False, False)


def test_add__file__is_found_and_read(storage, local):
    storage.add(NAME, local(b"moving pictures"))
    file = storage.find(NAME)
    assert (file.name, file.size, content_of(storage, NAME)) == (NAME, 15, b"moving pictures")
    assert storage.find(NAME) == file


def test_add__name_that_is_taken__changes_nothing(storage, local):
    storage.add(NAME, local(b"first"))
    before = storage.find(NAME)
    with pytest.raises(FileExistsError):
        storage.add(NAME, local(b"second"))
    assert (storage.find(NAME), content_of(storage, NAME)) == (before, b"first")


def test_add__name_that_is_taken_in_a_bucket__is_known_before_the_upload(on_bucket, local, monkeypatch):
    media().add(NAME, local(b"first"))
    monkeypatch.setattr(Blob, "upload_from_file", lambda *_, **__: pytest.fail("it was sent all the same"))
    with pytest.raises(FileExistsError):
        media().add(NAME, local(b"second"))


def winners(storage: MediaStorage, local: Callable[[bytes], Path]) -> int:
    """Add under one name from many threads at once; the one that won is there."""
    paths = [local(b"%d" % number) for number in range(12)]
    together = threading.Barrier(len(paths))

    def add(path: Path) -> bool:
        together.wait()
        try:
            storage.add(NAME, path)
        except FileExistsError:
            return False
        return True

    with ThreadPoolExecutor(len(paths)) as pool:
        won = list(pool.map(add, paths))
    assert won[int(content_of(storage, NAME))]
    return won.count(True)


def test_add__many_at_once__one_wins(storage, local):
    assert winners(storage, local) == 1


def test_add__many_at_once__without_the_condition_of_the_bucket__is_noticed(on_bucket, local, monkeypatch):
    real = Blob.upload_from_file

    def overwrite(blob: Blob, *arguments: object, if_generation_match: int, **options: object) -> None:
        real(blob, *arguments, **options)

    monkeypatch.setattr(Blob, "upload_from_file", overwrite)
    assert winners(media(), local) > 1


def test_holds__only_what_add_made_of_this_file(storage, local):
    mine, same_length, other = local(b"first"), local(b"fifth"), local(b"another")
    assert not storage.holds(NAME, mine)
    storage.add(NAME, mine)
    assert [storage.holds(NAME, path) for path in (mine, same_length, other)] == [True, False, False]
    mine.unlink()
    assert not storage.holds(NAME, mine)


def test_save__many_at_once__lose_nothing(storage):
    contents = [b"%d" % number for number in range(12)]
    with ThreadPoolExecutor(12) as pool:
        names = list(pool.map(lambda content: default_storage.save("a/v.mp4", ContentFile(content)), contents))
    assert [content_of(storage, name) for name in names] == contents
    assert names.count("a/v.mp4") == 1
    assert [file.name for file in storage.files("a")] == sorted(names)


@pytest.mark.parametrize(("start", "stop"), [(0, 0), (0, 1), (3, 700_000), (1_048_575, 1_048_577), (0, 2_500_000)])
def test_read__range__is_exactly_these_bytes(storage, local, start, stop):
    content = os.urandom(2_500_000)
    storage.add(NAME, local(content))
    assert b"".join(storage.read(storage.find(NAME), start, stop)) == content[start:stop]


def test_read__range_of_a_bucket__asks_for_no_more(on_bucket, local, monkeypatch):
    media().add(NAME, local(bytes(3_000_000)))
    file, asked, real = media().find(NAME), [], Blob.download_as_bytes

    def watched(blob: Blob, *, start: int, end: int, **options: object) -> bytes:
        asked.append((start, end))
        return real(blob, start=start, end=end, **options)

    monkeypatch.setattr(Blob, "download_as_bytes", watched)
    assert len(b"".join(media().read(file, 1_000_000, 2_500_000))) == 1_500_000
    assert asked == [(1_000_000, 2_048_575), (2_048_576, 2_499_999)]


def test_read__file_that_is_not_read_to_the_end__is_closed(storage, local):
    storage.add(NAME, local(bytes(2 * CHUNK_BYTES)))
    span = storage.read(storage.find(NAME), 0, 2 * CHUNK_BYTES)
    next(iter(span))
    span.close()


def test_read__bucket_that_is_away__says_so_before_an_answer_begins(on_bucket, local, monkeypatch):
    media().add(NAME, local(b"12345"))
    file = media().find(NAME)

    def away(*_: object, **__: object) -> bytes:
        raise apps.media.bucket.RequestException("away")

    monkeypatch.setattr(Blob, "download_as_bytes", away)
    with pytest.raises(StorageError, match="away"):
        media().read(file, 0, 5)


def test_read__object_that_was_deleted_and_written_anew__is_not_mixed_up(on_bucket, local):
    media().add(NAME, local(b"first"))
    file = media().find(NAME)
    media().delete(NAME)
    media().add(NAME, local(b"other"))
    assert media().find(NAME).version != file.version
    with pytest.raises(FileNotFoundError):
        list(media().read(file, 0, 5))


def test_files__however_deep__are_listed_by_name(storage, local):
    for name in ("output/b.mp4", "output/a/c.mp4", "outputs/d.mp4", "e.mp4"):
        storage.add(name, local(name.encode()))
    assert [(file.name, file.size) for file in storage.files("output")] == [
        ("output/a/c.mp4", 14),
        ("output/b.mp4", 12),
    ]
    assert storage.files("output")[0] == storage.find("output/a/c.mp4")
    assert storage.files("nothing") == []


def test_files__object_that_stands_for_a_folder__is_none(on_bucket):
    on_bucket.put("media/output/", b"")
    assert media().files("output") == []


def test_fetch__file__is_here_with_its_name(storage, local, tmp_path):
    storage.add("a/song.mp3", local(b"sound"))
    path = storage.fetch("a/song.mp3", tmp_path / "new")
    assert (path.name, path.read_bytes()) == ("song.mp3", b"sound")
    with pytest.raises(FileNotFoundError):
        storage.fetch("a/gone.mp3", tmp_path / "new")


def test_delete__twice__is_gone(storage, local):
    storage.add(NAME, local(b"x"))
    storage.delete(NAME)
    storage.delete(NAME)
    assert storage.find(NAME) is None


def test_canonical__untidy_names__mean_one_file(storage, local, media_root):
    storage.add("output/v.mp4", local(b"x"))
    names = ["output/v.mp4", "./output//v.mp4", "output/x/../v.mp4", "a/../../media/output/v.mp4"]
    for name in [*names, str(media_root / "output/v.mp4"), f"{media_root}/../media/output/v.mp4"]:
        assert (storage.canonical(name), storage.find(name).name) == ("output/v.mp4", "output/v.mp4"), name
    assert storage.canonical("output/gone.mp4") == "output/gone.mp4"
    assert storage.find("..v.mp4") is None
    assert storage.canonical("..v.mp4") == "..v.mp4"


@pytest.mark.parametrize("name", ["../v.mp4", "/etc/passwd", "output/../../v.mp4", "a\0b.mp4", "/srv/old/media/v.mp4"])
def test_canonical__outside_or_impossible__is_none(storage, name):
    assert (storage.canonical(name), storage.find(name)) == (None, None)


@pytest.mark.parametrize("name", ["", ".", "output", "gone.mp4", "x" * 2000, "a\nb.mp4", "\ud800.mp4"])
def test_find__no_file__is_none(storage, local, name):
    storage.add("output/v.mp4", local(b"x"))
    assert storage.find(name) is None


def test_check__says_nothing_when_it_can_be_used(storage):
    storage.check()


def test_check__endpoint_without_a_server__is_told():
    endpoint = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(OSError, match="Connection refused"):
        BucketStorage(bucket_name="b", location="media", api_endpoint=endpoint).check()


def test_check__bucket_of_another_name__is_told(bucket):
    with pytest.raises(FileNotFoundError):
        BucketStorage(bucket_name="no-such-bucket", location="media", api_endpoint=bucket.endpoint).check()


def test_prefix__another_one__finds_nothing(on_bucket, local):
    """A system whose prefix is wrong does not see what the other wrote."""
    media().add(NAME, local(b"x"))
    options = {"bucket_name": on_bucket.name, "api_endpoint": on_bucket.endpoint}
    assert BucketStorage(**options, location="media").find(NAME)
    assert BucketStorage(**options, location="").find(NAME) is None
    assert on_bucket.names() == [f"media/{NAME}"]


def test_faults_of_google__become_those_of_a_file_system():
    for raised, told in (
        (apps.media.bucket.NotFound("x"), FileNotFoundError),
        (apps.media.bucket.PreconditionFailed("x"), FileExistsError),
        (apps.media.bucket.GoogleAPIError("x"), StorageError),
        (apps.media.bucket.GoogleAuthError("x"), StorageError),
    ):
        with pytest.raises(told), apps.media.bucket.raising_as_files():
            raise raised


def test_directory__lies_below_the_media_root_of_this_moment(media_root, settings, tmp_path):
    assert Path(DirectoryStorage("songs").location) == media_root / "songs"
    settings.MEDIA_ROOT = tmp_path / "other"
    assert Path(storages["songs"].location) == tmp_path / "other" / "songs"
