"""Plant a fault in a copy of a clean pair, run its group of proofs, and return the findings."""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from handover.config.config import Backend, Config, System
from handover.errors import HandoverError
from handover.finding import Finding
from handover.journal.evidence import recording
from handover.proof.groups import GROUPS
from handover.proof.outcome import Outcome
from handover.proof.target import ProofTarget
from handover.side import Side
from handover_testing.drifts.stage import Stage
from handover_testing.faults.fault import Fault
from sandbox import template


@dataclass(frozen=True)
class Played:
    """The result for one fault; ``error`` if the group could not run, which is red, too."""

    fault: Fault
    findings: tuple[Finding, ...]
    outcomes: tuple[Outcome, ...]
    error: str
    seconds: float

    @property
    def caught(self) -> bool:
        """Whether the expected finding was reported."""
        met = any(f.code.startswith(self.fault.code) and self.fault.place in f.where for f in self.findings)
        return met or bool(self.error and self.fault.code and self.error.startswith(self.fault.code))

    @property
    def green(self) -> bool:
        """Whether nothing was found."""
        return not (self.findings or self.error or any(o.empty for o in self.outcomes))

    def __str__(self) -> str:
        said = ", ".join(f"{f.code} {f.where}" for f in self.findings) or self.error or "nothing"
        return f"{self.fault.name}: expected {self.fault.code or 'nothing'} {self.fault.place}, said {said}"


def play(stage: Stage, fault: Fault, python: list[str], folder: Path) -> Played:
    """Plant a fault on a stage, in a folder of its own, and run its group."""
    began = time.monotonic()
    with planted(stage, fault, python, folder) as target, recording(target.config, "prove") as recorder:
        group = next(g for g in GROUPS if g.name == fault.group)
        try:
            found = group.load()(target, recorder)
        except (HandoverError, psycopg.Error) as error:
            return Played(fault, (), (), str(error), time.monotonic() - began)
    outcomes = found if isinstance(found, tuple) else (found,)
    findings = tuple(f.finding for o in outcomes for f in o.failures if f.finding.severity != "safe")
    return Played(fault, findings, outcomes, "", time.monotonic() - began)


@contextmanager
def planted(stage: Stage, fault: Fault, python: list[str], folder: Path) -> Iterator[ProofTarget]:
    """Give the proof target of a pair with one fault: its projects on disk, and a clone of its database."""
    place = folder / secrets.token_hex(4)
    projects = {side: project.copy() for side, project in stage.pair.items()}
    if fault.edit:
        fault.edit(projects)
    stage.write(place, projects, fault.files)
    with template.clone(stage.server, stage.database) as database:
        if fault.sql:
            with stage.server.connect(database.name) as connection:
                connection.execute(fault.sql.encode())
        config = _config(stage, place, fault, python, database.name, stage.config(place, projects))
        url = make_conninfo(database.url("owner"))
        yield ProofTarget(config, url, throwaway=True, size="small", seed=7, say=lambda _: None)


def _config(stage: Stage, place: Path, fault: Fault, python: list[str], database: str, config: Config) -> Config:
    """Return the pair's configuration with interpreters that start at once and know their database."""
    values = config.model_dump(by_alias=True)
    systems = {
        side: values[side] | {"python": tuple(python), "environment": stage.environment(side, database)}
        for side in Side
    }
    tables = {stage.shape.project.models[name].table for name in fault.models}
    models = tuple(m for m in config.models if not tables or m.table in tables)
    parts = {"root": place, "models": models, "original": System.model_validate(systems["original"])}
    return config.model_copy(update=parts | {"backend": Backend.model_validate(systems["backend"])})
