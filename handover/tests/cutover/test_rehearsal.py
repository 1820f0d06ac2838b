"""A rehearsed rollback: on a second name, timed, and evidence only when it came to its end."""

from handover.journal.evidence import latest
from handover_testing.night import ORIGINAL


def test_rehearse_rollback__everything_is_well__leaves_times_and_moves_no_people(story):
    story.in_parallel()
    shown = story.done("rehearse-rollback", "--apply").stdout
    assert "the original is tried" in shown
    assert story.name_server.values("rehearsal") == [ORIGINAL]
    assert story.people_reach() == [ORIGINAL]
    sealed = latest(story.config, "rehearsal")
    assert sealed is not None
    assert set(sealed.summary["parts"]) >= {"the record is written", "the name servers are asked"}
    assert story.state() == "parallel"


def test_rehearse_rollback__original_is_dead__leaves_no_evidence(story):
    story.in_parallel()
    story.systems["original"].status = 503
    assert "the original is not well" in story.refused("rehearse-rollback", "--apply")
    assert latest(story.config, "rehearsal") is None


def test_rehearse_rollback__no_second_name__says_what_to_add(story):
    story.in_parallel()
    story.file.write_text(story.file.read_text().replace('rehearsal_record = "rehearsal"\n', ""))
    ended = story.handover("rehearse-rollback", "--apply")
    assert ended.returncode == 2
    assert "rehearsal_record must be a second name of the zone" in ended.stderr


def test_rehearse_rollback__after_the_plan__leaves_the_plan_good(story):
    story.in_parallel()
    plan = story.plan()
    story.done("rehearse-rollback", "--apply")
    story.done("cutover", "--apply", plan)
