"""What a command of an evolution acts with."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files

from psycopg import sql

from handover.config.config import Config
from handover.evolve.lost_steps import require_no_lost_steps
from handover.evolve.position import evolution_position, plan_of, stream_of
from handover.evolve.session import APPLICATION, open_session
from handover.evolve.statement import EvolutionPlan
from handover.evolve.states import evolve_transition
from handover.runs.command import check_pause
from handover.runs.context import ActingContext, acting
from handover.runs.position import StreamPosition
from handover.runs.states import Transition

# A pause ends this process by a signal; looking for one in the journal is for a signal that was lost.
LOOK_EVERY_S = 2.0
_END_STALE = """
    SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
     WHERE datname = current_database() AND application_name = %s AND usename = current_user AND pid <> pg_backend_pid()
"""


@dataclass
class EvolveContext(ActingContext[StreamPosition]):
    """What an action of an evolution needs; ``name`` is the evolution's."""

    name: str = ""
    _looked: float = field(default=0.0, repr=False)

    @property
    def stream(self) -> str:
        """The stream of its entries."""
        return stream_of(self.name)

    @property
    def plan(self) -> EvolutionPlan:
        """The plan that its start wrote into the journal; before that, the one that the command was given."""
        given = self.facts.get("plan")
        return EvolutionPlan.from_json(given) if given else plan_of(self.journal.entries(), self.name)

    def position(self) -> StreamPosition:
        """Return how far the evolution is."""
        return evolution_position(self.journal.entries(), self.name)

    def transition(self, command: str, state: str) -> Transition:
        """Return where a command leads from a state; see :func:`handover.evolve.states.evolve_transition`."""
        return evolve_transition(command, state, self.name)

    def go_on(self) -> None:
        """Look at the lease, and from time to time at the pause.

        Raises
        ------
        Refused
            The lease is lost, or everything is paused.
        """
        self.lease.check()
        if time.monotonic() - self._looked >= LOOK_EVERY_S:
            check_pause(self.position())
            self._looked = time.monotonic()


@contextmanager
def open_evolve_context(
    config: Config,
    command: str,
    name: str,
    *,
    say: Callable[[str], None],
    at_point: Callable[[str], None] = lambda _: None,
) -> Iterator[EvolveContext]:
    """Give a command of an evolution what it needs to act, and hold the lease while the block runs.

    Parameters
    ----------
    config, command, name
        The pair, the command's name for other operators to read, and the evolution's name.
    say
        Receives a line of progress.
    at_point
        See :class:`handover.runs.context.ActingContext`.

    Raises
    ------
    Refused
        Another operator holds the lease, there is no journal, or the database was set back to before steps that are
        done: only ``resume`` works then.
    JournalError
        The database does not answer.
    """
    with acting(config, command) as (journal, lease):
        end_stale_sessions(config)
        make_steps_table(config)
        if command != "resume":
            require_no_lost_steps(config, journal.entries(), name)
        yield EvolveContext(config, journal, lease, say, at_point=at_point, name=name)


def end_stale_sessions(config: Config) -> None:
    """End the sessions of a process that was killed: only the holder of the lease has any, so they are of the past."""
    with open_session(config, autocommit=True) as connection:
        connection.execute(_END_STALE, [APPLICATION])


def make_steps_table(config: Config) -> None:
    """Make the table of the steps in a journal that is older than it."""
    with open_session(config) as connection:
        row = connection.execute("SELECT to_regclass('handover.evolution_steps') IS NOT NULL").fetchone()
        if row and row[0]:
            return
        connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(config.journal.role)))
        connection.execute(files("handover.evolve").joinpath("evolve.sql").read_bytes())
