"""SQL that an evolution declares: ``$1`` in it stands for a value."""

import re
from typing import Any

from psycopg import sql

# Texts, quoted names, dollar-quoted texts and comments stay as they are; only a bare $1 stands for the value.
_PART = re.compile(
    r"""
      [eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | "(?:[^"]|"")*"
    | \$(?P<tag>[A-Za-z_]\w*)?\$.*?\$(?(tag)(?P=tag))\$
    | --[^\n]* | /\*.*?\*/
    | (?<![\w$])(?P<value>\$1)(?![\w$])
    """,
    re.VERBOSE | re.DOTALL,
)


def applied(expression: str, value: str) -> str:
    """Return a declared expression with ``value``, itself SQL, in place of ``$1``.

    Examples
    --------
    >>> applied("CASE $1 WHEN 'costs $1' THEN 1 END", 'NEW."price"')
    'CASE NEW."price" WHEN \\'costs $1\\' THEN 1 END'
    """
    return _PART.sub(lambda part: value if part["value"] else part[0], expression)


def declared(text: str) -> sql.SQL:
    """Return SQL that a file of the user declares, to be put together with other SQL.

    A statement with it is executed without parameters, so that a per cent sign in it has no meaning.
    """
    words: Any = text  # psycopg takes literals alone, so that no value of a user gets into SQL by mistake
    return sql.SQL(words)
