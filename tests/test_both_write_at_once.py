"""This repository's own pair writes to the same tasks at once, while clients, workers and PostgreSQL are killed."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from handover.config.config import Config
from handover.journal.evidence import latest, recording
from handover.proof.groups import concurrent_writes
from handover.proof.target import ProofTarget
from handover.proof.writer_processes import WritePlan
from sandbox.fixtures import FAST, roomy_place
from tests.faults_of_the_pair import durable_pair

PLAN = WritePlan(operations=400, batch=10, agents=2, rows=3, rows_last=200)
# Killing the server must lose nothing that was committed; a disk that forgets would.
SETTINGS = FAST | {"fsync": "on", "synchronous_commit": "on"}


@pytest.fixture
def pair() -> Iterator[tuple[Config, str]]:
    with (
        tempfile.TemporaryDirectory(prefix="both-", dir=roomy_place()) as folder,
        durable_pair(Path(folder), SETTINGS) as found,
    ):
        yield found


@pytest.mark.full
def test_prove__this_pair_while_everything_breaks__the_backend_causes_nothing_and_the_rest_is_accepted(pair):
    config, url = pair
    with recording(config, "prove") as recorder:
        target = ProofTarget(config, url, throwaway=True, size="full", seed=4, say=lambda _: None)
        outcome = concurrent_writes.prove(target, recorder, PLAN)
    assert outcome.figures["backend_anomalies"] == outcome.figures["unaccepted_anomalies"] == 0
    assert outcome.figures["planted_caught"] == 2
    assert outcome.figures["contended_pct"] >= 30
    assert {f.caused_by for f in outcome.failures} <= {"original", None}
    assert "HO320" in {f.finding.code for f in outcome.failures}
    tried = 5 if config.prove.fill_disk else 4
    assert outcome.figures["faults"] == tried
    unseen = {(f.finding.code, f.finding.where) for f in outcome.failures if f.finding.severity == "unseen"}
    assert unseen == (set() if config.prove.fill_disk else {("HO336", "the disk is full")})
    evidence = latest(config, "prove")
    assert evidence
    assert len(list(evidence.lines("concurrent-faults"))) == tried
    assert len(list(evidence.lines("concurrent-histories"))) == outcome.counts["rows"] + 2
