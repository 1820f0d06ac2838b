"""A switch by a real HAProxy: step by step, looked at after each, and back at once."""

import json

import pytest

from handover_testing.balanced import haproxy_before, missing, program, watched_green
from handover_testing.night import BACKEND, ORIGINAL

pytestmark = pytest.mark.skipif(program("haproxy") is None, reason=missing("haproxy"))


@pytest.fixture
def haproxy(story):
    with haproxy_before(story) as made:
        yield made


@pytest.fixture
def parallel(story, haproxy):
    story.with_journal()
    story.done("cutover", "begin", "--apply")
    return story


def test_cutover__by_steps__each_is_seen_and_the_way_back_is_at_once(parallel, haproxy):
    planned = parallel.done("cutover", "plan").stdout
    assert "steps: 10 %, 100 % of people reach the backend" in planned
    watched_green(parallel)
    parallel.done("cutover", "--apply", parallel.plan())
    assert haproxy.weights() == {"original": 0, "backend": 100}
    assert "People reach: backend; as the journal says." in parallel.done("status").stdout
    parallel.done("rollback", "--apply", "--because", "a trial")
    assert haproxy.weights() == {"original": 100, "backend": 0}
    assert parallel.state() == "rolled_back"
