"""Sends queries to the system's own search, by a callable or a few lines of Python, and lists its files."""

import os
from typing import Any, Dict, Iterator, List

OPEN: Dict[str, Any] = {}


def search_with(request: Dict[str, Any]) -> bool:
    """Set how the system is asked: ``call`` names a callable, ``code`` defines ``search(vectors, filters)``."""
    from django.utils.module_loading import import_string

    if request.get("code"):
        names = {"__name__": "handover_search"}
        exec(compile(request["code"], "[search] code", "exec"), names)  # noqa: S102
        OPEN["search"] = names["search"]
        return True
    called = import_string(request["call"])
    arguments, options = request["arguments"], request["options"]

    def search(vectors: Any, filters: Any) -> List[Any]:
        known = dict(filters, vectors=vectors)
        named = {name: known.get(text[1:-1]) if is_name(text) else text for name, text in options.items()}
        found = called(*[known.get(text[1:-1]) if is_name(text) else text for text in arguments], **named)
        return [
            (part_of(hit, request["id"]), part_of(hit, request["score"])) for hit in part_of(found, request["hits"])
        ]

    OPEN["search"] = search
    return True


def is_name(text: str) -> bool:
    """Say whether a text is a name in braces and nothing else."""
    return isinstance(text, str) and text.startswith("{") and text.endswith("}")


def part_of(value: Any, path: str) -> Any:
    """Return the value at a path: keys, positions or attributes, with dots between them."""
    for name in path.split(".") if path else ():
        if isinstance(value, dict):
            value = value[name]
        elif isinstance(value, (list, tuple)):
            value = value[int(name)]
        else:
            value = getattr(value, name)
    return value.items() if isinstance(value, dict) else value


def search(request: Dict[str, Any]) -> List[Any]:
    """Return each query's hits, the best first: [id, score] pairs, or the system's error."""
    found: List[Dict[str, Any]] = []
    for query in request["queries"]:
        try:
            hits = OPEN["search"](query["vectors"], query["filters"])
            hits = hits.items() if isinstance(hits, dict) else hits
            found.append({"hits": [[str(name), float(score)] for name, score in hits]})
        except Exception as error:
            found.append({"error": "%s: %s" % (type(error).__name__, error)})
    return found


def clips(request: Dict[str, Any]) -> List[Any]:
    """Return the files that documents describe: below the folder of a setting, or in a storage."""
    from django.conf import settings

    if request["storage"] is None:
        return sorted(below(os.fspath(getattr(settings, request["setting"]))))
    from django.core.files.storage import storages

    return sorted(walked(storages[request["storage"]], request["prefix"].rstrip("/")))


def below(folder: Any) -> Iterator[Any]:
    """Yield the paths of all files below a folder."""
    for where, _, names in os.walk(folder):
        for name in names:
            yield os.path.relpath(os.path.join(where, name), folder).replace(os.sep, "/")


def walked(storage: Any, prefix: str) -> Iterator[Any]:
    """Yield the paths of all files of a storage below a prefix."""
    waiting = [prefix]
    while waiting:
        folder = waiting.pop()
        folders, names = storage.listdir(folder)
        waiting += ["%s/%s" % (folder, name) if folder else name for name in folders]
        for name in names:
            path = "%s/%s" % (folder, name) if folder else name
            yield path[len(prefix) :].lstrip("/")


ANSWERS = {"search_with": search_with, "search": search, "clips": clips}
