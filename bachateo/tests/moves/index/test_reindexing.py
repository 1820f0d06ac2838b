"""A new index in place of an old one on a real node: nothing is lost, searches go on, and there is a way back."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import elasticsearch
import pytest
from elasticsearch import Elasticsearch
from typer.testing import CliRunner

from bachateo.cli import app
from bachateo.errors import SearchError
from bachateo.moves.index import MoveQuery, reindexing
from bachateo.moves.index.document import MAPPING
from bachateo.moves.index.elasticsearch import ElasticsearchMoveIndex
from bachateo.moves.index.reindexing import plan_reindexing, plan_undoing, reindex, undo

VECTORS = [name for name in MAPPING["properties"] if name.endswith("_embedding")]


@pytest.fixture
def quantised(elasticsearch_node: str, make_document) -> Iterator[ElasticsearchMoveIndex]:
    """An index that the server made with its own ideas of vectors, with five moves."""
    index = ElasticsearchMoveIndex(elasticsearch_node, index=f"test_{uuid.uuid4().hex}")
    plain = {
        name: {key: value for key, value in field.items() if key != "index_options"}
        for name, field in MAPPING["properties"].items()
    }
    index.client.indices.create(index=index.index, mappings={"properties": plain})
    index.add(make_document(name) for name in "abcde")
    yield index
    for name in index.client.indices.get_alias(index=f"{index.index}*"):
        index.client.indices.delete(index=name)
    index.close()


def indices(index: ElasticsearchMoveIndex) -> dict[str, list[str]]:
    """Return all indices of this name, each with its aliases."""
    found = index.client.indices.get_alias(index=f"{index.index}*")
    return {name.removeprefix(index.index): list(facts["aliases"]) for name, facts in found.items()}


def kinds(index: ElasticsearchMoveIndex) -> set[str]:
    (facts,) = index.client.indices.get_mapping(index=index.index).values()
    return {facts["mappings"]["properties"][name]["index_options"]["type"] for name in VECTORS}


def answers(index: ElasticsearchMoveIndex, queries: Any) -> dict[str, float]:
    return {hit.clip_id: hit.score for hit in index.search(MoveQuery(queries)).hits}


def test_plan__quantised_index__names_the_fields_and_changes_nothing(quantised):
    turn = plan_reindexing(quantised)

    assert (turn.old, turn.new, turn.kept) == (quantised.index, f"{quantised.index}-2", f"{quantised.index}-1")
    assert (turn.moves, list(turn.differs)) == (5, VECTORS)
    assert indices(quantised) == {"": []}


def test_reindex__then_undo__keeps_all_moves_and_what_was_written_since(quantised, make_document, queries):
    before = answers(quantised, queries)

    assert reindex(quantised, plan_reindexing(quantised)) == 5

    assert indices(quantised) == {"-1": [], "-2": [quantised.index]}
    assert kinds(quantised) == {"flat"}
    assert answers(quantised, queries) == pytest.approx(before, abs=1e-6)
    assert plan_reindexing(quantised).differs == ()

    quantised.add([make_document("f"), make_document("a", move_label="changed")])
    quantised.client.delete(index=quantised.index, id="b", refresh=True)
    assert undo(quantised, plan_undoing(quantised)) == 5

    assert indices(quantised) == {"-1": [quantised.index], "-2": []}
    assert "flat" not in kinds(quantised)
    labels = [found and found["move_label"] for found in quantised.get_many(list("abcdef"))]
    assert labels == ["changed", None, "c", "d", "e", "f"]
    quantised.add([make_document("g")])
    assert plan_reindexing(quantised).new == f"{quantised.index}-3"


def test_reindex__written_meanwhile__is_brought_after(quantised, make_document, monkeypatch):
    plain = reindexing._copy

    def copied(index: ElasticsearchMoveIndex, source: str, target: str, **options: Any) -> int:
        until = plain(index, source, target, **options)
        if "after" not in options:
            index.add([make_document("f"), make_document("a", move_label="changed")])
            index.client.delete(index=source, id="b", refresh=True)
        return until

    monkeypatch.setattr(reindexing, "_copy", copied)
    assert reindex(quantised, plan_reindexing(quantised)) == 5

    labels = [found and found["move_label"] for found in quantised.get_many(list("abcdef"))]
    assert labels == ["changed", None, "c", "d", "e", "f"]


def test_reindex__that_loses_a_move__is_given_up_and_the_old_index_goes_on(quantised, make_document, monkeypatch):
    plain = reindexing._copy

    def copied(index: ElasticsearchMoveIndex, source: str, target: str, **options: Any) -> int:
        until = plain(index, source, target, **options)
        if "after" in options:
            index.client.delete(index=target, id="b", refresh=True)
        return until

    monkeypatch.setattr(reindexing, "_copy", copied)
    with pytest.raises(SearchError, match=r"^CH127  .*-2 has 4 moves and .* 5; nothing was changed\."):
        reindex(quantised, plan_reindexing(quantised))

    assert indices(quantised) == {"": []}
    quantised.add([make_document("f")])
    assert quantised.count() == 6


@pytest.fixture
def answer_is_lost(monkeypatch) -> None:
    """The server leads the alias, and the connection ends before it can say so."""
    kind = type(Elasticsearch("http://127.0.0.1:1").indices)
    plain, lost = kind.update_aliases, iter([True])

    def asked(client: Any, **options: Any) -> Any:
        answer = plain(client, **options)
        if next(lost, False):
            raise elasticsearch.ConnectionError("the connection was reset")
        return answer

    monkeypatch.setattr(kind, "update_aliases", asked)


@pytest.mark.usefixtures("answer_is_lost")
def test_reindex__answer_of_the_turn_is_lost__the_index_that_is_in_use_stays(quantised):
    assert reindex(quantised, plan_reindexing(quantised)) == 5

    assert indices(quantised) == {"-1": [], "-2": [quantised.index]}
    assert quantised.count() == 5


def test_undo__answer_of_the_turn_is_lost__the_index_that_is_in_use_stays(quantised, request):
    reindex(quantised, plan_reindexing(quantised))
    request.getfixturevalue("answer_is_lost")

    assert undo(quantised, plan_undoing(quantised)) == 5

    assert indices(quantised) == {"-1": [quantised.index], "-2": []}


def test_reindex__server_goes_away_in_the_middle__says_to_run_it_again__and_then_it_ends(
    quantised, monkeypatch, make_document
):
    plain, url = reindexing._same_moves, quantised.url

    def goes_away(index: ElasticsearchMoveIndex, *names: str) -> int:
        index.client = Elasticsearch("http://127.0.0.1:1", max_retries=0)
        return plain(index, *names)

    monkeypatch.setattr(reindexing, "_same_moves", goes_away)
    with pytest.raises(SearchError, match=r"^CH124  .* went away in the middle\. No move is lost, .*run it again"):
        reindex(quantised, plan_reindexing(quantised))

    monkeypatch.undo()
    quantised.client = Elasticsearch(url)
    assert reindex(quantised, plan_reindexing(quantised)) == 5
    quantised.add([make_document("f")])
    assert quantised.count() == 6


def test_undo__without_a_turn_before__is_refused(quantised):
    with pytest.raises(SearchError, match=r"^CH127  .* replaces no index that is still at http.*there is no way back"):
        plan_undoing(quantised)


def test_command__shows_what_it_would_do_and_does_it_with_apply(quantised, monkeypatch):
    monkeypatch.setattr(
        ElasticsearchMoveIndex.__init__,
        "__kwdefaults__",
        {**ElasticsearchMoveIndex.__init__.__kwdefaults__, "index": quantised.index},
    )

    def run(*options: str) -> str:
        result = CliRunner().invoke(app, ["library", "reindex", "--elasticsearch", quantised.url, *options])
        assert result.exit_code == 0, result.output
        return result.stdout

    shown = run()
    assert "text_embedding is mapped otherwise than docs/reference/search.md says" in shown
    assert shown.endswith("nothing was changed; --apply does it\n")
    assert indices(quantised) == {"": []}
    assert run("--apply").endswith(f"{quantised.index} means {quantised.index}-2, 5 moves\n")
    assert "nothing was changed" in run("--undo")
    assert run("--undo", "--apply").endswith(f"{quantised.index} means {quantised.index}-1, 5 moves\n")
