"""``[prove]`` of ``handover.toml``: what the proofs cannot find out by themselves."""

from typing import Literal, get_args

from pydantic import Field

from handover.config.section import Section
from handover.side import Side

Style = Literal[
    "save",
    "forced_save",
    "update_fields",
    "update",
    "conditional",
    "locked",
    "pair",
    "sweep",
    "delete",
    "purge",
]
EVERY_STYLE: tuple[Style, ...] = get_args(Style)


class Writing(Section):
    """``[prove.concurrent]``: the table to which both systems write at once, and how each system writes.

    Attributes
    ----------
    table
        A table of ``[[models]]``; None for the first that fits.
    text, number, status
        Columns: a free text for an operation's id, a whole number that writers count up, a column of choices.
        None for the first column that fits.
    original, backend
        How each system writes. ``save``: ``save()`` of an object that it holds; ``forced_save``: the same with
        ``force_update=True``; ``update_fields``: ``save(update_fields=[…])`` of one; ``update``: ``update()`` with
        ``F()``; ``conditional``: ``filter(status=…).update()``; ``locked``: ``select_for_update()``, then
        ``update()``; ``pair``: two rows in one transaction; ``sweep``: one ``update()`` of many rows, as housekeeping
        does; ``delete``; ``purge``: one ``delete()`` of many rows. Leave out what a system never does.
    retries
        How often each system repeats an operation after a deadlock or a serialization failure.
    """

    table: str | None = None
    text: str | None = None
    number: str | None = None
    status: str | None = None
    original: tuple[Style, ...] = Field(default=EVERY_STYLE, min_length=1)
    backend: tuple[Style, ...] = Field(default=EVERY_STYLE, min_length=1)
    retries: dict[Side, int] = {}


class LoginForms(Section):
    """How people log in: what each system's login page uses, if it does more than call its authentication backends.

    Attributes
    ----------
    original, backend
        Import path of a form like Django's ``AuthenticationForm``, or of a function that takes ``request``, ``login``
        and ``password`` by keyword and returns the user, or raises an error of credentials.
    """

    original: str = ""
    backend: str = ""


class Prove(Section):
    """Where and how proofs run.

    Attributes
    ----------
    pg_bin
        Folder of ``pg_dump`` and ``pg_restore``, of the server's version or newer, relative to ``handover.toml``; ``*``
        stands for anything. Without it, they are taken from PATH.
    server_url_env
        Environment variable with the URL of a database on another server, on which the throw-away copy is made, as a
        role that may create databases and owns the shared tables there. Otherwise on the same server.
    restart
        Argument vector that kills and restarts the PostgreSQL server of the throw-away copy, and returns when it
        takes connections again. Relative to ``handover.toml``.
    fill_disk, free_disk
        Argument vectors that fill the disk which that server keeps its tables on, and make room again.
    concurrent
        The concurrent writes of group 3.
    login
        How people log in.
    """

    pg_bin: str | None = None
    server_url_env: str | None = None
    restart: tuple[str, ...] = ()
    fill_disk: tuple[str, ...] = ()
    free_disk: tuple[str, ...] = ()
    concurrent: Writing = Writing()
    login: LoginForms = LoginForms()
