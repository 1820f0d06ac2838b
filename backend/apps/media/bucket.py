"""Media in a Google bucket, below a prefix."""

import base64
import mimetypes
import posixpath
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import google.auth
from django.conf import settings
from django.core.files.base import File
from google.api_core.exceptions import GoogleAPIError, NotFound, PreconditionFailed
from google.auth.credentials import AnonymousCredentials, Signing
from google.auth.exceptions import GoogleAuthError
from google.cloud.storage import Blob, Client
from google.cloud.storage.exceptions import DataCorruption, InvalidResponse
from google.cloud.storage.retry import DEFAULT_RETRY
from google_crc32c import Checksum
from requests.exceptions import RequestException
from storages.backends.gcloud import GoogleCloudStorage
from storages.utils import clean_name

from apps.media.storage import StoredFile
from config.errors import StorageError

# The bytes of one request. Smaller pieces need more requests; of larger ones more is wasted when a player jumps.
PIECE_BYTES = 1024 * 1024
# How much of an open file stays in memory; the rest goes to a temporary file.
MEMORY_BYTES = 8 * 1024 * 1024
LONGEST_NAME_BYTES = 1024
# An upload of more than one piece is resumed at the piece that failed. A piece is in memory while it is sent; Google's
# client would take 100 MiB.
UPLOAD_PIECE_BYTES = 8 * 1024 * 1024
# A user waits for the answer. Whole files may retry for longer: mostly a worker waits for them.
READING = {"retry": DEFAULT_RETRY.with_timeout(10.0), "timeout": 10.0}
WHOLE = {"retry": DEFAULT_RETRY.with_timeout(60.0), "timeout": 30.0}
# What Google's client raises when the service is away, has no room, or answers with something else than it should.
FAULTS = (GoogleAPIError, GoogleAuthError, DataCorruption, InvalidResponse, RequestException)
FACTS = "items(name,size,updated,generation),nextPageToken"


@contextmanager
def raising_as_files() -> Iterator[None]:
    """Raise the exceptions that a file system raises."""
    try:
        yield
    except NotFound as error:
        raise FileNotFoundError(str(error)) from error
    except PreconditionFailed as error:
        raise FileExistsError(str(error)) from error
    except FAULTS as error:
        raise StorageError(str(error)) from error


class BucketStorage(GoogleCloudStorage):  # type: ignore[misc]  # django-storages has no types
    """The bucket of django-storages. It never overwrites, and it has the methods of ``MediaStorage``."""

    _client: Client | None
    credentials: Any

    def get_default_settings(self) -> dict[str, Any]:
        usual: dict[str, Any] = super().get_default_settings()
        return usual | {"api_endpoint": None, "max_memory_size": MEMORY_BYTES}

    @property
    def client(self) -> Client:
        if self._client is None:
            self.credentials = self.credentials or self._usual_credentials()
            # A machine's own credentials hold no key to sign with; its links then ask for a login at Google.
            self.querystring_auth &= self.iam_sign_blob or isinstance(self.credentials, Signing)
            options = {"api_endpoint": self.api_endpoint}
            self._client = Client(self.project_id, self.credentials, client_options=options)
        return self._client

    def _usual_credentials(self) -> Any:
        # Plain HTTP means a stand-in for tests: it needs no credentials, and none may be sent to it.
        plain = self.api_endpoint and self.api_endpoint.startswith("http://")
        if plain:
            return AnonymousCredentials()  # type: ignore[no-untyped-call]  # Google types only a part
        return google.auth.default(scopes=Client.SCOPE)[0]

    def canonical(self, name: str) -> str | None:
        # Rows of earlier years may hold the path that a file had on a disk.
        known = posixpath.relpath(posixpath.join(settings.MEDIA_ROOT, name), settings.MEDIA_ROOT)
        outside = known.split("/")[0] == ".."
        return known if not outside and _can_be_a_name(f"{self.location}/{known}") else None

    def find(self, name: str) -> StoredFile | None:
        known = self.canonical(name)
        if known in {None, "."}:
            return None
        with raising_as_files():
            blob = self.bucket.get_blob(self._normalize_name(known), **READING)
        return self._stored(blob) if blob else None

    def _stored(self, blob: Blob) -> StoredFile:
        name = blob.name.removeprefix(f"{self.location}/")
        return StoredFile(name, blob.size, blob.updated, version=f"{blob.generation:x}")

    def files(self, folder: str = "") -> list[StoredFile]:
        prefix = posixpath.join(self.location, folder, "")
        with raising_as_files():
            blobs = list(self.bucket.list_blobs(prefix=prefix, fields=FACTS, **READING))
        # An object whose name ends in a slash stands for a folder, and is no file.
        return [self._stored(blob) for blob in blobs if not blob.name.endswith("/")]

    def read(self, file: StoredFile, start: int, stop: int) -> Iterator[bytes]:
        pieces = self._pieces(file, start, stop)
        # The first comes before an answer begins: of a bucket that is away the client is told, instead of cut off.
        return _from_first(next(pieces, b""), pieces)

    def _pieces(self, file: StoredFile, start: int, stop: int) -> Iterator[bytes]:
        blob = self.bucket.blob(self._normalize_name(file.name), generation=int(file.version, 16))
        for begin in range(start, stop, PIECE_BYTES):
            end = min(begin + PIECE_BYTES, stop) - 1
            with raising_as_files():
                piece = blob.download_as_bytes(start=begin, end=end, raw_download=True, checksum=None, **READING)
            yield piece

    @contextmanager
    def aside(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="upload-") as folder:
            yield Path(folder)

    def add(self, name: str, path: Path) -> None:
        if self.find(name):
            raise FileExistsError(name)  # known before a long upload
        with path.open("rb") as file, raising_as_files():
            self._upload(name, file, size=path.stat().st_size)

    def _upload(self, name: str, file: Any, *, size: int) -> None:
        kind, _ = mimetypes.guess_type(name)
        blob = self.bucket.blob(self._normalize_name(name), chunk_size=UPLOAD_PIECE_BYTES)
        # Generation 0: only if there is no such object, also when another program writes it at this moment.
        blob.upload_from_file(file, rewind=True, size=size, content_type=kind, if_generation_match=0, **WHOLE)

    def _save(self, name: str, content: "File[bytes]") -> str:
        while True:
            name = clean_name(name)
            try:
                self._upload(name, content, size=content.size)
            except PreconditionFailed:
                name = self.get_available_name(name)
            else:
                return name

    def holds(self, name: str, path: Path) -> bool:
        if not path.exists():
            return False
        with raising_as_files():
            blob = self.bucket.get_blob(self._normalize_name(name), **READING)
        return bool(blob and blob.size == path.stat().st_size and blob.crc32c == _crc32c(path))

    def fetch(self, name: str, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / posixpath.basename(name)
        with raising_as_files():
            self.bucket.blob(self._normalize_name(name)).download_to_filename(path, **WHOLE)
        return path

    def delete(self, name: str) -> None:
        with raising_as_files(), suppress(NotFound):
            self.bucket.delete_blob(self._normalize_name(name), **READING)

    def check(self) -> None:
        with raising_as_files():
            next(
                iter(self.bucket.list_blobs(prefix=f"{self.location}/", max_results=1, **READING | {"retry": None})),
                None,
            )


def _from_first(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _can_be_a_name(name: str) -> bool:
    try:
        length = len(name.encode())
    except UnicodeEncodeError:
        return False
    return length <= LONGEST_NAME_BYTES and not set(name) & set("\0\r\n")


def _crc32c(path: Path) -> str:
    checksum: Any = Checksum()  # type: ignore[no-untyped-call]  # Google types only a part
    with path.open("rb") as file:
        for _ in checksum.consume(file, PIECE_BYTES):
            pass
    return base64.b64encode(checksum.digest()).decode()
