"""Databases in which a test runs the stages of an evolution itself."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

import pytest

from handover_testing.evolving import Evolving
from sandbox.postgres import Database


@pytest.fixture(scope="session")
def evolving(postgres, tmp_path_factory) -> Callable[..., AbstractContextManager[Evolving]]:
    """Makes a database of the given name's own; it is dropped at the end of the block."""

    @contextmanager
    def make(what: str, evolve: str = "") -> Iterator[Evolving]:
        name = f"{what}_{os.getpid()}_{time.monotonic_ns()}"
        postgres.create_database(name)
        made = Evolving(tmp_path_factory.mktemp(what), Database(name, postgres), evolve)
        with ExitStack() as stack:
            stack.callback(postgres.drop_database, name)
            stack.callback(made.close)
            made.prepare()
            yield made

    return make


@pytest.fixture
def one(evolving, monkeypatch) -> Iterator[Evolving]:
    """A database of this test's own."""
    with evolving("one") as made:
        monkeypatch.setenv("HANDOVER_DATABASE_URL", made.database.url("owner"))
        yield made
