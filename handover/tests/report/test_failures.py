"""An outage after the switch is told by what it cost people, and when what happened."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from handover.parallel.rule import MetricVerdict
from handover_testing.night import FROM_OCTODNS, keep

pytestmark = pytest.mark.filterwarnings(FROM_OCTODNS)
MINUTES = 4


def told(story) -> str:
    file = story.pair.folder / "report.html"
    story.done("report", "--out", str(file))
    section = file.read_text().partition('id="failures"')[2].partition("<h2")[0]
    return " ".join(re.sub("<[^>]+>", " ", section).split())


def outage(story) -> datetime:
    """Four minutes of a dead backend, then two of a good one; return when the last window ends."""
    start = datetime.now(UTC)
    for minute in range(MINUTES + 2):
        dead = minute < MINUTES
        rate = MetricVerdict("backend", "error_rate", 1.0 if dead else 0.0, "red" if dead else "green", "50 of 50")
        requests = MetricVerdict("backend", "requests", 50.0, "green", "")
        keep(story, rate, requests, end=start + timedelta(minutes=minute + 1), minutes=1)
    return start + timedelta(minutes=MINUTES + 2)


@pytest.fixture
def after(story, monkeypatch):
    story.switched()
    end = outage(story)

    class Later(datetime):
        @classmethod
        def now(cls, tz=None):
            return end.astimezone(tz)

    monkeypatch.setattr("handover.report.page.datetime", Later)
    return story


def test_failure__outage_that_is_over__still_says_what_it_cost(after):
    said = told(after)
    assert "it goes on" in said  # people still reach the backend
    assert "Requests that failed 200 of 300 seen" in said
    assert "Minutes in red 4.0" in said
    assert "Users meanwhile not counted: [verify] affected_users_sql is not declared" in said
    assert re.search(r"Worst window 100 % of the requests failed at \d\d:\d\d:\d\d", said)
    assert re.search(r"People were moved to the backend .* The watch saw it: error_rate is red", said)


def test_failure__with_a_query_for_users__counts_them_and_says_when_it_cannot(after):
    sql = "SELECT count(*) FROM seen WHERE at BETWEEN %(start)s AND %(end)s"
    after.declare(f'[verify]\naffected_users_sql = "{sql}"')
    after.pair.superuser(
        "CREATE TABLE seen (at timestamptz); GRANT SELECT ON seen TO PUBLIC; INSERT INTO seen VALUES"
        " (now() + interval '1 minute'), (now() + interval '5 minutes'), (now() + interval '9 minutes'), ('2001-01-01')"
    )
    assert "Users meanwhile 2 " in told(after)
    after.file.write_text(after.file.read_text().replace("FROM seen", "FROM nowhere"))
    assert re.search(r"Users meanwhile not counted: .*nowhere.* does not exist", told(after))


def test_failure__rolled_back__tells_who_decided_why_and_when_people_were_back(after):
    after.done("rollback", "--apply", "--because", "every request fails")
    said = told(after)
    assert "rollback was decided by" in said.lower()
    assert "every request fails" in said
    assert "People were sent back to the original" in said


def test_failure__nothing_was_red__is_not_told(story):
    story.switched()
    keep(story, MetricVerdict("backend", "error_rate", 0.0, "green", ""), end=datetime.now(UTC) + timedelta(seconds=1))
    assert told(story) == ""


def test_card__an_outage_in_the_past__is_not_hidden_by_the_present(after):
    file = after.pair.folder / "report.html"
    after.done("report", "--out", str(file))
    said = " ".join(re.sub("<[^>]+>", " ", file.read_text()).split())
    assert "Backend, errors 0 %, worst 100 %" in said
    assert re.search(r"Backend 0 % worst 100 % at \d\d:\d\d", said)
    assert re.search(r"Next: .*handover verify", said)
