"""Where PostgreSQL's own programs are: ``pg_dump`` and ``pg_restore``."""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from handover.config.config import Config
from handover.errors import HandoverError


class ProgramMissingError(HandoverError):
    """One of PostgreSQL's programs was not found."""

    code = "HO421"


def program_path(config: Config, name: str) -> Path:
    """Return where one of PostgreSQL's own programs is.

    Raises
    ------
    ProgramMissingError
        It was not found.
    """
    pattern = config.prove.pg_bin
    folders = None if pattern is None else os.pathsep.join(sorted(map(str, _folders(config.root, pattern))))
    found = shutil.which(name, path=folders)
    if found is None:
        message = f"{name} is not in {pattern or 'PATH'}; a throw-away copy is made by dump and restore."
        todo = "Install PostgreSQL's client programs, or name their folder: [prove] pg_bin in handover.toml."
        raise ProgramMissingError(f"{message} {todo}")
    return Path(found)


def _folders(root: Path, pattern: str) -> Iterable[Path]:
    """Return the folders that a pattern names, relative to ``root`` or absolute; `*` stands for anything."""
    path = Path(pattern)
    if not path.is_absolute():
        return root.glob(pattern)
    return Path(path.anchor).glob(str(path.relative_to(path.anchor))) if "*" in pattern else (path,)
