"""A reader of the index over HTTP: plain Elasticsearch, any version from 7 on."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from handover.errors import ConfigurationError, UnseenError

PAGE = 200
KEEP = "1m"
TIMEOUT_S = 60.0
# How a vector is kept. A server completes these options by itself, so only what is declared of them is compared.
OPTIONS = "index_options"


@dataclass(frozen=True)
class Document:
    """A document: its id, its plain fields and its vectors by field."""

    id: str
    fields: Mapping[str, Any]
    vectors: Mapping[str, Sequence[float]]


class IndexReader:
    """Reads one index; the caller makes and closes the client."""

    def __init__(self, client: httpx.Client, name: str) -> None:
        self._client, self.name = client, name
        self.requests = 0

    def mapping(self) -> dict[str, Any]:
        """Return the properties of its fields."""
        answer = self._asked("GET", f"/{self.name}/_mapping")
        return properties(answer)

    def documents(self, plain: Sequence[str], vectors: Sequence[str]) -> Iterator[Document]:
        """Yield every document as it was at the first page, ``PAGE`` in one request.

        Parameters
        ----------
        plain, vectors
            Names of the fields to read. Vectors are asked for separately: since 9.2 a source does not hold them.
        """
        query = {"size": PAGE, "sort": ["_doc"], "query": {"match_all": {}}}
        body = {**query, "_source": {"includes": list(plain)}, "fields": list(vectors)}
        answer = self._asked("POST", f"/{self.name}/_search?scroll={KEEP}", body)
        try:
            while hits := answer["hits"]["hits"]:
                yield from (_document(hit, vectors) for hit in hits)
                answer = self._asked("POST", "/_search/scroll", {"scroll": KEEP, "scroll_id": answer["_scroll_id"]})
        finally:
            self._asked("DELETE", "/_search/scroll", {"scroll_id": answer["_scroll_id"]})

    def _asked(self, method: str, path: str, body: Any = None) -> Any:
        self.requests += 1
        try:
            answer = self._client.request(method, path, json=body)
            answer.raise_for_status()
            return answer.json()
        except (httpx.HTTPError, ValueError) as error:
            # The address may hold a password.
            how = f"{error.response.status_code}" if isinstance(error, httpx.HTTPStatusError) else type(error).__name__
            message = f"the index {self.name} could not be read: {method} {path.partition('?')[0]} gave {how}."
            raise UnseenError(
                f"{message} Check the index's url_env in handover.toml, and that the server runs."
            ) from error


def properties(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties of a ``_mapping`` answer, for an index or an alias; plain properties stay as they are.

    Examples
    --------
    >>> properties({"moves-2": {"mappings": {"properties": {"label": {"type": "keyword"}}}}})
    {'label': {'type': 'keyword'}}
    """
    for part in answer.values():
        if isinstance(part, Mapping) and "mappings" in part:
            return dict(part["mappings"].get("properties", {}))
    return dict(answer.get("properties", answer))


def declared(path: Path) -> dict[str, Any]:
    """Return the mapping that the contract names.

    Raises
    ------
    ConfigurationError
        The file is missing, or is not a JSON object.
    """
    try:
        values = json.loads(path.read_text())
    except FileNotFoundError as error:
        message = f"{path} does not exist; it holds the mapping that the index must have."
        raise ConfigurationError(f"{message} Save what GET INDEX/_mapping answers there, and review it.") from error
    except ValueError as error:
        raise ConfigurationError(f"{path} is no JSON: {error}. It holds what GET INDEX/_mapping answers.") from error
    if not isinstance(values, dict) or not values:
        raise ConfigurationError(f"{path} holds no mapping; an object of fields was expected.")
    return properties(values)


def mapping_differences(declared: Mapping[str, Any], live: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield where a live mapping differs from the declared one: field, what is, what was expected."""
    for name in sorted({*declared, *live}):
        if name not in live:
            yield name, "is not in the index", f"the contract says {_shown(declared[name])}"
        elif name not in declared:
            yield name, f"is {_shown(live[name])} in the index", "the contract does not know it"
        elif (one := _compared(live[name], declared[name])) != (other := dict(declared[name])):
            yield name, f"is {_shown(one)} in the index", f"the contract says {_shown(other)}"


def _compared(field: Mapping[str, Any], declared: Mapping[str, Any]) -> dict[str, Any]:
    """Return a live field without the options that the server added to it."""
    wanted = declared.get(OPTIONS, {})
    options = {key: value for key, value in field.get(OPTIONS, {}).items() if key in wanted}
    return {**{key: value for key, value in field.items() if key != OPTIONS}, **({OPTIONS: options} if options else {})}


def _shown(field: Mapping[str, Any]) -> str:
    named = {**field, **{f"{OPTIONS}.{key}": value for key, value in field.get(OPTIONS, {}).items()}}
    return ", ".join(f"{key} {value}" for key, value in sorted(named.items()) if key != OPTIONS)


def _document(hit: Mapping[str, Any], vectors: Sequence[str]) -> Document:
    fields = hit.get("fields", {})
    return Document(hit["_id"], hit.get("_source", {}), {name: fields[name] for name in vectors if name in fields})
