"""Lists the files of the system's storage, and of folders that its settings name, and hands out what is in them."""

import base64
import fnmatch
import hashlib
import os
from typing import Any, Dict, Iterator, List, Tuple

PAGE_FILES, PAGE_BYTES = 200, 1 << 28
# The rest of the list that is being read; the places by name; the file that is being handed out.
PAGES: List[Any] = []
PLACES: Dict[str, Any] = {}
OPEN: List[Any] = []
# What was read before, with size and time of change: a second list reads only what has changed since.
SEEN: Dict[Tuple[str, str], Tuple[Any, Dict[str, Any]]] = {}


def places(request: Dict[str, Any]) -> List[str]:
    """Remember where files are, "" for the default storage; return the places, without a folder that lies in it."""
    from django.conf import settings
    from django.core.files.storage import FileSystemStorage, default_storage

    found: Dict[str, Any] = {name: FileSystemStorage(location=getattr(settings, name)) for name in request["folders"]}
    if request["storages"]:
        from django.core.files.storage import storages  # since Django 4.2

        found.update({name: storages[name] for name in request["storages"]})
    PLACES.clear()
    PLACES[""] = default_storage
    PLACES.update({name: storage for name, storage in found.items() if not lies_in(storage, default_storage)})
    return sorted(PLACES)


def lies_in(storage: Any, other: Any) -> bool:
    """Return whether the folder of a storage lies in that of another, or is the same."""
    if not (in_a_folder(storage) and in_a_folder(other)):
        return False
    inner, outer = (os.path.realpath(str(one.location)) + os.sep for one in (storage, other))
    return inner.startswith(outer)


def in_a_folder(storage: Any) -> bool:
    """Return whether a storage keeps its files in a folder of this machine."""
    try:
        return bool(storage.path("x"))
    except NotImplementedError:
        return False


def walk(storage: Any, folder: str, ignore: List[str]) -> Iterator[str]:
    """Yield the names of all files below a folder; what is deleted meanwhile is passed over."""
    try:
        folders, files = storage.listdir(folder)
    except FileNotFoundError:
        return
    for name in sorted(files):
        if not ignored(name, ignore):
            yield folder + "/" + name if folder else name
    for name in sorted(folders):
        if name and not ignored(name, ignore):
            for path in walk(storage, folder + "/" + name if folder else name, ignore):
                yield path


def ignored(name: str, ignore: List[str]) -> bool:
    """Return whether one part of a path is left out."""
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in ignore)


def state(storage: Any, name: str) -> Any:
    """Return size and time of change, or None where a storage does not tell them."""
    try:
        return storage.size(name), str(storage.get_modified_time(name))
    except NotImplementedError:
        return None


def facts(place: str, name: str) -> Dict[str, Any]:
    """Return the place, name, size and checksum of a file; without a checksum it is gone."""
    storage = PLACES[place]
    try:
        now = state(storage, name)
        before, found = SEEN.get((place, name), (None, {}))
        if now is not None and now == before:
            return found
        digest, size = hashlib.sha256(), 0
        with storage.open(name, "rb") as file:
            for part in iter(lambda: file.read(1 << 20), b""):
                digest.update(part)
                size += len(part)
    except Exception:
        if storage.exists(name):
            raise
        return {"place": place, "name": name, "size": 0}
    found = {"place": place, "name": name, "size": size, "sha256": digest.hexdigest()}
    SEEN[(place, name)] = (now, found)
    return found


def listed(ignore: List[str]) -> Iterator[Tuple[str, str]]:
    """Yield the place and the name of every file."""
    for place in sorted(PLACES):
        for name in walk(PLACES[place], "", ignore):
            yield place, name


def objects(request: Dict[str, Any]) -> List[Any]:
    """Return the next files; with ``first`` from the beginning. An empty list is the end."""
    if request.get("first"):
        PAGES[:] = [listed(request["ignore"])]
    found, size = [], 0
    for place, name in PAGES[0]:
        found.append(facts(place, name))
        size += found[-1]["size"]
        if len(found) == PAGE_FILES or size > PAGE_BYTES:
            break
    return found


def part(request: Dict[str, Any]) -> Dict[str, Any]:
    """Return the next bytes of a file, in base64; with ``first`` from its beginning. No bytes are the end."""
    storage, name = PLACES[request["place"]], request["name"]
    try:
        if request.get("first"):
            while OPEN:
                OPEN.pop().close()
            OPEN.append(storage.open(name, "rb"))
        return {"data": base64.b64encode(OPEN[0].read(request["size"])).decode("ascii")}
    except Exception:
        if storage.exists(name):
            raise
        return {"gone": True}


def file_columns(_: Dict[str, Any]) -> List[Any]:
    """Return the table and the column of every file field."""
    from django.apps import apps
    from django.db.models import FileField

    models = [model for model in apps.get_models(include_auto_created=True) if not model._meta.proxy]
    fields = [(model._meta.db_table, field) for model in models for field in model._meta.local_concrete_fields]
    return sorted([table, field.column] for table, field in fields if isinstance(field, FileField))


ANSWERS = {"places": places, "objects": objects, "part": part, "file_columns": file_columns}
