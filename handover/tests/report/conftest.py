"""A move that really happened: gates, an override, a switch, a rollback, watched all the while."""

from collections.abc import Iterator

import pytest

from handover_testing.night import Story, wait_for_windows, watched
from handover_testing.sections import section

GATES = """
[[gates]]
id = "the-watch"
kind = "watch"
reason = "both systems must have been seen working for a day"

[[gates]]
id = "backup"
kind = "backup"
reason = "there must be something to go back to"

[[gates]]
id = "signed"
kind = "sign-offs"
reason = "four people know what they agree to"
"""


@pytest.fixture
def moved(story) -> Iterator[Story]:
    """People were moved over a red gate, and back."""
    story.declare(GATES + section(window_s=0.5, probes=[{"name": "health", "path": "/health", "kind": "health"}]))
    story.in_parallel()
    with watched(story):
        wait_for_windows(story, 3)
        story.plan()
        story.done("sign", "--as", "DevOps", "--because", "I have seen <b>the</b> rehearsal")
        plan = story.plan()
        overrides = [word for gate in ("the-watch", "backup", "signed") for word in ("--override", gate)]
        story.done("cutover", "--apply", plan, *overrides, "--because", "a trial in a test & no data is lost")
        wait_for_windows(story, 3)
        story.done("rollback", "--apply", "--because", "a fault was found")
        wait_for_windows(story, 3)
        yield story
