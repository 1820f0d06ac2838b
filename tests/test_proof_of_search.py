"""Group 4 of ``handover prove`` on this repository's pair: both systems' own search on one index."""

from dataclasses import replace
from pathlib import Path

import pytest

from handover.config.config import load_config
from handover.journal.evidence import recording
from handover.proof.groups import search
from handover.proof.outcome import Outcome
from handover.proof.target import ProofTarget
from sandbox import house
from sandbox.search.server import SearchServer
from tests import moves_of_the_pair
from tests.moves_of_the_pair import MOVES


@pytest.fixture(scope="module")
def moves_folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("moves")


@pytest.fixture(scope="module")
def search_server(moves_folder):
    """A server of this module's own, with a few moves in it."""
    with SearchServer() as server:
        moves_of_the_pair.put(server.url, moves_folder)
        yield server


@pytest.fixture
def target(search_server, postgres, adopted_template, moves_folder, tmp_path, monkeypatch) -> ProofTarget:
    environment = {
        "ORIGINAL_DATABASE_URL": postgres.url("original_app", adopted_template),
        "DATABASE_URL": postgres.url("backend_app", adopted_template),
        "ELASTICSEARCH_URL": search_server.url,
        "MOVES_LIBRARY": str(moves_folder),
        "MEDIA_ROOT": str(tmp_path),
        "SECRET_KEY": "unused",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
    config = load_config(house.ROOT / "handover.toml")
    return ProofTarget(config, postgres.url("owner", adopted_template), True, "small", 7, lambda _: None)


def proved(target: ProofTarget, folder: Path) -> Outcome:
    with recording(target.config.model_copy(update={"root": folder}), "prove") as recorder:
        return search.prove(target, recorder)


@pytest.mark.full
def test_search__of_both_systems_on_one_index__is_the_same(target: ProofTarget, tmp_path):
    outcome = proved(target, tmp_path)
    assert [str(failure.finding) for failure in outcome.failures] == []
    assert outcome.counts["search_queries"] == search.QUERIES["small"]
    assert outcome.counts["documents"] == outcome.counts["clips"] == MOVES
    assert outcome.counts["hits"] > 2 * 5 * search.QUERIES["small"]
    assert outcome.notes == (f"lead_embedding: 2 of {MOVES} documents have no vector",)
    assert outcome.figures["mean_cosine_audio_embedding"] < 0.9


@pytest.mark.full
def test_search__of_the_original_with_other_weights__is_noticed(target: ProofTarget, tmp_path):
    """The control: what is compared is what each system's own code says."""
    code = """
from choreography import search as own
own.WEIGHTS = {**own.WEIGHTS, "audio": 0.34, "text": 0.36}
def search(vectors, filters):
    return [(found.clip_id, found.score) for found in own.search_moves(vectors, **filters)]
"""
    asked = target.config.search.original.model_copy(update={"call": None, "code": code})
    described = target.config.search.model_copy(update={"original": asked})
    outcome = proved(replace(target, config=target.config.model_copy(update={"search": described})), tmp_path)
    assert {failure.finding.code for failure in outcome.failures} == {"HO345", "HO346"}
    assert all(failure.reproduce for failure in outcome.failures)
