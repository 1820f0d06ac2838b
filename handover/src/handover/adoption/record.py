"""The record of an adoption, so that it can be undone."""

from dataclasses import dataclass


@dataclass(frozen=True)
class AdoptionRecord:
    """What undoing an adoption needs to know; it is kept in the backend's schema.

    Attributes
    ----------
    role_created, membership_granted, usage_granted
        Whether adoption made the role, let the owner act for it, and let it use schema ``public``.
    role_settings
        The role's settings before.
    shared
        Names of the shared tables.
    columns
        (table, column) pairs that adoption adds.
    held, rights
        The role's rights before: (table, privilege) on shared tables; (kind, object, privilege) of all, None in a
        record of an older version.
    content_types, permissions
        Ids of the rows that were there before.
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
