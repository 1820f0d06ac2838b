"""A bucket takes and gives large files in pieces, refuses what is not its own, and does not let its callers wait."""

import socket
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.core.exceptions import SuspiciousOperation
from google.cloud.storage.retry import DEFAULT_RETRY
from google.oauth2.service_account import Credentials

import apps.media.bucket
from apps.media.bucket import PIECE_BYTES, UPLOAD_PIECE_BYTES, BucketStorage
from apps.media.storage import media
from sandbox.bucket import Bucket

MB = 1024 * 1024
# As long as a song and a video may be, and an upload of three pieces and a part of one.
SIZE = 3 * UPLOAD_PIECE_BYTES + 5 * MB + 1
NAME = "output/user_1/v.mp4"


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large.mp4"
    with path.open("wb") as file:
        for number in range(SIZE // MB + 1):
            file.write(bytes([number]) * min(MB, SIZE - number * MB))
    return path


def peak_mb(work: Callable[[], object]) -> float:
    """Return how much memory Python took for this at most."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1] / MB
    finally:
        tracemalloc.stop()


@pytest.fixture
def uploads(monkeypatch) -> list[tuple[str, dict[str, list[str]], str]]:
    """The requests of uploads: method, query, and the span of bytes that they carry."""
    made, real = [], requests.Session.request

    def request(session: requests.Session, method: str, url: str, **options: object) -> requests.Response:
        if "/upload/" in url:
            made.append((method, parse_qs(urlsplit(url).query), dict(options["headers"]).get("content-range", "")))
        return real(session, method, url, **options)

    monkeypatch.setattr(requests.Session, "request", request)
    return made


def test_large_file__is_sent_in_pieces_that_can_be_resumed__only_if_the_name_is_free(on_bucket, large, uploads):
    media().add(NAME, large)
    (begin, query, _), *pieces = uploads
    assert (begin, query["uploadType"], query["ifGenerationMatch"]) == ("POST", ["resumable"], ["0"])
    spans = [span for _, _, span in pieces]
    assert spans[0] == f"bytes 0-{UPLOAD_PIECE_BYTES - 1}/{SIZE}"
    assert (len(spans), spans[-1]) == (4, f"bytes {3 * UPLOAD_PIECE_BYTES}-{SIZE - 1}/{SIZE}")
    assert media().holds(NAME, large)


def test_large_file__piece_that_fails__is_sent_again_alone(on_bucket, large, monkeypatch):
    sent, real = [], requests.Session.request

    def request(session: requests.Session, method: str, url: str, **options: object) -> requests.Response:
        span = dict(options["headers"]).get("content-range", "")
        sent.append(span)
        if span.startswith(f"bytes {UPLOAD_PIECE_BYTES}-") and sent.count(span) == 1:
            raise requests.ConnectionError("cut off in the middle")
        return real(session, method, url, **options)

    monkeypatch.setattr(requests.Session, "request", request)
    media().add(NAME, large)
    assert media().holds(NAME, large)
    pieces = [span for span in sent if span.startswith("bytes ") and "-" in span]
    assert [pieces.count(span) for span in dict.fromkeys(pieces)] == [1, 2, 1, 1]


def test_large_file__is_never_whole_in_memory(on_bucket, large, tmp_path):
    assert peak_mb(lambda: media().add(NAME, large)) < 2.5 * UPLOAD_PIECE_BYTES / MB
    assert peak_mb(lambda: media().fetch(NAME, tmp_path / "fetched")) < 4
    assert (tmp_path / "fetched" / "v.mp4").stat().st_size == SIZE
    file = media().find(NAME)
    read = [0]

    def stream() -> None:
        for piece in media().read(file, 0, file.size):
            read[0] += len(piece)

    assert peak_mb(stream) < 6 * PIECE_BYTES / MB
    assert read == [SIZE]


def test_large_file__sent_as_google_would__is_noticed(on_bucket, large, monkeypatch):
    monkeypatch.setattr(apps.media.bucket, "UPLOAD_PIECE_BYTES", 100 * MB)
    assert peak_mb(lambda: media().add(NAME, large)) > SIZE / MB


@pytest.mark.parametrize("name", ["../songs/s.mp3", "output/../../songs/s.mp3", "/songs/s.mp3"])
def test_name_outside__is_neither_written_nor_read_nor_deleted(on_bucket: Bucket, tmp_path, name):
    on_bucket.put("songs/s.mp3", b"a song")
    path = tmp_path / "s.mp3"
    path.write_bytes(b"another")
    for act in (lambda: media().add(name, path), lambda: media().fetch(name, tmp_path), lambda: media().delete(name)):
        with pytest.raises(SuspiciousOperation):
            act()
    assert {stored: on_bucket.read(stored) for stored in on_bucket.names()} == {"songs/s.mp3": b"a song"}


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that takes requests and never answers."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        taken = []

        def take() -> None:
            while True:
                try:
                    taken.append(server.accept()[0])
                except OSError:
                    return

        thread = threading.Thread(target=take)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
        [connection.close() for connection in taken]


@pytest.mark.parametrize("act", ["find", "files", "read", "holds", "fetch", "add", "delete", "check"])
def test_bucket_that_never_answers__is_told_after_its_time(silent, monkeypatch, tmp_path, act):
    short = {"retry": DEFAULT_RETRY.with_timeout(0.2), "timeout": 0.1}
    monkeypatch.setattr(apps.media.bucket, "READING", short)
    monkeypatch.setattr(apps.media.bucket, "WHOLE", short)
    storage = BucketStorage(bucket_name="b", location="media", api_endpoint=silent)
    path = tmp_path / "v.mp4"
    path.write_bytes(b"x")
    file = apps.media.bucket.StoredFile(NAME, 1, None, "1")
    acts = {
        "find": lambda: storage.find(NAME),
        "files": storage.files,
        "read": lambda: list(storage.read(file, 0, 1)),
        "holds": lambda: storage.holds(NAME, path),
        "fetch": lambda: storage.fetch(NAME, tmp_path / "fetched"),
        "add": lambda: storage.add(NAME, path),
        "delete": lambda: storage.delete(NAME),
        "check": storage.check,
    }
    with pytest.raises(OSError, match=r"timed out|Timeout"):
        acts[act]()


@pytest.mark.parametrize(("signs", "keys"), [(True, {"X-Goog-Signature", "X-Goog-Expires"}), (False, set())])
def test_url__is_signed_if_the_credentials_can(on_bucket, signs, keys):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    facts = {"client_email": "compas@example.com", "token_uri": "https://example.com", "private_key": pem}
    options = {"credentials": Credentials.from_service_account_info(facts)} if signs else {}
    endpoint = "https://storage.googleapis.com" if signs else on_bucket.endpoint
    storage = BucketStorage(
        bucket_name="b", location="media", api_endpoint=endpoint, expiration=timedelta(hours=1), **options
    )
    url = urlsplit(storage.url(NAME))
    assert (f"{url.scheme}://{url.netloc}", url.path) == (endpoint, f"/b/media/{NAME}")
    assert {name for name in parse_qs(url.query) if name in {"X-Goog-Signature", "X-Goog-Expires"}} == keys
