"""One journal, several streams: each position follows its own entries, and a pause holds for all."""

from datetime import UTC, datetime

from handover.cutover.position import position_of
from handover.journal.entry import JournalEntry
from handover.runs.position import StreamPosition, fold, of_stream

STREAM = "evolve/0001_uuids"


def entry(kind: str, **body: object) -> JournalEntry:
    return JournalEntry(kind, body, "ana", "here", datetime(2026, 1, 1, tzinfo=UTC), seq=1)


def run(id_: str, command: str, source: str, through: str, target: str, **more: str) -> list[JournalEntry]:
    """Return the entries of a run that has begun its only action."""
    body = {"run": id_, "command": command, "source": source, "through": through, "target": target}
    return [
        entry("run", **body, actions=["act"], **more),
        entry("action", run=id_, action="act", phase="begun", **more),
    ]


MOVE = [entry("init"), *run("m", "begin", "preparing", "beginning", "parallel")]
EVOLUTION = run("e", "evolve start", "none", "starting", "expanded", stream=STREAM)


def test_fold__entries_of_two_streams_between_each_other__each_position_is_its_own():
    mixed = [entry for pair in zip(MOVE[1:], EVOLUTION, strict=True) for entry in pair]
    move, evolution = position_of([MOVE[0], *mixed]), fold(StreamPosition(), mixed, STREAM)
    assert (move.state, move.run.id, move.run.begun, move.conflict) == ("beginning", "m", "act", "")
    assert (evolution.state, evolution.run.id, evolution.run.begun, evolution.conflict) == ("starting", "e", "act", "")
    assert fold(StreamPosition(), mixed, "evolve/0002_other") == StreamPosition()


def test_fold__the_same_entries_without_their_stream__contradict_the_move():
    told = [entry(e.kind, **{k: v for k, v in e.body.items() if k != "stream"}) for e in EVOLUTION]
    assert "leads from none, but the entries before it lead to beginning" in position_of([*MOVE, *told]).conflict


def test_fold__pause__holds_for_every_stream():
    entries = [*MOVE, *EVOLUTION, entry("pause", because="a fire")]
    assert position_of(entries).paused
    assert fold(StreamPosition(), entries, STREAM).paused
    entries.append(entry("lift"))
    assert position_of(entries).paused is None
    assert fold(StreamPosition(), entries, STREAM).paused is None


def test_of_stream__without_a_name__yields_the_entries_of_the_move():
    assert list(of_stream([*MOVE, *EVOLUTION])) == MOVE
