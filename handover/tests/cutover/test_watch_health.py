"""What ``status`` says of the watch."""

import json
from datetime import UTC, datetime, timedelta

from handover.parallel.rule import MetricVerdict
from handover_testing.night import VERIFY, keep, wait_for_windows, watched, windows
from handover_testing.sections import section


def health(story) -> tuple[str, dict]:
    """Return the line for people, and the JSON."""
    shown = " ".join(story.handover("status").stdout.split())
    return shown.partition("Watch: ")[2], json.loads(story.handover("status", "--json").stdout)["watch"]


def test_status__nothing_was_ever_watched__says_so(story):
    story.in_parallel()
    line, found = health(story)
    assert line.startswith("it has seen nothing; none runs here (start: handover watch), it never wrote here.")
    assert (found["last_window"], found["runs_here"], found["watched_now"]) == (None, False, False)


def test_status__a_watch_runs__says_since_when_green_and_when_it_wrote(story):
    story.in_parallel()
    story.declare(section(interval_s=0.1, window_s=0.5))
    with watched(story):
        wait_for_windows(story, 2)
        line, found = health(story)
    assert "it runs here (pid " in line
    assert "it wrote here at" in line
    assert found["runs_here"]
    assert found["watched_now"]
    assert found["last_window"]["end"] >= found["last_window"]["start"]
    assert "it runs here" not in health(story)[0]


def test_status__last_window_is_red__says_which_measure(story):
    story.in_parallel()
    keep(story, MetricVerdict("backend", "error_rate", 1.0, "red", "100 % of 12"), end=datetime.now(UTC))
    line, found = health(story)
    assert "is red: backend error_rate: red, 100 % of 12;" in line
    assert (found["green_since"], found["last_window"]["verdict"]) == (None, "red")


def test_status__outage_since_the_switch__is_counted_until_it_is_signed_off(story):
    story.declare(VERIFY)
    story.switched()
    windows(story, 0.0, 0.5, 0.0)
    line, found = health(story)
    assert found["unsigned"] == 1
    assert "Since the switch 1 time not green, not signed off: handover verify" in line
    assert "Nothing here judges it or pages: start handover verify --follow" in line
    assert datetime.fromisoformat(found["green_since"]) > datetime.now(UTC) + timedelta(minutes=1)


def test_status__went_back_after_an_outage__has_nothing_to_sign_off(story):
    story.declare(VERIFY)
    story.switched()
    windows(story, 1.0, verdict="red")  # green since the switch, which may be a copy from long ago
    assert health(story)[1]["unsigned"] == 1
    story.done("rollback", "--apply", "--because", "a fault")
    line, found = health(story)
    assert found["unsigned"] == 0
    assert "signed off" not in line


def test_status__the_database_is_away__says_that_it_could_not_be_read(story):
    story.in_parallel()
    story.pair.patch.setenv("HANDOVER_DATABASE_URL", "postgresql://absent@127.0.0.1:1/none")
    shown = " ".join(story.pair.ended("status").stdout.split())
    assert "Watch: its windows could not be read (" in shown
