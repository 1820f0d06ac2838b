"""Plant a fault of a concurrent writer in a pair of real projects, let both write, and return the findings."""

import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

from handover.config.config import Config
from handover.config.proof import Prove, Writing
from handover.journal.evidence import recording
from handover.proof.groups import concurrent_writes
from handover.proof.outcome import Outcome
from handover.proof.target import ProofTarget
from handover.proof.writer_processes import WritePlan
from handover.side import Side
from handover_testing.drifts.stage import Stage
from handover_testing.faults.concurrent import NARROW, SystemFault
from sandbox import template

MODEL, MODULE = "Task", "apps/dance/models.py"
CLEAN = SystemFault("clean", NARROW, "", "")


def play(
    stage: Stage, fault: SystemFault, folder: Path, *, python: Sequence[str] = (sys.executable,), operations: int = 320
) -> Outcome:
    """Return the outcome for a pair whose backend has the fault; the original loses no updates."""
    place = folder / secrets.token_hex(4)
    stage.write(place, stage.pair)
    file = place / "backend" / MODULE
    file.write_text(f"{file.read_text()}\n\n{fault.code.replace('MODEL', MODEL)}\n")
    with template.clone(stage.server, stage.database) as database:
        config = _config(stage, place, database.name, fault, python)
        plan = WritePlan(operations, 10, 2, fault.rows, operations // 2)
        target = ProofTarget(config, database.url("owner"), throwaway=True, size="small", seed=1, say=lambda _: None)
        with recording(config, "prove") as recorder:
            return concurrent_writes.prove(target, recorder, plan)


def caught(fault: SystemFault, outcome: Outcome) -> bool:
    """Say whether the fault was found with its kind, and no finding blames the original."""
    from handover.proof.anomalies import KINDS  # noqa: PLC0415

    found = {(f.finding.code, f.caused_by) for f in outcome.failures if f.caused_by}
    return (KINDS[fault.kind].code, Side.BACKEND) in found and all(side == Side.BACKEND for _, side in found)


def _config(stage: Stage, folder: Path, database: str, fault: SystemFault, python: Sequence[str]) -> Config:
    known = stage.config(folder, stage.pair)
    systems = {
        side: getattr(known, side).model_copy(
            update={"python": tuple(python), "environment": stage.environment(side, database)}
        )
        for side in Side
    }
    original = ("pair", *NARROW) if "pair" in fault.styles else NARROW
    writing = Writing(original=original, backend=fault.styles, retries={Side.BACKEND: fault.retries})
    return known.model_copy(update={**systems, "prove": Prove(concurrent=writing)})
