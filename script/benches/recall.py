"""A real Elasticsearch node beside trying everything: what its search misses, takes and moves."""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from rich.console import Console
from rich.table import Table

from bachateo.moves.index import MoveDocument, MoveQuery
from bachateo.moves.index.document import MAPPING, VECTOR_DIMS
from bachateo.moves.index.elasticsearch import ElasticsearchMoveIndex
from bachateo.moves.index.local import FILE_NAME, LocalMoveIndex
from sandbox.fault_proxy import FaultProxy
from sandbox.search.node import SearchNode

TARGETS = {"missing_of_200": 0, "other_orders": 0, "bytes_a_search": 100_000}
# What people ask for: a song, a text, or all there is.
ASKED = (("audio",), ("text",), tuple(VECTOR_DIMS))


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/bench recall", description=__doc__)
    parser.add_argument("--moves", type=int, default=5000, help="size of the index (default %(default)s)")
    parser.add_argument("--searches", type=int, default=75, help="searches that are timed (default %(default)s)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place, SearchNode(Path(place)) as node:
        documents = list(moves(arguments.moves))
        exact = LocalMoveIndex.create(Path(place, FILE_NAME), documents, len(documents))
        queries = list(asked(arguments.searches))
        wanted = [[hit.clip_id for hit in exact.search(query).hits] for query in queries]
        address = urlsplit(node.url)
        with FaultProxy(str(address.hostname), int(address.port or 0)) as proxy:
            figures: dict[str, Any] = {"moves": len(documents), "searches": len(queries)}
            figures |= measured(proxy, "exact", MAPPING, documents, queries, wanted)
            quantised = measured(proxy, "quantised", by_default(), documents, queries, wanted)
            figures |= {f"by_default_{name}": value for name, value in quantised.items()}
    show(figures)
    print(json.dumps(figures))


def measured(
    proxy: FaultProxy,
    name: str,
    mapping: Any,
    documents: Sequence[MoveDocument],
    queries: Sequence[MoveQuery],
    wanted: Sequence[Sequence[str]],
) -> dict[str, float]:
    """Send all queries to an index with this mapping; return its figures."""
    with closing(ElasticsearchMoveIndex(f"http://127.0.0.1:{proxy.port}", index=f"bench_{name}")) as index:
        index.client.indices.create(index=index.index, mappings=mapping)
        index.add(documents)
        for query in queries[: len(ASKED) * 3]:
            index.search(query)
        missing, others, took_ms, moved = [], 0, [], []
        for query, best in zip(queries, wanted, strict=True):
            before, began = proxy.asked_bytes + proxy.answered_bytes, time.perf_counter()
            found = [hit.clip_id for hit in index.search(query).hits]
            took_ms.append(1000 * (time.perf_counter() - began))
            moved.append(proxy.asked_bytes + proxy.answered_bytes - before)
            missing.append(len(set(best) - set(found)))
            others += found != best
    return {
        "missing_of_200": max(missing),
        "missing_mean": round(float(np.mean(missing)), 2),
        "other_orders": others,
        "search_p50_ms": round(float(np.percentile(took_ms, 50)), 1),
        "search_p95_ms": round(float(np.percentile(took_ms, 95)), 1),
        "bytes_a_search": max(moved),
    }


def by_default() -> dict[str, Any]:
    """Return the mapping without a word on how vectors are kept: the server quantises them."""
    plain = {
        name: {key: value for key, value in field.items() if key != "index_options"}
        for name, field in MAPPING["properties"].items()
    }
    return {"properties": plain}


def asked(count: int) -> Iterator[MoveQuery]:
    """Make queries with random vectors."""
    rng = np.random.default_rng(1)
    for number in range(count):
        names = ASKED[number % len(ASKED)]
        yield MoveQuery({name: rng.normal(size=VECTOR_DIMS[name]).astype(np.float32) for name in names})


def moves(count: int) -> Iterator[MoveDocument]:
    """Make moves with random vectors, all of quality, sorted by their names."""
    rng = np.random.default_rng(0)
    for number in range(count):
        vectors = {name: rng.normal(size=dims).astype(np.float32) for name, dims in VECTOR_DIMS.items()}
        fields = {"clip_id": f"move_{number:07}", "quality_score": 1.0, "difficulty": "beginner", "energy_level": "low"}
        yield MoveDocument(fields, vectors)


def show(figures: dict[str, Any]) -> None:
    """Show the figures to people."""
    title = f"{figures['searches']} searches among {figures['moves']:,} moves on a real node, beside trying everything"
    table = Table(title=title, title_justify="left")
    for column in ("", "flat", "by default", "to reach"):
        table.add_column(column, justify="right")
    for name in (name.removeprefix("by_default_") for name in figures if name.startswith("by_default_")):
        target = f"≤ {TARGETS[name]:,}" if name in TARGETS else ""
        table.add_row(name, str(figures[name]), str(figures[f"by_default_{name}"]), target)
    Console(stderr=True).print(table)


if __name__ == "__main__":
    main()
