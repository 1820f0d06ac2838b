"""Group 5 of ``handover prove`` and its flows on this repository's pair, both systems running."""

import pytest

from handover.config import load
from handover.errors import Finding
from handover.evidence.folder import recording
from handover.proof.groups import flows, storage
from handover.proof.outcome import Outcome
from handover.proof.venue import Venue
from sandbox import house
from sandbox.systems import Systems


@pytest.fixture(params=["systems", "systems_on_a_bucket"], ids=["directory", "gcs"])
def running(request) -> Systems:
    """Both systems, once with their files in a directory and once in a bucket."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def venue(running: Systems, demo_song, monkeypatch) -> Venue:
    """The database that they are running on."""
    running.place.put_song("Noche.mp3", demo_song.read_bytes())
    return venue_of(running, monkeypatch)


def venue_of(running: Systems, monkeypatch) -> Venue:
    environment = running.environment("backend_app") | {
        "ORIGINAL_DATABASE_URL": running.database.url("original_app"),
        "HANDOVER_ORIGINAL_URL": running.original_url,
        "HANDOVER_BACKEND_URL": running.backend_url,
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
    monkeypatch.delenv("HANDOVER_DATABASE_URL", raising=False)
    config = load(house.ROOT / "handover.toml")
    return Venue(config, running.database.url("owner"), True, "small", 7, lambda _: None)


def proved(group, venue: Venue, folder) -> Outcome:
    with recording(venue.config.model_copy(update={"root": folder}), "prove") as recorder:
        return group.prove(venue, recorder)


def findings(outcome: Outcome) -> list[Finding]:
    return [failure.finding for failure in outcome.failures]


def test_storage__of_both_systems__is_one(venue: Venue, tmp_path):
    outcome = proved(storage, venue, tmp_path)
    assert [str(finding) for finding in findings(outcome)] == []
    assert outcome.counts["files"] >= 2 * (2 * 2 * 2 + 2 * 8) + 2
    assert outcome.counts["streamed_backend"] == 4
    assert outcome.counts["streamed_original"] == 2


def test_flows__of_both_systems__are_made_on_either_and_seen_on_the_other(venue: Venue, tmp_path):
    outcome = proved(flows, venue, tmp_path)
    assert [str(finding) for finding in findings(outcome)] == []
    assert outcome.counts["journeys"] == 3
    assert outcome.counts["steps"] == 2 * 16 + 14
    assert outcome.empty == ()
