"""Write TOML; the standard library only reads it."""

import json
from collections.abc import Iterator, Mapping
from typing import Any


def dumps(values: Mapping[str, Any]) -> str:
    """Return a TOML text of tables, lists of tables and plain values.

    Examples
    --------
    >>> print(dumps({"a": {"n": 1, "t": {"x": True}}, "l": [{"s": "é"}]}), end="")
    [a]
    n = 1
    [a.t]
    x = true
    [[l]]
    s = "é"
    """
    return "".join(f"{line}\n" for line in _lines(values, ()))


def _lines(values: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    # Plain values first: what follows a table's header belongs to that table.
    yield from (f"{_key(key)} = {_plain(value)}" for key, value in values.items() if not _is_table(value))
    for key, value in values.items():
        if _is_table(value):
            here = (*path, key)
            name = ".".join(map(_key, here))
            for table in value if isinstance(value, list | tuple) else [value]:
                yield f"[[{name}]]" if isinstance(value, list | tuple) else f"[{name}]"
                yield from _lines(table, here)


def _is_table(value: Any) -> bool:
    listed = isinstance(value, list | tuple) and bool(value) and all(isinstance(item, Mapping) for item in value)
    return isinstance(value, Mapping) or listed


def _key(key: str) -> str:
    return key if key.replace("_", "").replace("-", "").isalnum() and key.isascii() else json.dumps(key)


def _plain(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_plain, value))}]"
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_key(key)} = {_plain(item)}' for key, item in value.items())} }}"
    if isinstance(value, bool | int | float):
        return str(value).lower()
    return json.dumps(str(value), ensure_ascii=False)
