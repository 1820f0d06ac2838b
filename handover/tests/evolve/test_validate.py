"""Validate: every row is compared, and one that differs is named with both values."""

import os
import time
from collections.abc import Iterator
from dataclasses import asdict, replace

import psycopg
import pytest

from handover.errors import UnseenError
from handover.evolve.validate import TwinKey, compare_lossy, validate
from handover_testing.paired import STATUS, STEP_TASK, TASK_ID, PairedTables
from sandbox.postgres import Database

TWIN = TwinKey(name="steps_task_fkey", parent="public.tasks", columns=("task",), parent_pairs=(TASK_ID,))
UNSEEN = "ALTER TABLE {table} DISABLE TRIGGER zzz_sync; {change}; ALTER TABLE {table} ENABLE TRIGGER zzz_sync"


@pytest.fixture
def it(postgres, tmp_path, monkeypatch) -> Iterator[PairedTables]:
    name = f"paired_{os.getpid()}_{time.monotonic_ns()}"
    postgres.create_database(name)
    database = Database(name, postgres)
    monkeypatch.setenv("HANDOVER_DATABASE_URL", database.url("owner"))
    yield PairedTables(tmp_path, database)
    postgres.drop_database(name)


def build(it: PairedTables, rows: int) -> None:
    """Make the tables as they are when a backfill is done."""
    it.build(rows)
    it.execute("UPDATE tasks SET id_v2 = id_v2", "UPDATE steps SET task_v2 = task_v2")


def behind_the_trigger(it: PairedTables, table: str, change: str) -> None:
    """Change rows as only a fault could."""
    it.execute(UNSEEN.format(table=table, change=change))


def validate_tasks(it: PairedTables, step: str = "validate tasks"):
    return validate(it.context(step), it.arguments(TASK_ID, STATUS))


def validate_steps(it: PairedTables, step: str = "validate steps"):
    return validate(it.context(step), {**it.arguments(STEP_TASK), "twins": [asdict(TWIN)]})


def test_validate__every_row_is_right__says_so(it):
    build(it, 300)
    evidence = validate_tasks(it)
    assert (evidence["rows"], evidence["differing_count"], evidence["differing"]) == (300, 0, [])
    assert evidence["checksum"] != f"{0:016x}"
    assert it.said == ["public.tasks: 300 rows compared, 0 rows differ"]
    assert validate_tasks(it, "again")["checksum"] == evidence["checksum"]


def test_validate__empty_table__compares_none(it):
    build(it, 0)
    assert validate_tasks(it)["rows"] == 0


@pytest.mark.full
def test_validate__one_row_among_100_000_differs__names_exactly_that_with_both_values(it):
    it.build(0)
    it.execute("INSERT INTO tasks SELECT md5(n::text)::uuid::text, 'done' FROM generate_series(1, 100000) n")
    ((identity,),) = it.execute("SELECT md5('70000')::uuid::text")
    behind_the_trigger(it, "tasks", "UPDATE tasks SET status_v2 = 'lost' WHERE id = md5('70000')::uuid::text")
    evidence = validate_tasks(it)
    assert (evidence["rows"], evidence["differing_count"]) == (100_000, 1)
    assert evidence["differing"] == [
        {"key": {"id": identity}, "name": "status", "old": "done", "expected": "done", "found": "lost"}
    ]
    assert it.said[-1] == f"  id {identity}: status is 'done', the new value is 'lost', expected 'done'"


def test_validate__row_is_not_filled__is_named(it):
    build(it, 10)
    behind_the_trigger(it, "tasks", "UPDATE tasks SET id_v2 = NULL WHERE id = md5('3')::uuid::text")
    (one,) = validate_tasks(it)["differing"]
    assert (one["name"], one["expected"], one["found"]) == ("id", one["old"], None)


def test_validate__values_of_two_rows_are_exchanged__names_both(it):
    build(it, 1000)
    exchange = "UPDATE tasks a SET id_v2 = b.id::uuid FROM tasks b WHERE a.id <> b.id"
    these = "('c4ca4238-a0b9-2382-0dcc-509a6f75849b', 'c81e728d-9d4c-2f63-6f06-7f89cc14862c')"  # md5 of 1 and 2
    behind_the_trigger(it, "tasks", f"{exchange} AND a.id IN {these} AND b.id IN {these}")
    assert validate_tasks(it)["differing_count"] == 2


def test_validate__every_row_differs__names_the_first_and_counts_all(it):
    build(it, 1000)
    behind_the_trigger(it, "tasks", "UPDATE tasks SET id_v2 = md5('none')::uuid")
    evidence = validate_tasks(it)
    assert (len(evidence["differing"]), evidence["differing_count"]) == (20, 1000)
    assert [one["key"]["id"] for one in evidence["differing"]] == sorted(one["old"] for one in evidence["differing"])


def test_validate__twin_points_at_another_row__is_named(it):
    build(it, 300)
    assert validate_steps(it)["differing_count"] == 0
    # The conversion of the child's old value is what it holds, but its parent has another: only the twin sees it.
    behind_the_trigger(it, "tasks", "UPDATE tasks SET id_v2 = md5('moved')::uuid WHERE id = md5('7')::uuid::text")
    evidence = validate_steps(it, "validate steps again")
    assert evidence["differing_count"] == 1
    assert evidence["differing"][0]["name"] == "steps_task_fkey"
    ((moved,),) = it.execute("SELECT ROW(md5('moved')::uuid)::text")
    assert evidence["differing"][0]["expected"] == moved


def test_validate__child_without_parent__is_right(it):
    build(it, 3)
    it.execute("INSERT INTO steps (task) VALUES (NULL)")
    assert validate_steps(it)["differing_count"] == 0


def switch(it: PairedTables) -> None:
    """Rename the columns, as the switch does; the trigger is not needed here."""
    it.execute("DROP TRIGGER zzz_sync ON tasks")
    for pair in (TASK_ID, STATUS):
        it.execute(f"ALTER TABLE tasks RENAME {pair.column} TO {pair.kept}")
        it.execute(f"ALTER TABLE tasks RENAME {pair.shadow} TO {pair.renamed}")


def test_validate__switched__accepts_a_new_value_whose_way_back_is_the_old_one(it):
    build(it, 30)
    switch(it)
    queued = replace(STATUS, down="CASE WHEN $1 IN ('pending', 'queued') THEN 'started' ELSE $1 END")
    it.execute("UPDATE tasks SET status = 'queued' WHERE status = 'pending'")
    switched = replace(it.context("switched"), switched=True)
    assert validate(switched, it.arguments(TASK_ID, queued))["differing_count"] == 0
    it.execute("UPDATE tasks SET status = 'gone' WHERE status = 'queued'")
    switched = replace(it.context("switched again"), switched=True)
    assert validate(switched, it.arguments(TASK_ID, queued))["differing_count"] == 10


def test_validate__not_switched__accepts_what_the_new_shape_wrote_but_no_row_without_its_new_value(it):
    build(it, 30)
    # A column that grew: the old shape has what fits of a longer text, and an empty text instead of none.
    it.execute("ALTER TABLE tasks DISABLE TRIGGER zzz_sync", "ALTER TABLE tasks ALTER status DROP NOT NULL")
    grown = replace(STATUS, type="text", up="coalesce($1, '')", down="left($1, 5)")
    it.execute("UPDATE tasks SET status = 'start', status_v2 = 'started long ago'")
    assert validate(it.context("longer"), it.arguments(TASK_ID, grown))["differing_count"] == 0
    assert compare_lossy(it.context("lossy"), it.arguments(TASK_ID, grown))["differing_count"] == 30
    it.execute("UPDATE tasks SET status_v2 = 'done long ago' WHERE id = md5('3')::uuid::text")
    assert validate(it.context("another"), it.arguments(TASK_ID, grown))["differing_count"] == 1
    it.execute("UPDATE tasks SET status = NULL, status_v2 = NULL")
    assert validate(it.context("not filled"), it.arguments(TASK_ID, grown))["differing_count"] == 30


def test_validate__stopped_between_ranges__goes_on_with_what_it_found(it, monkeypatch):
    monkeypatch.setattr("handover.evolve.validate.RANGE_ROWS", 100)
    build(it, 1000)
    behind_the_trigger(it, "tasks", "UPDATE tasks SET status_v2 = 'lost' WHERE id = (SELECT min(id) FROM tasks)")
    ranges = []

    def stop(name: str) -> None:
        ranges.append(name)
        if len(ranges) == 3:
            raise InterruptedError

    it.at_point = stop
    with pytest.raises(InterruptedError):
        validate_tasks(it)
    evidence = validate_tasks(it)
    assert len(ranges) == 10
    assert (evidence["rows"], evidence["differing_count"]) == (1000, 1)


def test_validate__users_insert_meanwhile__ends(it, monkeypatch):
    monkeypatch.setattr("handover.evolve.validate.RANGE_ROWS", 10)
    build(it, 100)
    it.go_on = lambda: it.execute("INSERT INTO steps (task) SELECT id FROM tasks")
    assert validate_steps(it)["rows"] == 100


def test_validate__row_is_mended_while_it_is_looked_for__is_not_named(it, monkeypatch):
    build(it, 200)
    behind_the_trigger(it, "tasks", "UPDATE tasks SET status_v2 = 'lost' WHERE id = md5('7')::uuid::text")
    bisect = "handover.evolve.row_comparison.RowComparison.bisect"

    def mended(self, connection, after, upto, rows):
        it.execute("UPDATE tasks SET status_v2 = NULL")
        yield after, upto

    monkeypatch.setattr(bisect, mended)
    evidence = validate_tasks(it)
    assert (evidence["rows"], evidence["differing_count"]) == (200, 0)


def test_validate__value_is_another_each_time__is_not_called_right(it):
    build(it, 20)
    restless = replace(TASK_ID, up="CASE WHEN random() < 2 THEN gen_random_uuid() ELSE $1::uuid END", down="'none'")
    assert validate(it.context("restless"), it.arguments(restless))["differing_count"] == 20


def test_validate__differs_by_checksum_alone__is_not_called_right(it, monkeypatch):
    build(it, 20)
    behind_the_trigger(it, "tasks", "UPDATE tasks SET status_v2 = 'lost' WHERE id = md5('7')::uuid::text")
    monkeypatch.setattr("handover.evolve.row_comparison.RowComparison.bisect", lambda *_: iter(()))
    with pytest.raises(UnseenError, match=r"HO684 .* differ by their checksum, but no row does"):
        validate_tasks(it)


def test_validate__a_policy_hides_rows__fails_and_does_not_say_right(it):
    build(it, 10)
    it.execute("ALTER TABLE tasks ENABLE ROW LEVEL SECURITY", "ALTER TABLE tasks FORCE ROW LEVEL SECURITY")
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        validate_tasks(it)
