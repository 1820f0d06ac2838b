"""A real Elasticsearch node: it starts, keeps its data over a restart, and is gone afterwards."""

import httpx
import pytest

from sandbox.search import node
from sandbox.search.node import NoSearchNodeError, SearchNode


def test_node__not_installed__says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(node, "HOME", tmp_path)
    with pytest.raises(NoSearchNodeError, match=r"is not installed here\. Run script/bootstrap --full"):
        SearchNode(tmp_path).start()


def test_node__ends_as_soon_as_it_is_started__shows_its_log(tmp_path, monkeypatch):
    (tmp_path / "stamp").touch()
    (tmp_path / "jdk/bin").mkdir(parents=True)
    (tmp_path / "jdk/bin/java").write_text("#!/bin/sh\necho no memory\n")
    (tmp_path / "jdk/bin/java").chmod(0o755)
    monkeypatch.setattr(node, "HOME", tmp_path)
    with pytest.raises(NoSearchNodeError, match=r"does not start:\nno memory"):
        SearchNode(tmp_path).start()


@pytest.mark.full
def test_node__answers_as_elasticsearch_does(elasticsearch_node):
    found = httpx.get(f"{elasticsearch_node}/_cluster/health", timeout=30)
    assert found.json()["status"] in {"green", "yellow"}
    assert found.headers["X-elastic-product"] == "Elasticsearch"
