"""Real PostgreSQL from a wheel, with a lifecycle of our own."""

from sandbox.postgres.data_folder import reachable
from sandbox.postgres.server import Database, Server

__all__ = ["Database", "Server", "reachable"]
