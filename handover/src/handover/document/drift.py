"""The differences between a saved document and the current schema."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from handover.errors import ConfigurationError


def load(path: Path) -> dict[str, Any]:
    """Read a document that ``handover document --json`` wrote.

    Raises
    ------
    ConfigurationError
        The file does not exist, or is not such a document.
    """
    try:
        values = json.loads(path.read_text())
    except FileNotFoundError as error:
        raise ConfigurationError(f"{path} does not exist. Write it: handover document --json > {path}") from error
    except ValueError as error:
        message = f"{path} is no JSON: {error}. --diff takes what `handover document --json` wrote."
        raise ConfigurationError(message) from error
    if not isinstance(values, dict) or "tables" not in values:
        raise ConfigurationError(f"{path} has no `tables`; --diff takes what `handover document --json` wrote.")
    return values


def drift(old: object, new: object, place: str = "") -> Iterator[str]:
    """Yield a line for each fact that was removed, added or changed.

    Parameters
    ----------
    old, new
        Two documents, or parts of them.
    place
        Where in the document they are, for example ``tables > public.users``.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            yield from drift(old.get(key), new.get(key), f"{place} > {key}" if place else key)
    elif old != new:
        yield f"{place}: {_shown(old)} → {_shown(new)}"


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    return "there" if isinstance(value, dict) else json.dumps(value, ensure_ascii=False)
