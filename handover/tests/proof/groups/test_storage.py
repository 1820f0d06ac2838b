"""However the storage group ends, no saved file is left."""

from pathlib import Path

import pytest

from handover.proof.groups import storage
from handover.proof.storage.race import Race
from handover_testing.faults.stores import Stand, stand
from sandbox.search.server import SearchServer


@pytest.fixture
def clean(stage, tmp_path, python, monkeypatch):
    with SearchServer() as server, stand(stage, tmp_path / "pair", python, server, monkeypatch) as made:
        yield made


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


@pytest.mark.full
def test_prove__when_it_has_ended__no_file_is_left(clean: Stand):
    outcome = clean.proved("storage")
    assert outcome.counts["files"] > 20
    assert files(clean.media) == {"there.mp4"}


def test_prove__interrupted_in_the_middle__no_file_and_no_agent_is_left(clean: Stand, monkeypatch):
    met: list[set[str]] = []

    def interrupted(*_: object) -> None:
        met.append(files(clean.media))
        raise KeyboardInterrupt

    # Between two requests to the agents, when the first files exist.
    monkeypatch.setattr(Race, "findings", interrupted)
    monkeypatch.setattr(storage.FileRoundTrip, "_deleted", lambda *_: iter(()))
    with pytest.raises(KeyboardInterrupt):
        clean.proved("storage")
    assert len(met[0]) > 2
    assert files(clean.media) == {"there.mp4"}


@pytest.mark.full
def test_prove__database_without_rows_that_name_files__counts_none_and_is_not_green(clean: Stand):
    clean.sql("DELETE FROM dance_videos")
    assert clean.proved("storage").empty == ("rows",)


@pytest.mark.full
def test_prove__pair_without_file_fields__has_nothing_to_compare(clean: Stand):
    for project in clean.projects.values():
        del project.models["Video"].fields["path"]
    outcome = clean.proved("storage")
    assert (outcome.failures, outcome.empty) == ((), ())
    assert outcome.nothing == "no model of either system has a file field"


@pytest.mark.full
def test_prove__file_field_in_one_system_only__is_named_and_unseen(clean: Stand):
    del clean.projects["backend"].models["Video"].fields["path"]
    outcome = clean.proved("storage")
    (failure,) = outcome.failures
    assert (failure.finding.code, failure.finding.severity) == ("HO360", "unseen")
    assert failure.finding.found.endswith("there is dance.Video.path")
