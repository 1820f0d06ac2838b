"""The documents of the search index in a backup, with the mapping that they need."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from handover.backup.manifest import DOCUMENTS
from handover.backup.programs import BackupError
from handover.config.config import Config, SharedIndex
from handover.http_client import http_client
from handover.private_files import open_private
from handover.schema.search_index import TIMEOUT_S, IndexReader

BATCH = 200


def index_of(config: Config) -> tuple[str, str | None] | None:
    """Return the name of the index and the variable of its server's address; None if the pair has no index."""
    declared = [one for one in (config.search, config.index) if one]
    names = [one.name if isinstance(one, SharedIndex) else one.index for one in declared]
    name = next(filter(None, names), None)
    return (name, next(filter(None, (one.url_env for one in declared)), None)) if name else None


def write_documents(url: str, name: str, folder: Path) -> int:
    """Write the mapping and every document of an index; return how many documents.

    Parameters
    ----------
    url, name
        The server, and the name of the index.
    folder
        The folder of the backup.
    """
    count = 0
    with http_client(timeout_s=TIMEOUT_S, base_url=url) as client, open_private(folder / DOCUMENTS, "wb") as file:
        for line in _lines(IndexReader(client, name)):
            file.write((json.dumps(line, sort_keys=True) + "\n").encode())
            count += 1
    return count - 1


def _lines(reader: IndexReader) -> Iterator[dict[str, Any]]:
    mapping = reader.mapping()
    yield {"mapping": mapping}
    vectors = sorted(name for name, one in mapping.items() if one.get("type") == "dense_vector")
    plain = sorted(set(mapping) - set(vectors))
    for document in sorted(reader.documents(plain, vectors), key=lambda one: one.id):
        yield {"id": document.id, "source": {**document.fields, **document.vectors}}


@contextmanager
def _server(url: str) -> Iterator[httpx.Client]:
    try:
        with http_client(timeout_s=TIMEOUT_S, base_url=url) as client:
            yield client
    except httpx.HTTPError as error:
        # Its text may hold the address, and that a password.
        message = f"the server of the search index does not answer ({type(error).__name__})."
        raise BackupError(f"{message} Correct its address, then run again.") from error


def is_empty(url: str, name: str) -> bool:
    """Return whether an index does not exist, or holds no document."""
    with _server(url) as client:
        if client.head(f"/{name}").status_code == httpx.codes.NOT_FOUND:
            return True
        _done(client.post(f"/{name}/_refresh"))
        return next(IndexReader(client, name).documents([], []), None) is None


def restore_documents(backup: Path, url: str, name: str) -> int:
    """Fill an empty index with the documents of a backup, and compare; return how many.

    Parameters
    ----------
    backup
        The folder of the backup.
    url, name
        The server, and the name of the index.

    Raises
    ------
    BackupError
        The server refused them, or holds others afterwards.
    """
    with (backup / DOCUMENTS).open() as file:
        lines = [json.loads(line) for line in file]
    mapping, documents = lines[0]["mapping"], lines[1:]
    with _server(url) as client:
        if client.head(f"/{name}").status_code == httpx.codes.NOT_FOUND:
            _done(client.put(f"/{name}", json={"mappings": {"properties": mapping}}))
        for start in range(0, len(documents), BATCH):
            parts = [
                json.dumps(part)
                for one in documents[start : start + BATCH]
                for part in ({"index": {"_id": one["id"]}}, one["source"])
            ]
            headers = {"Content-Type": "application/x-ndjson"}
            answer = _done(client.post(f"/{name}/_bulk", content="\n".join([*parts, ""]), headers=headers))
            if answer.get("errors"):
                raise BackupError(f"the index {name} refused documents. Is its mapping the one of the backup?")
        _done(client.post(f"/{name}/_refresh"))
        if [*_lines(IndexReader(client, name))] != lines:
            raise BackupError(f"the index {name} does not hold what was backed up. Empty it, then run again.")
    return len(documents)


def _done(answer: httpx.Response) -> Any:
    if answer.is_error:
        # Not the address, which may hold a password.
        raise BackupError(
            f"the server of the search index refused with {answer.status_code}; nothing more was written."
        )
    return answer.json()
