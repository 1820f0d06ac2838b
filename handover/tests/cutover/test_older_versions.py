"""What version 0.1 wrote into its journal still works: it is read, told, shown, and gone on with."""

from dataclasses import replace
from pathlib import Path

from handover.cutover.plan import CutoverPlan
from handover.cutover.position import position_of
from handover.journal.copy import JournalCopy
from handover.journal.entry import JournalEntry, read_line
from handover.journal.journal import opened
from handover.report import timeline
from handover.report.page import recorded_gates
from handover_testing.night import BACKEND, ORIGINAL, TTL_S

# A switch that failed at the provider (the first 18 entries), was resumed, and rolled back.
WRITTEN = Path(__file__).with_name("written_by_0_1.jsonl")
INTERRUPTED = 18
GATES = "".join(
    f'[[gates]]\nid = "{kind}"\nkind = "{kind}"\nreason = "it was asked for then"\n' for kind in ("watch", "sign-offs")
)


def written() -> list[JournalEntry]:
    return [read_line(line) for line in WRITTEN.read_text().splitlines()]


def test_position__journal_of_0_1__leads_to_where_it_led_then():
    position = position_of(written()[:INTERRUPTED])
    assert (position.state, position.run.command, position.run.begun) == ("switching", "cutover", "write the record")
    assert "HO572" in position.run.error
    assert position.record == ((ORIGINAL,), (BACKEND,))
    position = position_of(written())
    assert (position.state, position.run, position.conflict) == ("rolled_back", None, "")
    assert position.record == ((ORIGINAL,),)


def test_plan__in_the_journal_of_0_1__is_the_plan_that_was_reviewed():
    kept = position_of(written()[:INTERRUPTED]).run.facts["plan"]
    plan = CutoverPlan.from_json(kept)
    assert plan.as_json() == kept
    assert plan.checksum == kept["checksum"]


def test_timeline__journal_of_0_1__is_told():
    events = [(event.title, event.tone) for event in timeline.events(written())]
    for expected in (
        ("Parallel operation begins", "good"),
        ("Signed as DevOps", "good"),
        ("1 of 3 gates were green", "bad"),
        ("Switch to the backend", "good"),
        ("OVERRIDDEN: gate watch", "loud"),
        ("cutover: write the record failed", "bad"),
        ("Rollback to the original", "bad"),
        ("OVERRIDDEN: the proof that the original can take over", "loud"),
    ):
        assert expected in events
    assert [mark.label for mark in timeline.marks(written())] == ["switch", "rollback"]
    ((_, measured),) = timeline.rollback_times(written())
    assert measured["within"] is True


def test_resume__interrupted_by_0_1__goes_on_with_its_plan_and_shows_its_gates(story):
    story.declare(GATES)
    story.with_journal()
    story.set_record("www", TTL_S, ORIGINAL)
    # Without their places, as a copy has them that the database has missed: the next command brings them over.
    JournalCopy(story.config.root).add(*(replace(entry, seq=None) for entry in written()[1:INTERRUPTED]))
    assert story.state() == "switching"
    assert "OVERRIDDEN  gate watch is red" in story.done("resume").stderr
    assert (story.state(), story.people_reach()) == ("switched", [BACKEND])
    with opened(story.config) as journal:
        view = recorded_gates(story.config, journal)
    assert [(gate.gate.id, gate.result.ok, gate.because) for gate in view.gates] == [
        ("certificate", True, ""),
        ("watch", False, "a trial"),
        ("sign-offs", False, "a trial"),
    ]
