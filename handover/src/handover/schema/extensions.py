"""Extensions of a database that a copy of it cannot have, because its role may not make them."""

from collections.abc import Collection
from typing import Any

import psycopg
from psycopg import Connection, sql

_EXTENSIONS = "SELECT extname::text FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY 1"


def refused_extensions(source: Connection[Any], copy: str) -> dict[str, str]:
    """Return the extensions that cannot be made in a copy, and why; each is tried there, and taken back.

    Parameters
    ----------
    source
        The database that is copied.
    copy
        The URL of the empty copy, as the role that fills it.
    """
    found = {}
    names = [name for (name,) in source.execute(_EXTENSIONS).fetchall()]
    with psycopg.connect(copy) as target:
        for name in names:
            try:
                with target.transaction(force_rollback=True):
                    target.execute(sql.SQL("CREATE EXTENSION {} CASCADE").format(sql.Identifier(name)))
            except psycopg.Error as error:
                found[name] = error.diag.message_primary or str(error)
    return found


def without_extensions(listed: str, names: Collection[str]) -> str:
    """Return what ``pg_restore --list`` printed, without some extensions and their comments.

    Examples
    --------
    >>> listed = "2; 3079 9 EXTENSION - lo \\n90; 0 0 COMMENT - EXTENSION lo \\n5; 1259 7 TABLE public films owner"
    >>> without_extensions(listed, {"lo"})
    '5; 1259 7 TABLE public films owner'
    """
    return "\n".join(line for line in listed.splitlines() if _extension(line) not in names)


def _extension(line: str) -> str:
    """Return the extension that a line is about; empty when it is about something else."""
    match line.split()[3:]:
        case ["EXTENSION", "-", name, *_] | ["COMMENT", "-", "EXTENSION", name, *_]:
            return name.strip('"')
        case _:
            return ""


def left_out(refused: dict[str, str]) -> list[str]:
    """Return a line for each extension that a copy goes without."""
    return [f"the extension {name} is not in the copy: {why}" for name, why in refused.items()]
