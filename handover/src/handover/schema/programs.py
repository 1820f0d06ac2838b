"""Where PostgreSQL's own programs are: ``pg_dump`` and ``pg_restore``."""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from psycopg import pq
from psycopg.conninfo import conninfo_to_dict

from handover.config.config import Config
from handover.errors import HandoverError

# What programs say that were built without TLS, and what to do.
NO_TLS = "SSL support is not compiled in"
WITH_TLS = "Name the folder of others, such as those of the system's packages: [prove] pg_bin in handover.toml."


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


def connecting_environment(url: str) -> dict[str, str]:
    """Return an environment in which these programs connect to a database.

    Every user of the machine can read a command line, so libpq's variables tell it: all of the URL, and nothing else.

    Examples
    --------
    >>> found = connecting_environment("postgresql://owner@db/live?sslmode=verify-full&sslrootcert=/srv/ca.pem")
    >>> found["PGHOST"], found["PGSSLMODE"], found["PGSSLROOTCERT"]
    ('db', 'verify-full', '/srv/ca.pem')
    """
    variables = {
        option.keyword.decode(): option.envvar.decode() for option in pq.Conninfo.get_defaults() if option.envvar
    }
    found = {variables[k]: str(v) for k, v in conninfo_to_dict(url).items() if k in variables}
    kept = {k: v for k, v in os.environ.items() if k not in variables.values()}
    return {**kept, **found}


def _folders(root: Path, pattern: str) -> Iterable[Path]:
    """Return the folders that a pattern names, relative to ``root`` or absolute; `*` stands for anything."""
    path = Path(pattern)
    if not path.is_absolute():
        return root.glob(pattern)
    return Path(path.anchor).glob(str(path.relative_to(path.anchor))) if "*" in pattern else (path,)
