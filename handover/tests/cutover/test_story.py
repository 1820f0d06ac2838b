"""The whole way there and back as an operator types it."""

from handover.tests.cutover.conftest import BACKEND, ORIGINAL


def test_there_and_back__everything_is_well__people_are_where_the_journal_says(story):
    story.in_parallel()
    assert story.state() == "parallel"
    shown = story.done("cutover", "plan").stdout
    assert f"from {ORIGINAL} (TTL 30 s)\n    to   {BACKEND} (TTL 30 s)" in shown
    assert story.people_reach() == [ORIGINAL]
    story.done("cutover", "--apply", story.plan())
    assert (story.state(), story.people_reach()) == ("switched", [BACKEND])
    assert story.status().agrees
    story.done("rollback", "--apply", "--because", "a trial")
    assert (story.state(), story.people_reach()) == ("rolled_back", [ORIGINAL])
    story.done("cutover", "--apply", story.plan())
    assert (story.state(), story.people_reach()) == ("switched", [BACKEND])
