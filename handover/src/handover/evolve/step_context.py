"""What a step in batches works with."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from psycopg import Connection

from handover.config.config import Config
from handover.evolve.marks import StepMark
from handover.evolve.session import APPLICATION, open_session


@dataclass(frozen=True, kw_only=True)
class StepContext:
    """What a step in batches works with; the executor makes it.

    Attributes
    ----------
    config
        The pair, with the section ``[evolve]``.
    mark
        Where the step's cursor is kept.
    switched
        Whether the columns have the names of after the switch.
    go_on
        Looks at the lease and at the pause; called between batches. It raises when this process must not act any more.
    say
        Tells people how far the step is.
    at_point
        Called with the name of each point at which a crash could happen; tests stop there.
    """

    config: Config
    mark: StepMark
    switched: bool
    go_on: Callable[[], None]
    say: Callable[[str], None]
    at_point: Callable[[str], None] = lambda _: None

    @contextmanager
    def connect(self) -> Iterator[Connection[Any]]:
        """Open a session as the owner of the tables, in autocommit, with the lock time-out of the settings."""
        limit_ms = self.config.evolve.lock_timeout_ms
        with open_session(self.config, autocommit=True, name=APPLICATION, lock_timeout_ms=limit_ms) as connection:
            yield connection

    def cursor(self, connection: Connection[Any]) -> dict[str, Any]:
        """Return how far the step came before; empty when it has not begun."""
        return self.mark.read(connection)[1]

    def keep(self, connection: Connection[Any], cursor: Mapping[str, Any]) -> None:
        """Keep how far the step is, in the caller's transaction."""
        self.mark.keep(connection, cursor)
