"""Template databases: built once per server, cloned for each test."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from psycopg import sql

from sandbox.postgres import Database, Server

LOCK = 0x74656D706C617465  # "template"; one lock for all of them


def ensure(server: Server, name: str, build: Callable[[str], None]) -> str:
    """Return ``name`` after making sure that a finished template of that name is on the server.

    ``build`` gets the name of a database to make. It becomes the template only when that is done, so
    a build that failed or was killed is begun anew, and several pytest processes share one build.
    """
    with server.connect() as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (LOCK,))  # until the connection ends
        databases = server.databases()
        if name in databases:
            return name
        unfinished = f"{name}_unfinished"
        if unfinished in databases:
            server.drop_database(unfinished)
        build(unfinished)
        old, new = sql.Identifier(unfinished), sql.Identifier(name)
        # A template takes no connections, so no session can hold up the next clone.
        with connection.transaction():
            connection.execute(sql.SQL("ALTER DATABASE {} WITH IS_TEMPLATE true ALLOW_CONNECTIONS false").format(old))
            connection.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(old, new))
    return name


def forget(server: Server, name: str) -> None:
    """Drop a template, so that it is built anew when it is needed."""
    if name in server.databases():
        with server.connect() as connection:
            connection.execute(sql.SQL("ALTER DATABASE {} WITH IS_TEMPLATE false").format(sql.Identifier(name)))
        server.drop_database(name)


@contextmanager
def clone(server: Server, template: str) -> Iterator[Database]:
    """Give a copy of a template, dropped at the end together with its sessions."""
    name = f"test_{secrets.token_hex(6)}"
    server.create_database(name, template=template)
    try:
        yield Database(name, server)
    finally:
        server.drop_database(name)
