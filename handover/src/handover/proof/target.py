"""Where a proof runs: a database, and both systems acting on it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from psycopg.conninfo import conninfo_to_dict

from handover.config.config import Config
from handover.probe.client import Probe, probe
from handover.side import Side

Size = Literal["small", "full"]


@dataclass(frozen=True)
class ProofTarget:
    """The database that a proof runs on, and how large the run is.

    Attributes
    ----------
    config
        The pair.
    owner_url
        URL of the database to act on, as the role that owns the shared tables.
    throwaway
        Whether the database is a copy that goes away afterwards; only on a copy are servers
        killed and disks filled.
    size
        ``small`` for every day, ``full`` for the long run.
    seed
        The same seed gives the same rows and operations.
    say
        Receives a line of progress.
    reads_only
        Whether nothing may be written, as on production: agents are read-only, and existing rows are compared.
    """

    config: Config
    owner_url: str
    throwaway: bool
    size: Size
    seed: int
    say: Callable[[str], None]
    reads_only: bool = False

    @contextmanager
    def acting(self, side: Side, *chapters: str) -> Iterator[Probe]:
        """Start an agent in a system's interpreter that acts on this database as the system's own role."""
        system = self.config.system(side)
        with probe(f"the {side}", system, self.config.root, act_on=self.database) as agent:
            for chapter in chapters:
                agent.load(chapter)
            yield agent

    @property
    def database(self) -> dict[str, str]:
        """Return the database's name and place as Django's settings call them."""
        found = conninfo_to_dict(self.owner_url)
        names = {"NAME": "dbname", "HOST": "host", "HOSTADDR": "hostaddr", "PORT": "port"}
        return {ours: str(found[theirs]) for ours, theirs in names.items() if theirs in found}
