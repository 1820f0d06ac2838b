"""Group 5 of ``handover prove`` and its flows on this repository's pair, both systems running."""

from dataclasses import replace

import pytest

from handover.config.config import load_config
from handover.finding import Finding
from handover.journal.evidence import recording
from handover.proof.groups import flows, storage
from handover.proof.outcome import Outcome
from handover.proof.target import ProofTarget
from sandbox import house
from sandbox.systems import Systems


@pytest.fixture(
    params=[pytest.param("systems", marks=pytest.mark.full), "systems_on_a_bucket"], ids=["directory", "gcs"]
)
def running(request) -> Systems:
    """Both systems, once with their files in a directory and once in a bucket."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def target(running: Systems, monkeypatch) -> ProofTarget:
    """The database that they are running on."""
    return target_of(running, monkeypatch)


def target_of(running: Systems, monkeypatch) -> ProofTarget:
    environment = running.environment("backend_app") | {
        "ORIGINAL_DATABASE_URL": running.database.url("original_app"),
        "HANDOVER_ORIGINAL_URL": running.original_url,
        "HANDOVER_BACKEND_URL": running.backend_url,
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
    monkeypatch.delenv("HANDOVER_DATABASE_URL", raising=False)
    config = load_config(house.ROOT / "handover.toml")
    return ProofTarget(config, running.database.url("owner"), True, "small", 7, lambda _: None)


def proved(group, target: ProofTarget, folder) -> Outcome:
    with recording(target.config.model_copy(update={"root": folder}), "prove") as recorder:
        return group.prove(target, recorder)


def findings(outcome: Outcome) -> list[Finding]:
    return [failure.finding for failure in outcome.failures]


def test_storage__of_both_systems__is_one(target: ProofTarget, tmp_path):
    outcome = proved(storage, target, tmp_path)
    # Other tests leave files in this house that no row names.
    assert [str(finding) for finding in findings(outcome) if finding.code != "HO371"] == []
    assert outcome.counts["files"] >= 2 * (2 * 2 * 2 + 2 * 8) + 2
    assert outcome.counts["streamed_backend"] == 4
    assert outcome.counts["streamed_original"] == 2


@pytest.mark.full
def test_storage__of_a_system_on_another_bucket__is_told(
    systems_on_a_bucket: Systems, bucket_server, monkeypatch, tmp_path
):
    """The control: the two buckets are on one server, and hold the same names."""
    target = target_of(systems_on_a_bucket, monkeypatch)
    elsewhere = {**target.config.original.environment, "GS_BUCKET_NAME": bucket_server.create_bucket().name}
    original = target.config.original.model_copy(update={"environment": elsewhere})
    config = target.config.model_copy(update={"original": original, "flows": ()})
    outcome = proved(storage, replace(target, config=config), tmp_path)
    assert {finding.code for finding in findings(outcome)} >= {"HO361", "HO364", "HO367"}


@pytest.mark.full
def test_flows__of_both_systems__are_made_on_either_and_seen_on_the_other(
    systems: Systems, song_in_the_house, monkeypatch, tmp_path
):
    outcome = proved(flows, target_of(systems, monkeypatch), tmp_path)
    assert [str(finding) for finding in findings(outcome)] == []
    assert outcome.counts["journeys"] == 3
    assert outcome.counts["steps"] == 2 * 16 + 14
    assert outcome.empty == ()
