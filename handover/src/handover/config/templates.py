"""Texts with ``{name}`` in them, and values found by a path in JSON."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

NAME = re.compile(r"\{([a-z_][a-z0-9_]*)\}")


class AbsentError(LookupError):
    """There is nothing at this path."""


def names_in(value: Any) -> frozenset[str]:
    """Return the names that a text holds, or the texts in a list or an object.

    Examples
    --------
    >>> sorted(names_in({"title": "{run} by {user}", "tags": ["{run}"]}))
    ['run', 'user']
    """
    if isinstance(value, str):
        return frozenset(NAME.findall(value))
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return frozenset().union(*map(names_in, parts))


def filled(value: Any, known: Mapping[str, Any]) -> Any:
    """Return a value with its names filled in; a text that is a name and nothing else becomes what it names.

    Examples
    --------
    >>> filled({"id": "{id}", "title": "no. {id}"}, {"id": 7})
    {'id': 7, 'title': 'no. 7'}
    """
    if isinstance(value, str):
        whole = NAME.fullmatch(value)
        return known[whole[1]] if whole else NAME.sub(lambda match: str(known[match[1]]), value)
    if isinstance(value, Mapping):
        return {name: filled(part, known) for name, part in value.items()}
    return [filled(part, known) for part in value] if isinstance(value, list | tuple) else value


def filled_path(path: str, known: Mapping[str, Any]) -> str:
    """Return a path with its names filled in, quoted; a name at its beginning is an address that a system gave.

    Examples
    --------
    >>> filled_path("/file/{name}/", {"name": "Bill #1.pdf"})
    '/file/Bill%20%231.pdf/'
    >>> filled_path("{address}/cancel", {"address": "/jobs/7"})
    '/jobs/7/cancel'
    """
    return NAME.sub(lambda match: quote(str(known[match[1]]), safe="") if match.start() else str(known[match[1]]), path)


def at(value: Any, path: str) -> Any:
    """Return what stands at a path: keys and numbers of places, with dots between them.

    Raises
    ------
    AbsentError
        Nothing stands there.

    Examples
    --------
    >>> at({"results": [{"id": 3}]}, "results.0.id")
    3
    """
    for part in path.split("."):
        try:
            value = value[int(part)] if isinstance(value, list) else value[part]
        except (KeyError, IndexError, ValueError, TypeError) as error:
            raise AbsentError(path) from error
    return value
