"""Outcomes of concurrent writes in the chapter ``contend``, on rows of a real database."""

import random
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from handover.config.config import load_config
from handover.probe.client import probe
from handover.side import Side
from handover_testing.drifts.shapes import DANCE
from handover_testing.night import until
from handover_testing.pair import toml
from sandbox import template

KEY = "7b9c1f0e-3c53-4b11-9d3f-0a4f6ad60001"
STYLES = [["save", 1]]


@pytest.fixture
def database(players, postgres):
    with template.clone(postgres, players[DANCE.name].stage.database) as database:
        yield database


@pytest.fixture
def writer(players, database, python, tmp_path):
    """Give a writer of the original that holds the object of one row."""
    stage = players[DANCE.name].stage
    stage.write(tmp_path, stage.pair)
    (tmp_path / "handover.toml").write_text(toml(stage, "postgres", python))
    config = load_config(tmp_path / "handover.toml")
    with probe("the original", config.system(Side.ORIGINAL), tmp_path, act_on={"NAME": database.name}) as it:
        it.load("fill")
        it.load("contend")
        columns = {"text": "error", "number": "progress", "status": "status"}
        it.ask(
            "contend_join", model="dance.models.Task", **columns, statuses=["started"], prefix="prove-",
            retries=0, audited=False, isolation=None, related={}, rows=[KEY],
        )  # fmt: skip
        it.ask("contend_rows", keys=[KEY], first=0)
        it.ask("contend_hold", key=KEY)
        yield it


def test_contend__row_of_a_held_object_is_put_back_while_it_is_saved__the_save_has_missed(writer, database):
    seed = next(s for s in range(99) if held_again(s))
    with psycopg.connect(database.url("owner")) as other, ThreadPoolExecutor(1) as background:
        other.execute("CREATE TABLE kept AS SELECT * FROM dance_tasks WHERE task_id = %s", [KEY])
        other.execute("DELETE FROM dance_tasks WHERE task_id = %s", [KEY])
        other.commit()
        other.execute("INSERT INTO dance_tasks SELECT * FROM kept")
        saved = background.submit(writer.ask, "contend", operations=1, first=10, keys=[KEY], seed=seed, weights=STYLES)
        until(lambda: is_waited_for(database, other), "the save waits for the row")
        other.commit()
        ((number, style, *_, outcome, basis, _, _),) = saved.result()
    assert (number, style, outcome) == (10, "save", "missed")
    assert basis == [0, 0, "started"]


def held_again(seed: int) -> bool:
    """Say whether the writer uses the object that it holds instead of reading the row again."""
    rng = random.Random(seed)  # noqa: S311 - as the writer does
    rng.choices([style for style, _ in STYLES], [weight for _, weight in STYLES])
    rng.choice([KEY])
    return rng.random() <= 0.5


def is_waited_for(database, connection) -> bool:
    query = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid)))"
    with psycopg.connect(database.url("owner")) as looking:
        row = looking.execute(query, [connection.info.backend_pid]).fetchone()
    return bool(row and row[0])
