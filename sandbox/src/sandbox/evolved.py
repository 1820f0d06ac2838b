"""The database at each stage of the evolution to Phase 2, brought there by ``handover evolve``."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from psycopg import sql

from sandbox import house, template
from sandbox.postgres import Server

EVOLUTION = "0001_phase_2"
STAGES = ("before", "expanded", "switched", "rolled back", "contracted")
# People were moved nowhere here, so each gate is red; what gates ask is the subject of other tests.
GATES = ("stable", "decommissioned", "users-moved", "no-rollback")
OVERRIDES = [part for gate in GATES for part in ("--override", gate)]
# The path in this database alone: the evolution puts the schema of the old shape into it, and other databases
# of this server have the same role. A copy of the database has no such setting.
PATH = 'ALTER ROLE original_app IN DATABASE {} SET search_path = "$user", public'
# What handover.toml names, beside its copy: the journal keeps its own copy there, one for each database.
NAMED = (".venv", "backend", "evolution", "original", "pair")


@dataclass(frozen=True)
class Evolving:
    """A database on its way; ``folder`` holds what ``handover`` keeps on this machine."""

    server: Server
    name: str
    folder: Path

    def go(self, stage: str) -> None:
        """Go from the beginning to a stage."""
        ways = {
            "before": (),
            "expanded": (self.start,),
            "switched": (self.start, self.switch),
            "rolled back": (self.start, self.switch, self.roll_back),
            "contracted": (self.start, self.switch, self.contract),
        }
        for way in ways[stage]:
            way()

    def start(self) -> None:
        """Make both shapes live, the old one in the table."""
        with self.server.connect() as session:
            session.execute(sql.SQL(PATH).format(sql.Identifier(self.name)))
        self.handover("init-journal", "--apply")
        self.handover("evolve", "start", EVOLUTION, "--apply", *OVERRIDES, "--because", "the sandbox")

    def switch(self) -> None:
        """Give the table the new shape; the old one stays in its view."""
        self.handover("evolve", "switch", EVOLUTION, "--apply")

    def roll_back(self) -> None:
        """Give the table the old shape again, and take away all that the start made."""
        self.handover("evolve", "rollback", EVOLUTION, "--apply", "--because", "the sandbox")

    def contract(self) -> None:
        """Take away the old shape."""
        self.handover("evolve", "contract", EVOLUTION, "--apply", "--confirm", EVOLUTION)

    def handover(self, *arguments: str) -> str:
        """Run one command on this database; return what it says.

        Raises
        ------
        CommandFailedError
            It was refused, or failed.
        """
        if not (self.folder / "handover.toml").exists():
            (self.folder / "handover.toml").write_text((house.ROOT / "handover.toml").read_text())
            for part in NAMED:
                (self.folder / part).symlink_to(house.ROOT / part)
        # It asks both systems which tables their sessions find first.
        url = self.server.url("original_app", self.name)
        return house.handover(self.server, self.name, *arguments, folder=self.folder, ORIGINAL_DATABASE_URL=url)


def evolve(server: Server, name: str, stage: str) -> None:
    """Bring a database from the beginning to a stage."""
    with tempfile.TemporaryDirectory(prefix="sandbox-evolved-") as folder:
        Evolving(server, name, Path(folder)).go(stage)


def template_at(server: Server, adopted: str, stage: str) -> str:
    """Return the name of a template at a stage; ``adopted`` is the one to begin with."""
    if stage == STAGES[0]:
        return adopted

    def build(name: str) -> None:
        server.create_database(name, template=adopted)
        evolve(server, name, stage)

    return template.ensure(server, f"{stage.replace(' ', '_')}_template", build)
