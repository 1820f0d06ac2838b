"""After a rollback nothing of the failed attempt counts: not its plan, not its evidence, not its signatures."""

from datetime import UTC, datetime

from handover.cutover.attempt import attempt_of, ended_attempts, present_attempt
from handover.journal.entry import JournalEntry
from handover.journal.journal import opened
from handover_testing.night import BACKEND, ORIGINAL, Story


def run(command: str, name: str, **more: str) -> JournalEntry:
    return entry("run", run=name, command=command, facts={"because": f"reason of {name}"}, **more)


def ended(name: str, **more: str) -> JournalEntry:
    return entry("ended", run=name, target="any", **more)


def entry(kind: str, **body: object) -> JournalEntry:
    return JournalEntry(kind, body, "root", "here", datetime(2026, 1, 1, tzinfo=UTC))


def test_attempt_of__counts_rollbacks_that_came_to_their_end():
    assert attempt_of([]) == 1
    entries = [run("cutover", "a"), ended("a"), run("rollback", "b")]
    assert attempt_of(entries) == 1  # it is under way
    assert attempt_of([*entries, ended("b")]) == 2
    assert attempt_of([*entries, ended("b"), ended("b")]) == 2
    assert attempt_of([*entries, run("rollback", "c"), ended("c")]) == 2  # the first was given up
    assert attempt_of(iter([*entries, ended("b"), run("rollback", "c"), ended("c")])) == 3
    ((number, because),) = [(one.number, one.because) for one in ended_attempts([*entries, ended("b")])]
    assert (number, because) == (1, "reason of b")


def test_attempt_of__rollback_of_an_evolution__is_no_attempt():
    assert attempt_of([run("rollback", "a", stream="evolve 1"), ended("a", stream="evolve 1")]) == 1


def rolled_back(story: Story) -> None:
    """Let people reach the original again."""
    story.switched()
    story.done("rollback", "--apply", "--because", "errors at the till")


def test_cutover__plan_of_the_attempt_that_was_rolled_back__is_refused(story):
    story.switched()
    # Made before the rollback, for a zone that is the same afterwards.
    story.set_record("www", 30, ORIGINAL)
    plan = story.plan()
    story.set_record("www", 30, BACKEND)
    story.done("rollback", "--apply", "--because", "errors at the till")
    said = story.refused("cutover", "--apply", plan)
    assert f"HO551  plan {plan[:12]} is of attempt 1; now is attempt 2: attempt 1 ended with the rollback of 20" in said
    assert "errors at the till. Nothing was applied. Make a new plan, and have it read and signed: handover" in said
    assert story.people_reach() == [ORIGINAL]
    new = story.plan()
    assert new != plan
    assert "(attempt 2)" in story.done("cutover", "plan").stdout
    story.done("cutover", "--apply", new)
    assert story.people_reach() == [BACKEND]


def test_plan__there_is_no_journal_yet__is_of_the_first_attempt(story):
    story.pair.patch.setenv("HANDOVER_DATABASE_URL", story.pair.database.url("owner"))
    assert present_attempt(story.config) == 1
    assert "attempt" not in story.done("cutover", "plan", "--json").stdout
    story.with_journal()
    with opened(story.config) as journal:
        assert attempt_of(journal.entries()) == 1
