"""SQL of a reviewer with other names of columns in it."""

import re
from collections.abc import Iterator, Mapping

from handover.schema.definition import TOKEN


def with_names(text: str, names: Mapping[str, str]) -> str:
    """Return SQL in which each name of a column is what ``names`` has for it.

    A word before ``(`` or after ``.`` or ``::`` is no column, and texts are left alone.

    Examples
    --------
    >>> with_names("lower(title) || ' title'", {"title": "NEW.title"})
    "lower(NEW.title) || ' title'"
    >>> with_names("date::date", {"date": "NEW.date"})
    'NEW.date::date'
    """
    return "".join(_reworded(TOKEN.findall(text), names))


def _reworded(tokens: list[str], names: Mapping[str, str]) -> Iterator[str]:
    for place, token in enumerate(tokens):
        before = next((one for one in reversed(tokens[:place]) if not one.isspace()), "")
        after = next((one for one in tokens[place + 1 :] if not one.isspace()), "")
        name = column_named(token)
        is_column = name in names and before not in (".", "::") and after not in ("(", ".")
        yield names[name] if is_column and name is not None else token


def column_named(token: str) -> str | None:
    """Return the name that a token is, as PostgreSQL folds it; None for texts, numbers and operators."""
    if token.startswith('"'):
        return token[1:-1].replace('""', '"')
    return token.lower() if re.fullmatch(r"[^\W\d]\w*", token) else None
