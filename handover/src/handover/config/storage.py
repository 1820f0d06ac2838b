"""``[storage]`` of ``handover.toml``: which objects rows account for."""

from handover.config.section import Section


class NamedBy(Section):
    """A column beside the file fields that names files, or a key in it when it holds JSON."""

    table: str
    column: str
    key: str | None = None


class StorageSettings(Section):
    """What the storage group looks at beside the mapped file fields.

    Attributes
    ----------
    folders
        Where every file must be named by a row, ``""`` for everywhere; none: orphans are not looked for.
    named_by
        Other columns that name files.
    """

    folders: tuple[str, ...] = ()
    named_by: tuple[NamedBy, ...] = ()
