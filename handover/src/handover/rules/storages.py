"""Storages: one name means one file."""

from collections.abc import Iterator

from handover.finding import Observation
from handover.rules.registry import rule
from handover.schema.models import FieldStorage
from handover.schema.subject import Subject

ADVICE = "Point both at the same folder or bucket. Two paths to one volume: accept it in the contract."


def _pairs(subject: Subject) -> Iterator[tuple[str, FieldStorage, FieldStorage]]:
    if subject.both:
        original, backend = (side.description.settings.storage for side in subject.both)
        yield "default storage", original, backend
    for pair in subject.pairs:
        for one, other, where in pair.fields():
            # The default one is compared once, not at every field.
            if one.storage and other.storage and not (one.storage.default and other.storage.default):
                yield f"storage of {where}", one.storage, other.storage


@rule("HO200")
def places(subject: Subject) -> Iterator[Observation]:
    """A name is the same file on both systems.

    What is wrong
    -------------
    The storages of the two systems are different places: folder, bucket, prefix or endpoint.

    Why it hurts
    ------------
    A file that one system saved does not exist for the other.

    Example
    -------
    `MEDIA_ROOT` is `/srv/media` in one and `/app/media` in the other.

    Mend
    ----
    Point both at the same place. Two paths to one volume can be accepted.

    ```console
    $ handover contract accept HO200 "default storage" --because "both paths are mounts of one volume"
    ```
    """
    for where, one, other in _pairs(subject):
        if one.place() != other.place():
            found = f"is {' '.join(filter(None, other.place()))} in the backend"
            expected = (
                f"the original has {' '.join(filter(None, one.place()))}: a file of one does not exist for the other"
            )
            yield Observation(where=where, found=found, expected=expected, todo=ADVICE, hurts="both")


@rule("HO201")
def overwriting(subject: Subject) -> Iterator[Observation]:
    """Neither system overwrites the other's files.

    What is wrong
    -------------
    The storages are the same place, and one has `file_overwrite=True`.

    Why it hurts
    ------------
    An upload of one system replaces a file of the same name of the other.

    Example
    -------
    `django-storages` for S3 overwrites by default.

    Mend
    ----
    Switch it off in both systems.

    ```python
    STORAGES["default"]["OPTIONS"]["file_overwrite"] = False
    ```
    """
    for where, one, other in _pairs(subject):
        sides = (("the original", one), ("the backend", other))
        who = [name for name, storage in sides if storage.parameters.get("file_overwrite") == "True"]
        if one.place() == other.place() and who:
            found = f"has file_overwrite=True in {' and '.join(who)}"
            expected = "an upload of one replaces a file of the other"
            yield Observation(
                where=where,
                found=found,
                expected=expected,
                todo="Set file_overwrite to False in both.",
                severity="risky",
                hurts="both",
            )


@rule("HO169")
def access(subject: Subject) -> Iterator[Observation]:
    """Both may open each other's files, at one address.

    What is wrong
    -------------
    Local storages in one folder have other permissions for new files or folders, or another `base_url`.

    Why it hurts
    ------------
    A file that one system writes may be closed to the other, or its address differs.

    Example
    -------
    `FILE_UPLOAD_PERMISSIONS` is `0o600` in one and `0o644` in the other.

    Mend
    ----
    Give both systems the same values.

    ```python
    FILE_UPLOAD_PERMISSIONS = 0o644
    MEDIA_URL = "/media/"
    ```
    """
    for where, one, other in _pairs(subject):
        if not (one.local and other.local and one.place() == other.place()):
            continue
        for name, effect in (
            ("file_permissions_mode", "a file of one may be closed to the other"),
            ("directory_permissions_mode", "a folder that one makes may be closed to the other"),
            ("base_url", "an address of a file that one gave out is not the other's"),
        ):
            values = [storage.parameters.get(name, "not set") for storage in (one, other)]
            if values[0] != values[1]:
                shown = [_mode(value) if name != "base_url" else value for value in values]
                found, expected = f"has {name} {shown[1]} in the backend", f"the original has {shown[0]}: {effect}"
                yield Observation(
                    where=where,
                    found=found,
                    expected=expected,
                    todo="Give both the same.",
                    severity="risky",
                    hurts="both",
                )


def _mode(value: str) -> str:
    return oct(int(value)) if value.isdecimal() else value
