"""After the switch: who is paged, what rolls back automatically, and what never does."""

from datetime import UTC, datetime, timedelta

import pytest

from handover.cli.verify import keep_looking
from handover.journal.journal import opened
from handover.parallel.rule import MetricVerdict
from handover_testing.night import BACKEND, ORIGINAL, VERIFY, hook, keep, windows

FLOW = """
[[flows]]
name = "a look"
[[flows.steps]]
path = "/page"
"""


@pytest.fixture
def after(story):
    """Switched, with a page hook that writes down what it got."""
    story.declare(VERIFY + FLOW)
    story.switched()
    hook(story, "page", f"#!/bin/sh\ncat >> {story.pair.folder}/pages\n")
    return story


def paged(story) -> str:
    path = story.pair.folder / "pages"
    return path.read_text() if path.exists() else ""


def test_verify__all_is_well__goes_on_to_loose_watching(after):
    windows(after, 0.0, 0.0, 0.0)
    shown = after.done("verify").stdout
    assert "close watching is over; loose watching begins" in shown
    assert (after.state(), paged(after)) == ("verifying", "")
    assert "all of it is over: handover cleanup" in after.done("verify").stdout


def test_verify__errors_in_every_window__goes_back_by_itself_and_pages(after):
    windows(after, 0.0, 0.3, 0.4, 0.5)
    ended = after.handover("verify")
    assert ended.returncode == 4
    assert "automatic rollback: error_rate is 0.5, 0.4, 0.3 (above 0.02)" in ended.stderr
    assert (after.state(), after.people_reach()) == ("rolled_back", [ORIGINAL])
    assert "error_rate" in paged(after)


def test_verify__errors_in_some_windows_only__waits(after):
    windows(after, 0.5, 0.5, 0.0)
    assert after.handover("verify").returncode == 0
    assert after.people_reach() == [BACKEND]


def test_verify__slow_but_no_errors__pages_and_stays(after):
    windows(after, 0.0, 0.0, 0.0, latency_ms=3000.0)
    ended = after.handover("verify")
    assert ended.returncode == 4
    assert "latency_p95_ms is 3000, 3000, 3000 (above 800)" in ended.stdout
    assert "latency_p95_ms" in paged(after)
    assert (after.state(), after.people_reach()) == ("switched", [BACKEND])


def parity(story, minutes_from_now: int, backend: float, both: float) -> None:
    """Keep a window in which one metric is measured of the backend and of both."""
    judged = [
        MetricVerdict(system, "parity_differences", value, "red" if value else "green", "by the test")
        for system, value in (("backend", backend), ("both", both))
    ]
    keep(story, *judged, end=datetime.now(UTC) + timedelta(minutes=minutes_from_now))


def test_verify__one_metric_of_backend_and_both__is_judged_for_each(after):
    windows(after, 0.0, 0.0, 0.0)
    for number in (1, 2, 3):
        parity(after, number, backend=0.0, both=2.0)
    # The newest three rows of that name are two windows, and one of them is green: together they are no breach.
    assert "parity_differences of both is 2, 2, 2 (red by the watch's own limits)" in after.handover("verify").stdout
    assert "parity_differences of both" in paged(after)


def test_verify__two_windows_of_backend_and_both__are_not_three(after):
    windows(after, 0.0, 0.0, 0.0)
    for number in (1, 2):
        parity(after, number, backend=2.0, both=2.0)  # four rows of that name, and all are red
    ended = after.handover("verify")
    assert "parity_differences" not in ended.stdout
    assert paged(after) == ""


@pytest.mark.parametrize("rates", [(None, None, None), (0.5, 0.5, None), ()])
def test_verify__data_is_missing__pages_and_never_goes_back(after, rates):
    if rates:
        windows(after, *rates)
    ended = after.handover("verify")
    assert ended.returncode == 4
    assert "no data" in ended.stdout or "nothing was watched since the switch" in ended.stdout
    assert paged(after)
    assert (after.state(), after.people_reach()) == ("switched", [BACKEND])


def test_verify__quiet_night__neither_pages_nor_goes_back(after):
    windows(after, 0.9, 0.9, 0.9, verdict="not enough traffic")
    ended = after.handover("verify")
    assert "error_rate: too little traffic" in ended.stdout
    assert (paged(after), after.people_reach()) == ("", [BACKEND])


def test_verify__errors_but_the_original_fails_its_journey__stays(after):
    windows(after, 0.5, 0.5, 0.5)
    after.systems["original"].status = 503
    ended = after.handover("verify")
    assert "no automatic rollback: HO582  the original is not well" in ended.stderr
    assert after.people_reach() == [BACKEND]
    assert paged(after)


def test_verify__errors_and_no_journey_is_declared__stays(after):
    after.file.write_text(after.file.read_text().replace(FLOW, ""))
    windows(after, 0.5, 0.5, 0.5)
    assert "no flow is declared that the original answers alone" in after.handover("verify").stderr
    assert after.people_reach() == [BACKEND]


def test_verify__automatic_rollback_is_off__pages_and_stays(after):
    after.file.write_text(after.file.read_text().replace("automatic_rollback = true", ""))
    windows(after, 0.5, 0.5, 0.5)
    assert after.handover("verify").returncode == 4
    assert paged(after)
    assert after.people_reach() == [BACKEND]


def test_verify__twice_about_the_same__pages_once(after):
    windows(after, 0.0, 0.0, 0.0, latency_ms=3000.0)
    after.handover("verify")
    once = paged(after)
    after.handover("verify")
    assert once == paged(after) != ""


def test_verify__page_hook_hangs__is_said_and_kept(after):
    script = after.pair.folder / "hooks/page"
    script.write_text("#!/bin/sh\nexec sleep 60\n")
    windows(after, 0.0, 0.0, 0.0, latency_ms=3000.0)
    assert "the page was not sent: HO580  the hook page did not end within" in after.handover("verify").stderr
    with opened(after.config) as journal:
        assert any("trouble" in e.body for e in journal.entries() if e.kind == "page")


def test_verify__before_the_switch__is_refused(story):
    story.in_parallel()
    assert "the state is parallel; there is nothing to verify." in story.refused("verify")


def test_verify__follow__goes_on_when_the_database_is_away_and_pages_once(after, monkeypatch):
    windows(after, 0.0, 0.0, 0.0)
    looks = []

    def between(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 1:  # and so it stays for two looks
            monkeypatch.setenv("HANDOVER_DATABASE_URL", "postgresql://absent@127.0.0.1:1/none")
        elif len(looks) == 3:
            monkeypatch.setenv("HANDOVER_DATABASE_URL", after.pair.database.url("owner"))
        elif len(looks) == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr("handover.cli.verify.wait_for_next", between)
    with pytest.raises(KeyboardInterrupt):
        keep_looking(after.config, 7.0, as_json=False)
    assert looks == [7.0] * 4
    said = after.pair.captured.readouterr()
    assert said.err.count("the journal's database does not answer") == 2
    assert [line for line in said.out.splitlines() if "windows, nothing wrong" in line][1:]
    assert paged(after).count("the journal's database does not answer") == 1
    assert after.state() == "verifying"
