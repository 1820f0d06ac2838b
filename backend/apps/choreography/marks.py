"""Marks of rows: another one whenever the row is another, whichever system wrote it."""

from typing import Any

from django.db.models import CharField, Func


class RowMark(Func):
    """A hash of a whole row, made by the database.

    No column tells of every change: the original writes some without ``updated_at``.
    """

    output_field = CharField()

    def as_sql(self, compiler: Any, *_: Any, **__: Any) -> tuple[str, list[Any]]:  # type: ignore[override]  # it takes nothing
        """Return SQL for the hash of the row that the query is of."""
        return f"md5({compiler.quote_name_unless_alias(compiler.query.get_initial_alias())}::text)", []
