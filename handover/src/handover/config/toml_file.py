"""Reads a TOML file into a section; a value that is not as expected is named with its line."""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from handover.config.section import Section
from handover.errors import ConfigurationError
from handover.troubles import file_trouble

SectionType = TypeVar("SectionType", bound=Section)


def read_toml(
    path: Path,
    model: type[SectionType],
    prepared: Callable[[Mapping[str, Any], str], Mapping[str, Any]],
    *,
    missing: str,
) -> SectionType:
    """Read and validate a TOML file.

    Parameters
    ----------
    path, model
        The file, and the section that it holds.
    prepared
        Given the parsed values and the text, returns what is validated.
    missing
        The message when there is no such file.

    Raises
    ------
    ConfigurationError
        The file is missing, is not TOML, or a value is wrong; the message names the line.
    """
    text, values = "", {}
    try:
        text = path.read_text(encoding="utf-8")
        values = tomllib.loads(text)
        return model.model_validate(prepared(values, text))
    except FileNotFoundError as error:
        raise ConfigurationError(missing) from error
    except OSError as error:
        raise ConfigurationError(file_trouble(error)) from error
    except UnicodeDecodeError as error:
        message = f"{path} is not UTF-8 text: byte {error.start + 1} is no part of a character."
        raise ConfigurationError(f"{message} Save it as UTF-8, then run again.") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path} is not valid TOML: {error}. Correct that line.") from error
    except ValidationError as error:
        lines = [_line(text, _written(values, e["loc"]), e["msg"]) for e in error.errors()]
        message = "\n".join([f"{path} has {len(lines)} values that are not as expected:", *lines])
        raise ConfigurationError(message) from error


def _line(text: str, place: Sequence[str | int], said: str) -> str:
    return f"  line {line_of(text, place)}: {'.'.join(map(str, place))}: {said}"


def _written(values: Any, place: Sequence[str | int]) -> list[str | int]:
    """Return a place without the parts that only the validator has: which kind of a section it took."""
    here: list[str | int] = []
    for number, part in enumerate(place):
        is_there = part in values if isinstance(values, dict) else isinstance(values, list) and isinstance(part, int)
        if is_there:
            values = values[part]
        if is_there or number == len(place) - 1:
            here.append(part)
    return here


def line_of(text: str, place: Sequence[str | int]) -> int:
    """Return the line, from 1, where a value of a TOML text stands, or where its section begins.

    ``tomllib`` gives the line of a syntax error only, not of a value.

    Examples
    --------
    >>> line_of('[backend]\\npath = "b"\\npython = []\\n', ("backend", "python"))
    3
    """
    best, depth = 1, 0
    for number, here in _places(text):
        if len(here) > depth and tuple(place[: len(here)]) == here:
            best, depth = number, len(here)
    return best


@lru_cache(1)
def _places(text: str) -> list[tuple[int, tuple[str | int, ...]]]:
    """Return each line that begins a section or a value, and where that stands."""
    section: tuple[str | int, ...] = ()
    lists: dict[tuple[str | int, ...], int] = {}
    places = []
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[(\[?)\s*([^\]]+?)\s*\]", line):
            section = _section(header[2].replace('"', "").split("."), lists, opens=bool(header[1]))
            places.append((number, section))
        elif key := re.match(r"\s*\"?([\w-]+)\"?\s*=", line):
            places.append((number, (*section, key[1])))
    return places


def _section(names: list[str], lists: dict[tuple[str | int, ...], int], *, opens: bool) -> tuple[str | int, ...]:
    """Return the place of a header; each list on the way stands for its last member."""
    here: tuple[str | int, ...] = ()
    for position, name in enumerate(names, 1):
        here = (*here, name)
        if opens and position == len(names):
            lists[here] = lists.get(here, -1) + 1
        if here in lists:
            here = (*here, lists[here])
    return here
