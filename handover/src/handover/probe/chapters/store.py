"""Use the storages of the system's file fields: save, open, delete and list, as its own code would."""

import base64
import hashlib
import os
import time
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Optional, Tuple

if TYPE_CHECKING:  # they are given to it
    from handover.probe.agent import model_at

WALKS: Dict[Any, Any] = {}
PAGE = 20000


def field_of(request: Dict[str, Any]) -> Tuple[Any, ...]:
    """Return the model's file field, by its column."""
    model = model_at(request["model"])
    return model, next(f for f in model._meta.concrete_fields if f.column == request["column"])


def store_fields(request: Dict[str, Any]) -> List[Any]:
    """Return the file fields of these models, or of all; two fields on one storage have the same ``storage`` text.

    ``parent_table`` is the table of a field that the model has of a parent.
    """
    from django.apps import apps

    found = []
    paths = request["models"]
    chosen = [("", model) for model in apps.get_models()] if paths is None else [(p, model_at(p)) for p in paths]
    for path, model in chosen:
        for field in model._meta.concrete_fields:
            if hasattr(field, "upload_to"):
                own = field in model._meta.local_concrete_fields or model._meta.proxy
                table = "" if own else field.model._meta.db_table.replace('"', "")
                facts = {"model": path, "label": model._meta.label, "column": field.column, "parent_table": table}
                found.append(dict(facts, storage=place_of(field.storage)))
    return found


def place_of(storage: Any) -> str:
    """Return a text for the place of a storage."""
    location = getattr(storage, "location", "")
    return "%s %s" % (getattr(storage, "bucket_name", ""), location)


def instance_of(model: Any, key: Any) -> Any:
    """Return an unsaved row with a key that both systems can have; a key of several columns stays empty."""
    thing = model()
    if len(getattr(model._meta, "pk_fields", [model._meta.pk])) > 1:
        return thing
    try:
        thing.pk = model._meta.pk.to_python(key)
    except Exception:
        thing.pk = 1
    return thing


def instances_of(model: Any, key: Any) -> Iterator[Any]:
    """Yield rows for a file: an empty one, the first existing one, an empty one that points at empty rows."""
    yield lambda: instance_of(model, key)
    yield lambda: model._base_manager.order_by("pk")[0]
    yield lambda: pointing(instance_of(model, key))


def pointing(thing: Any) -> Any:
    """Give an unsaved row unsaved targets for its foreign keys."""
    for field in type(thing)._meta.concrete_fields:
        if field.remote_field and not field.primary_key and not getattr(thing, field.attname):
            setattr(thing, field.name, field.related_model())
    return thing


def named(request: Dict[str, Any]) -> Tuple[Any, ...]:
    """Return a row and the field's name for its file: ``upload_to`` may need the rows that it points at."""
    model, field = field_of(request)
    first: Optional[Exception] = None
    for make in instances_of(model, request["key"]):
        try:
            thing = make()
            return thing, field.generate_filename(thing, request["name"])
        except Exception as error:
            first = first or error
    raise first or LookupError("there is no row that a file could be named for")


def store_name(request: Dict[str, Any]) -> Any:
    """Return the name of a new file of this field, before the storage checks whether it is taken."""
    return named(request)[1]


def store_save(request: Dict[str, Any]) -> Dict[str, Any]:
    """Save a file through the field, as an upload does, but no row; return its name and address."""
    from django.core.files.base import ContentFile

    field = field_of(request)[1]
    thing = named(request)[0]
    file = getattr(thing, field.name)
    began = time.time()
    file.save(request["name"], ContentFile(base64.b64decode(request["content"])), save=False)
    return {"name": file.name, "url": url_of(field.storage, file.name), "began": began, "ended": time.time()}


def store_put(request: Dict[str, Any]) -> Dict[str, Any]:
    """Save a file in the field's storage under a name of the caller's choice."""
    from django.core.files.base import ContentFile

    field = field_of(request)[1]
    return {"name": field.storage.save(request["name"], ContentFile(base64.b64decode(request["content"])))}


def store_race(request: Dict[str, Any]) -> List[Any]:
    """Save many files of one name from a few threads, while other processes do the same."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(request["threads"]) as pool:
        saves = pool.map(lambda content: store_save(dict(request, content=content)), request["contents"])
        return [dict(saved, content=content) for saved, content in zip(saves, request["contents"])]  # noqa: B905 - Python 3.8


def store_open(request: Dict[str, Any]) -> Dict[str, Any]:
    """Return a file as this system sees it: bytes, size, address and type; or that it is missing."""
    storage = field_of(request)[1].storage
    name = request["name"]
    seen: Dict[str, Any] = {"exists": bool(storage.exists(name))}
    try:
        with storage.open(name, "rb") as file:
            content = file.read()
        seen.update(size=len(content), sha256=hashlib.sha256(content).hexdigest(), said_size=storage.size(name))
        seen.update(url=url_of(storage, name), type=type_of(storage, name))
    except Exception as error:
        seen["error"] = "%s: %s" % (type(error).__name__, error)
    return seen


def store_exists(request: Dict[str, Any]) -> List[Any]:
    """Answer ``store_exists``: whether each name is there."""
    storage = field_of(request)[1].storage
    return [bool(storage.exists(name)) for name in request["names"]]


def url_of(storage: Any, name: str) -> Optional[str]:
    """Return the address of a file; None if the storage has no addresses."""
    try:
        return str(storage.url(name))
    except (NotImplementedError, ValueError):
        return None


def type_of(storage: Any, name: str) -> Any:
    """Return the type that a bucket gives a file; a directory gives none."""
    bucket: Any = getattr(storage, "bucket", None)
    if not hasattr(bucket, "get_blob"):
        return None
    blob = bucket.get_blob("/".join(part for part in (storage.location.strip("/"), name) if part))
    return blob.content_type if blob is not None else None


def store_delete(request: Dict[str, Any]) -> Dict[str, Any]:
    """Delete files; return the error of each that could not be deleted."""
    storage = field_of(request)[1].storage
    said = {}
    for name in request["names"]:
        try:
            storage.delete(name)
        except Exception as error:
            said[name] = "%s: %s" % (type(error).__name__, error)
    return said


def store_list(request: Dict[str, Any]) -> Dict[str, Any]:
    """Return the next page of names in the storage; ``listings`` counts the requests to the storage."""
    key = "%s %s" % (request["model"], request["column"])
    if request["first"]:
        counted = [0]
        WALKS[key] = (listed(field_of(request)[1].storage, counted), counted)
    walk, counted = WALKS[key]
    names = []
    for name in walk:
        names.append(name)
        if len(names) >= PAGE:
            return {"names": names, "done": False, "listings": counted[0]}
    del WALKS[key]
    return {"names": names, "done": True, "listings": counted[0]}


def listed(storage: Any, counted: Any) -> Iterator[Any]:
    """Yield the names of all files of a storage."""
    bucket = getattr(storage, "bucket", None)
    return of_bucket(storage, bucket, counted) if hasattr(bucket, "list_blobs") else of_folders(storage, counted)


def of_bucket(storage: Any, bucket: Any, counted: Any) -> Iterator[Any]:
    """List a bucket: it has no folders, and one request gives a thousand names."""
    prefix = storage.location.strip("/")
    prefix = prefix + "/" if prefix else ""
    for page in bucket.list_blobs(prefix=prefix).pages:
        counted[0] += 1
        for blob in page:
            yield blob.name[len(prefix) :]


def of_folders(storage: Any, counted: Any) -> Iterator[Any]:
    """Yield the names of all files of a storage with folders."""
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        try:
            folders, names = storage.listdir(folder)
        except FileNotFoundError:  # removed meanwhile, or nothing was saved yet
            continue
        counted[0] += 1
        waiting.extend(os.path.join(folder, name) for name in folders)
        for name in names:
            yield os.path.join(folder, name).replace(os.sep, "/")


ANSWERS = {
    "store_fields": store_fields,
    "store_name": store_name,
    "store_save": store_save,
    "store_put": store_put,
    "store_race": store_race,
    "store_open": store_open,
    "store_exists": store_exists,
    "store_delete": store_delete,
    "store_list": store_list,
}
