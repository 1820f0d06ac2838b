"""An evolution: one file ``NNNN_name.toml`` that declares operations."""

import re
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from pydantic import Field

from handover.config.config import Config
from handover.config.section import Section
from handover.config.toml_file import read_toml
from handover.errors import ConfigurationError
from handover.evolve.operations.kinds import AnyOperation

FILE_NAME = re.compile(r"(\d{4})_[a-z0-9_]{1,48}")


class Evolution(Section):
    """What one file declares.

    Attributes
    ----------
    name
        ``NNNN_name``, from the file's name.
    title
        What it is for, one line.
    operations
        In order.
    """

    name: str
    title: str = ""
    operations: tuple[AnyOperation, ...] = Field(min_length=1)

    @property
    def stream(self) -> str:
        """Under which its entries stand in the journal."""
        return f"evolve/{self.name}"


def read_evolution(path: Path) -> Evolution:
    """Read and validate the file of one evolution.

    Raises
    ------
    ConfigurationError
        The file is missing or its name is no ``NNNN_name.toml``, or a value is wrong; the message names the line.
    """
    if not FILE_NAME.fullmatch(path.stem):
        message = f"{path} is not named NNNN_name.toml: four digits, an underscore, then small letters."
        raise ConfigurationError(f"{message} Rename it, for example 0001_phase_2.toml.")

    def named(values: Mapping[str, Any], _: str) -> Mapping[str, Any]:
        if "name" in values:
            raise ConfigurationError(f"{path}: `name` is the file's name; remove that line.")
        return {**values, "name": path.stem}

    missing = f"{path} does not exist. An evolution is a file NNNN_name.toml in the folder of [evolve]."
    return read_toml(path, Evolution, named, missing=missing)


def evolutions(config: Config) -> list[Evolution]:
    """Return every evolution of the folder, in their order.

    Raises
    ------
    ConfigurationError
        A file is not as expected, or two have the same number.
    """
    folder = config.root / config.evolve.folder
    found = [read_evolution(path) for path in sorted(folder.glob("*.toml"))]
    for before, after in pairwise(found):
        if before.name[:4] == after.name[:4]:
            message = f"{folder}: {before.name} and {after.name} have the same number."
            raise ConfigurationError(f"{message} The number is the order; give one of them the next.")
    return found


def evolution_named(config: Config, name: str) -> Evolution:
    """Return an evolution by its name or by its number.

    Raises
    ------
    ConfigurationError
        There is none, or its file is not as expected.
    """
    found = evolutions(config)
    for evolution in found:
        if name in (evolution.name, evolution.name[:4]):
            return evolution
    there = ", ".join(evolution.name for evolution in found) or "no evolution"
    folder = config.root / config.evolve.folder
    raise ConfigurationError(f"{folder} has no evolution {name!r}; it has {there}. Name one of them.")
