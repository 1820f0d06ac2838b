"""``[storage]`` of ``handover.toml``: which rows name which files."""

from handover.config.section import Section


class NamedBy(Section):
    """Another column that names files, or a key in it when it holds JSON."""

    table: str
    column: str
    key: str | None = None


class StorageSettings(Section):
    """What the storage group compares besides the mapped file fields.

    Attributes
    ----------
    folders
        Folders in which a row must name every file, ``""`` for all folders; without folders, this is not checked.
    named_by
        Other columns that name files.
    """

    folders: tuple[str, ...] = ()
    named_by: tuple[NamedBy, ...] = ()
