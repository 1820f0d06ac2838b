"""The metrics say what the journal and the watch say, also while the database is away."""

import re
from subprocess import PIPE

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from handover.parallel.rule import MetricVerdict
from handover_testing.night import FROM_OCTODNS, keep

pytestmark = pytest.mark.filterwarnings(FROM_OCTODNS)


def values(text: str) -> dict[str, float]:
    """Return each sample of an exposition by its name and labels."""
    samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
    return {f"{one.name}{sorted(one.labels.values())}": one.value for one in samples}


@pytest.fixture
def watched_move(story):
    story.in_parallel()
    keep(
        story,
        MetricVerdict("backend", "error_rate", 0.25, "red", "3 of 12 failed"),
        MetricVerdict("original", "error_rate", 0.0, "green", ""),
    )
    return story


def test_metrics__of_a_move__are_those_of_journal_and_watch(watched_move):
    found = values(watched_move.done("metrics").stdout)
    assert found["handover_readable[]"] == found["handover_database_up[]"] == 1
    assert found["handover_state['parallel']"] == 1
    assert found["handover_state['switched']"] == 0
    assert found["handover_window_value['backend', 'error_rate']"] == 0.25
    assert found["handover_window_verdict['backend', 'error_rate', 'red']"] == 1
    assert found["handover_window_verdict['error_rate', 'green', 'original']"] == 1
    assert found["handover_journal_entries_total['init']"] == 1
    assert found["handover_attempt[]"] == 1
    assert found["handover_paused[]"] == 0
    watched_move.done("pause", "--because", "a trial")
    assert values(watched_move.done("metrics").stdout)["handover_paused[]"] == 1


def test_metrics__database_is_away__tell_so_and_read_the_copies(watched_move):
    gone = watched_move.pair.database.url("owner").replace(watched_move.pair.database.name, "not_there")
    watched_move.pair.patch.setenv("HANDOVER_DATABASE_URL", gone)
    found = values(watched_move.pair.ended("metrics").stdout)
    assert found["handover_database_up[]"] == 0
    assert found["handover_state['parallel']"] == 1
    assert found["handover_window_value['backend', 'error_rate']"] == 0.25


def test_metrics__served__are_read_at_each_scrape_and_say_when_nothing_can_be_read(watched_move):
    with watched_move.pair.process("metrics", "--serve", "--port", "0", stdout=PIPE, stderr=PIPE) as serving:
        url = serving.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/metrics", url)
        assert values(httpx.get(url).text)["handover_state['parallel']"] == 1
        journal = watched_move.pair.folder / ".handover/journal.jsonl"
        journal.write_text(journal.read_text().replace('"init"', '"tini"'))
        found = values(httpx.get(url).text)
        assert found["handover_readable[]"] == 0
        assert "handover_state['parallel']" not in found
        serving.terminate()
        assert serving.wait(10) == 0
        assert serving.stderr.read() == ""


def test_metrics__to_a_file__are_whole_and_readable_by_the_collector(watched_move, tmp_path):
    file = tmp_path / "handover.prom"
    watched_move.done("metrics", "--to", str(file))
    assert values(file.read_text())["handover_readable[]"] == 1
    assert file.stat().st_mode & 0o777 == 0o644
    ended = watched_move.handover("metrics", "--to", str(tmp_path / "none" / "file"))
    assert "cannot be written" in ended.stderr


def test_metrics__journal_was_changed__the_file_says_that_nothing_can_be_read(watched_move, tmp_path):
    file = tmp_path / "handover.prom"
    watched_move.done("metrics", "--to", str(file))
    journal = watched_move.pair.folder / ".handover/journal.jsonl"
    journal.write_text(journal.read_text().replace('"init"', '"tini"'))
    ended = watched_move.handover("metrics", "--to", str(file))
    assert (ended.returncode, "HO501" in ended.stderr) == (1, True)
    assert values(file.read_text()) == {"handover_readable[]": 0}


def test_metrics__no_journal__says_how_to_make_one(story):
    assert "handover init-journal --apply" in story.refused("metrics")
