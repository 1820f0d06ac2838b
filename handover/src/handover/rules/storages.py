"""Storages: one name means one file."""

from collections.abc import Iterator

from handover.finding import Finding
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


@rule("HO200", "A name is the same file on both systems")
def places(subject: Subject) -> Iterator[Finding]:
    for where, one, other in _pairs(subject):
        if one.place() != other.place():
            found = f"is {' '.join(filter(None, other.place()))} in the backend"
            expected = (
                f"the original has {' '.join(filter(None, one.place()))}: a file of one does not exist for the other"
            )
            yield Finding(code="HO200", where=where, found=found, expected=expected, todo=ADVICE, hurts="both")


@rule("HO201", "Neither system overwrites the other's files")
def overwriting(subject: Subject) -> Iterator[Finding]:
    for where, one, other in _pairs(subject):
        sides = (("the original", one), ("the backend", other))
        who = [name for name, storage in sides if storage.parameters.get("file_overwrite") == "True"]
        if one.place() == other.place() and who:
            found = f"has file_overwrite=True in {' and '.join(who)}"
            expected = "an upload of one replaces a file of the other"
            yield Finding(
                code="HO201",
                where=where,
                found=found,
                expected=expected,
                todo="Set file_overwrite to False in both.",
                severity="risky",
                hurts="both",
            )


@rule("HO169", "Both may open each other's files, at one address")
def access(subject: Subject) -> Iterator[Finding]:
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
                yield Finding(
                    code="HO169",
                    where=where,
                    found=found,
                    expected=expected,
                    todo="Give both the same.",
                    severity="risky",
                    hurts="both",
                )


def _mode(value: str) -> str:
    return oct(int(value)) if value.isdecimal() else value
