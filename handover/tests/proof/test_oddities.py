"""Unusual models that are the same in both systems: every group of proofs compares them and finds nothing."""

from dataclasses import replace

import pytest

from handover.journal.evidence import recording
from handover.proof.groups import concurrent_writes, read_across, storage
from handover.proof.writer_processes import WritePlan
from handover_testing.drifts.stage import build
from handover_testing.faults import oddities
from handover_testing.faults.fault import Fault
from handover_testing.faults.play import planted, play

BRIEFLY = "clean keys of several columns"
PLAN = WritePlan(operations=240, batch=8, agents=2, rows=3, rows_last=120)


@pytest.fixture(scope="session")
def odd(parent, postgres, tmp_path_factory):
    return build(oddities.ODD, tmp_path_factory.mktemp("oddities"), postgres, parent)


@pytest.mark.parametrize(
    "fault",
    [pytest.param(f, id=f.name, marks=[] if f.name == BRIEFLY else pytest.mark.full) for f in oddities.clean()],
)
def test_read_across__unusual_models_alike__are_green(odd, python, tmp_path, fault):
    played = play(odd, fault, python, tmp_path)
    assert played.green, str(played)


@pytest.mark.full
def test_read_across__no_row_to_point_at_can_be_made__is_noted_and_the_other_tables_are_compared(odd, python, tmp_path):
    full = "ALTER TABLE odd_tenants ADD CHECK (false) NOT VALID"
    pair = Fault("", "read-across", odd.shape.name, sql=full, models=("Pick", "Line"))
    with planted(odd, pair, python, tmp_path) as target, recording(target.config, "prove") as recorder:
        for outcome in read_across.prove(target, recorder):
            assert outcome.empty == ("rows of odd_picks",)
            assert outcome.counts["rows of odd_lines"] > 0
            assert any(note.startswith("odd_picks: HO424") and "odd_tenants" in note for note in outcome.notes)


def test_read_across__no_row_can_be_made__what_existing_rows_showed_stays(odd, python, tmp_path):
    full = (
        "INSERT INTO odd_tenants VALUES ('t', 'T'); INSERT INTO odd_nodes (name) VALUES ('a'), ('b');"
        "INSERT INTO odd_picks (node_id, tenant_id) SELECT n.id, t.code FROM odd_nodes n, odd_tenants t;"
        "SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE odd_picks ADD CHECK (false) NOT VALID"
    )

    def reads_otherwise(projects):
        projects["backend"].models["Pick"].meta["ordering"] = "['-pk']"

    pair = Fault("", "read-across", odd.shape.name, edit=reads_otherwise, sql=full, models=("Pick",))
    with planted(odd, pair, python, tmp_path) as target, recording(target.config, "prove") as recorder:
        one, other = read_across.prove(target, recorder)
    assert (one.empty, other.empty) == (("rows of odd_picks",), ("rows of odd_picks",))
    assert one.counts["existing_rows"] > 1
    assert {f.finding.where for f in (*one.failures, *other.failures)} == {"odd_picks"}


def test_concurrent_writes__table_refuses_rows__the_next_is_taken_and_relations_are_filled(odd, python, tmp_path):
    pair = Fault("", "concurrent-writes", odd.shape.name, models=("Counted", "Job"))
    with planted(odd, pair, python, tmp_path) as target, recording(target.config, "prove") as recorder:
        outcome = concurrent_writes.prove(target, recorder, PLAN)
    assert [str(f.finding) for f in outcome.failures] == []
    assert outcome.empty == ()
    # The ways of writing are not declared, so what every Django system does is only a note.
    assert any("in every Django system two processes do this" in note for note in outcome.notes)


def test_concurrent_writes__check_bounds_the_number__is_dropped_in_a_copy_alone_and_told(odd, python, tmp_path):
    bound = "ALTER TABLE odd_jobs ADD CONSTRAINT odd_bound CHECK (number BETWEEN 0 AND 100)"
    pair = Fault("", "concurrent-writes", odd.shape.name, sql=bound, models=("Job",))
    with planted(odd, pair, python, tmp_path) as target, recording(target.config, "prove") as recorder:
        live = concurrent_writes.prove(replace(target, throwaway=False), recorder, PLAN)
        copy = concurrent_writes.prove(target, recorder, PLAN)
    assert [f.finding.code for f in live.failures] == ["HO337"]
    assert 'violates check constraint "odd_bound"' in live.failures[0].finding.todo
    assert [str(f.finding) for f in copy.failures] == []
    told = "odd_jobs.number: odd_bound was dropped in this copy, because writers count up in that column"
    assert told in copy.notes


def test_concurrent_writes__no_table_fits__says_so_in_one_sentence_that_can_be_accepted(odd, python, tmp_path):
    pair = Fault("", "concurrent-writes", odd.shape.name, models=("Counted", "Pick"))
    with planted(odd, pair, python, tmp_path) as target, recording(target.config, "prove") as recorder:
        outcome = concurrent_writes.prove(target, recorder, PLAN)
    ((finding,),) = ([f.finding for f in outcome.failures],)
    assert (finding.code, finding.severity, outcome.empty) == ("HO337", "unseen", ())
    assert outcome.nothing == "no mapped table fits"
    assert "odd_counteds: the original cannot write its rows as this proof does: IntegrityError: " in finding.todo
    assert "odd_picks: no column for text" in finding.todo


def test_storage__file_fields_of_parents_and_of_related_rows__are_compared_once(odd, python, tmp_path):
    pair = Fault("", "storage", odd.shape.name, models=("Middle", "Leaf", "Doc"))
    with planted(odd, pair, python, tmp_path) as target, recording(target.config, "prove") as recorder:
        outcome = storage.prove(target, recorder)
    # Only this is open: no flow fetches a file here.
    assert [f.finding.code for f in outcome.failures] == ["HO367"]
    assert outcome.empty == ()
    assert outcome.counts["rows"] == 1  # the file that three parents name
