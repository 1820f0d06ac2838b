"""A new index in place of an old one, while people search. Its name becomes an alias, led from one to the other.

What is written during the copy is brought after it; only for that moment the old index takes no writes. It stays as it
was, so that the way back is another turn of the alias.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from elasticsearch.helpers import scan

from bachateo.errors import SearchError
from bachateo.moves.index.document import MAPPING, VECTOR_DIMS, vector_field
from bachateo.moves.index.elasticsearch import CHUNK, ElasticsearchMoveIndex

Progress = Callable[[int, int], None]
BLOCK = "index.blocks.write"
AWAY = "CH124"


@dataclass(frozen=True)
class Turn:
    """From which index an alias is led to which.

    Attributes
    ----------
    name
        What people search.
    old, new
        The index that it means, and that it will mean. Before the first turn ``old`` is ``name`` itself.
    kept
        Under which name the old index stays.
    moves
        How many documents the old index has.
    differs
        Fields of the old index that are mapped otherwise than the contract says.
    """

    name: str
    old: str
    new: str
    kept: str
    moves: int
    differs: tuple[str, ...]


def plan_reindexing(index: ElasticsearchMoveIndex) -> Turn:
    """Return what :func:`reindex` will do; nothing is changed.

    Raises
    ------
    SearchError
        There is no such index, or the alias means several.
    """
    old = _meant(index)
    number = max(_numbers(index), default=0)
    kept = old if old != index.index else f"{index.index}-{number + 1}"
    new = f"{index.index}-{number + (1 if kept == old else 2)}"
    answer = index.asked(lambda client: client.indices.get_mapping(index=old))
    live = answer[old]["mappings"].get("properties", {})
    differs = [name for name, field in MAPPING["properties"].items() if not _fits(field, live.get(name, {}))]
    return Turn(index.index, old, new, kept, index.count(), tuple(differs))


def reindex(index: ElasticsearchMoveIndex, turn: Turn, *, on_progress: Progress = lambda _done, _total: None) -> int:
    """Make the new index, bring all moves, and lead the alias to it; return how many moves there are.

    Parameters
    ----------
    index, turn
        The index that is searched, and what :func:`plan_reindexing` returned for it.
    on_progress
        Told how many moves were copied, of how many.

    Raises
    ------
    SearchError
        The server refuses, or the new index has not the same moves in the end; then the old one is in use as before.
    """
    new = turn.new
    index.asked(lambda client: client.indices.create(index=new, mappings=MAPPING))
    try:
        until = _copy(index, turn.old, new, on_progress=on_progress, total=turn.moves)
        _take_writes(index, turn.old, takes=False)
        last = _copy(index, turn.old, new, after=until)
        moves = _same_moves(index, turn.old, new)
        number = _last_write(index, new)
        meta = {"replaces": turn.kept, "until": number}
        index.asked(lambda client: client.indices.put_mapping(index=new, meta=meta))
        _turn(index, turn, keeps=turn.kept != turn.old)
    except BaseException:
        with _to_be_run_again(index, turn.old):
            if not _leads(index, turn):
                if _exists(index, turn.old):
                    _take_writes(index, turn.old, takes=True)
                index.asked(lambda client: client.indices.delete(index=new, ignore_unavailable=True))
        raise
    assert last >= until  # noqa: S101 - numbers of writes only grow
    return moves


def plan_undoing(index: ElasticsearchMoveIndex) -> Turn:
    """Return what :func:`undo` will do; nothing is changed.

    Raises
    ------
    SearchError
        The index was not made by :func:`reindex`, or the one before it is gone.
    """
    now = _meant(index)
    answer = index.asked(lambda client: client.indices.get_mapping(index=now))
    before = answer[now]["mappings"].get("_meta", {}).get("replaces")
    if not before or not _exists(index, before):
        raise SearchError("CH127", f"{now} replaces no index that is still at {index.url}; there is no way back.")
    return Turn(index.index, now, before, now, index.count(), ())


def undo(index: ElasticsearchMoveIndex, turn: Turn) -> int:
    """Lead the alias back, with what was written since; return how many moves there are.

    Raises
    ------
    SearchError
        The server refuses; then the index is in use as before.
    """
    answer = index.asked(lambda client: client.indices.get_mapping(index=turn.old))
    until = int(answer[turn.old]["mappings"]["_meta"]["until"])
    _take_writes(index, turn.new, takes=True)
    _take_writes(index, turn.old, takes=False)
    try:
        _copy(index, turn.old, turn.new, after=until)
        moves = _same_moves(index, turn.old, turn.new)
        _turn(index, turn, keeps=False)
    except BaseException:
        with _to_be_run_again(index, turn.old):
            if not _leads(index, turn):
                _take_writes(index, turn.old, takes=True)
        raise
    return moves


@contextmanager
def _to_be_run_again(index: ElasticsearchMoveIndex, old: str) -> Iterator[None]:
    """Say what is left if the server goes away while all is to be as it was before."""
    try:
        yield
    except SearchError as error:
        if error.code != AWAY:
            raise
        raise SearchError(
            AWAY,
            f"Elasticsearch at {index.url} went away in the middle. No move is lost, but {old} may take no writes "
            "until this command has run to its end: run it again when the server answers.",
        ) from error


def _meant(index: ElasticsearchMoveIndex) -> str:
    """Return the index that a name means: itself, or that of an alias."""
    found = list(index.asked(lambda client: client.indices.get_alias(index=index.index)))
    if len(found) != 1:
        raise SearchError("CH127", f"{index.index} means {', '.join(sorted(found))}; it must mean one index.")
    return str(found[0])


def _leads(index: ElasticsearchMoveIndex, turn: Turn) -> bool:
    """Return whether the alias leads to the new index already."""
    return _exists(index, turn.name) and _meant(index) == turn.new


def _numbers(index: ElasticsearchMoveIndex) -> Iterator[int]:
    pattern = f"{index.index}-*"
    for name in index.asked(lambda client: client.indices.get_alias(index=pattern)):
        if (number := name.removeprefix(pattern[:-1])).isdecimal():
            yield int(number)


def _exists(index: ElasticsearchMoveIndex, name: str) -> bool:
    return bool(index.asked(lambda client: client.indices.exists(index=name)))


def _fits(wanted: Mapping[str, Any], live: Mapping[str, Any]) -> bool:
    return all(
        _fits(value, live.get(name, {})) if isinstance(value, Mapping) else live.get(name) == value
        for name, value in wanted.items()
    )


def _take_writes(index: ElasticsearchMoveIndex, name: str, *, takes: bool) -> None:
    settings = {BLOCK: not takes}
    index.asked(lambda client: client.indices.put_settings(index=name, settings=settings))


def _copy(
    index: ElasticsearchMoveIndex,
    source: str,
    target: str,
    *,
    after: int = -1,
    total: int = 0,
    on_progress: Progress = lambda _done, _total: None,
) -> int:
    """Copy what was written after a number of writes, and delete what is gone; return the number of the last write."""
    index.asked(lambda client: client.indices.refresh(index=source))
    query = {
        "query": {"range": {"_seq_no": {"gt": after}}},
        "fields": [vector_field(name) for name in VECTOR_DIMS],
        "seq_no_primary_term": True,
    }
    done, last, operations = 0, after, list[Any]()
    for hit in index.told(scan(index.client, index=source, query=query, size=CHUNK)):
        operations += [{"index": {"_id": hit["_id"]}}, {**hit["_source"], **hit.get("fields", {})}]
        last, done = max(last, hit["_seq_no"]), done + 1
        if done % CHUNK == 0:
            index.write(target, operations)
            operations = []
            on_progress(done, total)
    gone = _ids(index, target) - _ids(index, source) if after >= 0 else set()
    index.write(target, [*operations, *({"delete": {"_id": clip_id}} for clip_id in sorted(gone))])
    on_progress(done, total)
    return last


def _same_moves(index: ElasticsearchMoveIndex, source: str, target: str) -> int:
    here, there = _ids(index, source), _ids(index, target)
    if here != there:
        raise SearchError("CH127", f"{target} has {len(there)} moves and {source} {len(here)}; nothing was changed.")
    return len(there)


def _ids(index: ElasticsearchMoveIndex, name: str) -> set[str]:
    index.asked(lambda client: client.indices.refresh(index=name))
    return {hit["_id"] for hit in index.told(scan(index.client, index=name, query={"_source": False}, size=5000))}


def _last_write(index: ElasticsearchMoveIndex, name: str) -> int:
    answer = index.asked(lambda client: client.indices.stats(index=name, level="shards"))
    return max(
        int(shard["seq_no"]["max_seq_no"]) for copies in answer["indices"][name]["shards"].values() for shard in copies
    )


def _turn(index: ElasticsearchMoveIndex, turn: Turn, *, keeps: bool) -> None:
    """Lead the alias, in one step. An index that bears the name itself is kept under another first."""
    add = {"add": {"index": turn.new, "alias": turn.name}}
    if keeps:
        index.asked(lambda client: client.indices.clone(index=turn.old, target=turn.kept, wait_for_active_shards="1"))
        away: dict[str, Any] = {"remove_index": {"index": turn.old}}
    else:
        away = {"remove": {"index": turn.old, "alias": turn.name}}
    try:
        index.asked(lambda client: client.indices.update_aliases(actions=[away, add]))
    except SearchError:
        # If the answer was lost, it was asked again, and refused, since it was done.
        if not _leads(index, turn):
            raise
