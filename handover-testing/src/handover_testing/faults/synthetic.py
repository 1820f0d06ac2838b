"""Synthetic histories: the records of writers and of a trigger for operations that all went well."""

import random
from collections.abc import Iterator

from handover.proof.history import AGENT_IDS, RowHistory, RowState, Version, WriterOperation, Writers
from handover.side import Side

STATUSES = ("started", "running", "completed")
WRITERS = Writers(
    {0: Side.ORIGINAL, 1: Side.BACKEND, 2: Side.ORIGINAL, 3: Side.BACKEND},
    {f"{side}_app": side for side in Side},
    last_status=STATUSES[-1],
)
OPERATIONS_A_ROW = 800
STYLES = ("update", "update_fields", "conditional", "locked", "read", "reread", "rollback", "double", "delete")
WEIGHTS = (20, 12, 12, 8, 30, 6, 4, 4, 1)


def clean_rows(operations: int, seed: int) -> Iterator[RowHistory]:
    """Yield rows whose histories hold that many operations in all, without a fault."""
    rng = random.Random(seed)  # noqa: S311 - a seed makes it repeatable
    ids = [agent * AGENT_IDS for agent in WRITERS.sides]
    for start in range(0, operations, OPERATIONS_A_ROW):
        yield clean_row(f"row{start}", min(OPERATIONS_A_ROW, operations - start), rng, ids)


def clean_row(key: str, operations: int, rng: random.Random, ids: list[int]) -> RowHistory:
    """Return one row's history; ``ids`` holds the next id of each agent and is counted up."""
    row = RowHistory(key, [], [])
    assert row.versions is not None
    now, state = 0.0, None
    for transaction in range(operations):
        agent = rng.randrange(len(ids))
        number, ids[agent] = ids[agent], ids[agent] + 2
        style = "create" if state is None else rng.choices(STYLES, WEIGHTS)[0]
        operation, versions = _done(number, style, key, state, rng)
        now += 0.001
        row.operations.append(operation._replace(began=now, ended=now + 0.003))
        for old, new in versions:
            role = f"{WRITERS.sides[agent]}_app"
            carried = (new or (number, 0, ""))[0]
            row.versions.append(Version(len(row.versions), transaction, role, carried, old, new))
            state = new
    row.final = state
    return row


def _done(
    number: int, style: str, key: str, state: RowState | None, rng: random.Random
) -> tuple[WriterOperation, list[tuple[RowState | None, RowState | None]]]:
    """Return an operation and the changes that it made."""
    done = WriterOperation(number, style, (key,), 0, 0, "ok")
    if state is None:
        return done, [(None, (number, 0, STATUSES[0]))]
    _, count, status = state
    up = (number, count + 1, status)
    moves = (status, rng.choice(STATUSES))
    return {
        "read": (done._replace(seen=(state,)), []),
        "reread": (done._replace(seen=(state, state)), []),
        "rollback": (done._replace(outcome="rolled"), []),
        "delete": (done, [(state, None)]),
        "double": (done, [(state, up), (up, (number + 1, count + 2, status))]),
        "conditional": (done._replace(moves=moves), [(state, (number, count, moves[1]))]),
        "update_fields": (done._replace(basis=state), [(state, (number, count, status))]),
        "locked": (done._replace(basis=state), [(state, up)]),
        "update": (done, [(state, up)]),
    }[style]
