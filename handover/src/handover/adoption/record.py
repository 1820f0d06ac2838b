"""What an adoption writes down, so that it can be undone."""

from dataclasses import dataclass


@dataclass(frozen=True)
class AdoptionRecord:
    """What undoing an adoption needs to know, kept in the incoming system's schema.

    ``rights`` is what the role had before, as (kind, object, privilege); None where an older version wrote the record.
    """

    role_created: bool
    membership_granted: bool
    usage_granted: bool
    role_settings: list[str]
    shared: list[str]
    columns: list[tuple[str, str]]
    held: list[tuple[str, str]]
    content_types: list[int]
    permissions: list[int]
    rights: list[tuple[str, str, str]] | None = None
