"""The load is sent at its rate, what came back is evidence, and what failed is counted."""

from handover.journal.evidence import latest

LOAD = '\n[load]\npeak_per_s = 20\nmeasured = "by the test"\nseconds = 0.5\npaths = ["/page"]\n'
REQUESTS = 2 * 20 * 0.5  # the factor, the peak, the seconds


def test_load__backend_answers__is_carried_and_kept_as_evidence(story):
    story.declare(LOAD)
    story.with_journal()
    shown = story.done("load").stdout
    assert "Would send 40 requests/s to the backend for 0.5 s" in shown
    assert "Nothing was sent." in shown
    assert story.systems["backend"].requests == 0
    said = story.done("load", "--apply").stdout
    assert "0 of 20 failed" in said
    assert (story.systems["backend"].requests, story.systems["original"].requests) == (REQUESTS, 0)
    facts = latest(story.config, "load").summary
    assert (facts["requests"], facts["failed"], facts["peak_per_s"]) == (REQUESTS, 0, 20)
    assert 0 < facts["carried_per_s"] <= 40


def test_load__backend_fails__is_counted_and_ends_with_1(story):
    story.declare(LOAD)
    story.with_journal()
    story.systems["backend"].status = 503
    ended = story.handover("load", "--apply")
    assert ended.returncode == 1
    assert "0.0 requests/s carried, 20 of 20 failed" in ended.stdout
    sealed = latest(story.config, "load")
    assert list(sealed.lines("troubles")) == [{"trouble": "/page: 503", "times": 20}]


def test_load__nothing_declared__says_what_to_add(story):
    story.with_journal()
    assert "handover.toml declares no [load]" in story.handover("load", "--apply").stderr
