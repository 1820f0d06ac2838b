"""After the switch: who is paged, what rolls back automatically, and what never does."""

import json
import subprocess
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from handover.cli.verify import keep_looking
from handover.errors import Refused
from handover.journal.journal import opened
from handover.parallel.rule import MetricVerdict
from handover.report.timeline import events
from handover_testing.night import BACKEND, ORIGINAL, VERIFY, green_until, hook, keep, until, windows
from handover_testing.sections import section

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
    return with_pages(story)


@pytest.fixture
def just_after(story):
    """Switched at this moment, not long ago in another test."""
    story.declare(VERIFY + FLOW)
    story.switches()
    return with_pages(story)


def with_pages(story):
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


def test_verify__errors_in_some_windows_only__neither_pages_nor_goes_back_nor_forgets(after):
    windows(after, 0.5, 0.5, 0.0)
    ended = after.handover("verify")
    assert ended.returncode == 4
    assert "the last windows are well, but red from" in ended.stdout
    assert (after.state(), after.people_reach(), paged(after)) == ("switched", [BACKEND], "")


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
    assert "red by the watch's own limits" not in ended.stdout
    assert paged(after) == ""


def test_verify__no_window_has_ended_yet__says_so_and_pages_only_when_it_is_late(just_after):
    after = just_after
    ended = after.handover("verify")
    assert (ended.returncode, paged(after), after.state()) == (4, "", "switched")
    assert ended.stdout.startswith("no window that began after the switch has ended yet; the first is there by ")
    after.declare(section(window_s=0.001, timeout_s=0.001))  # so it is late
    ended = after.handover("verify")
    assert "nothing was watched since the switch" in ended.stdout
    assert "nothing was watched since the switch" in paged(after)
    assert (ended.returncode, after.state(), after.people_reach()) == (4, "switched", [BACKEND])


@pytest.mark.parametrize("rates", [(None, None, None), (0.5, 0.5, None)])
def test_verify__data_is_missing__pages_and_never_goes_back(after, rates):
    windows(after, *rates)
    ended = after.handover("verify")
    assert ended.returncode == 4
    assert "backend error_rate has no data: by the test" in ended.stdout
    assert paged(after)
    assert (after.state(), after.people_reach()) == ("switched", [BACKEND])


def test_verify__backend_is_dead__page_names_it_and_what_is_red_first(after):
    judged = [
        MetricVerdict("backend", "error_rate", 1.0, "red", "12 of 12 failed"),
        MetricVerdict("backend", "health", 0.0, "red", "Connection refused"),
        MetricVerdict("backend", "latency_p95_ms", None, "no data", "none of 12 requests was answered"),
    ]
    keep(after, *judged, end=datetime.now(UTC) + timedelta(minutes=2), minutes=1)
    said = json.loads(after.handover("verify", "--json").stdout)["said"]
    assert said.startswith(
        "backend health is red: Connection refused; backend error_rate is red: 12 of 12 failed; "
        "backend latency_p95_ms has no data: none of 12 requests was answered"
    )
    with opened(after.config) as journal:
        (page,) = [entry.body for entry in journal.entries() if entry.kind == "page"]
    assert (page["about"][:2], page["said"]) == (["backend health", "backend error_rate"], said)


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
    script.write_text("#!/bin/sh\nexec sleep 600\n")
    after.file.write_text(after.file.read_text().replace("timeout_s = 60\n[hooks.at]", "timeout_s = 5\n[hooks.at]"))
    windows(after, 0.0, 0.0, 0.0, latency_ms=3000.0)
    assert "the page was not sent: HO580  the hook page did not end within" in after.handover("verify").stderr
    with opened(after.config) as journal:
        assert any("trouble" in e.body for e in journal.entries() if e.kind == "page")


def test_verify__no_page_hook_is_declared__never_says_that_a_person_was_paged(after):
    after.file.write_text(after.file.read_text().replace('page = ["page"]', ""))
    windows(after, 0.0, 0.0, 0.0, latency_ms=3000.0)
    ended = after.handover("verify")
    assert "the page was not sent: no hook `page` is declared" in ended.stderr
    assert "paged" not in ended.stdout
    with opened(after.config) as journal:
        kept = [entry for entry in journal.entries() if entry.kind == "page"]
    (told,) = events(kept)
    assert told.title == "The page was not sent: no hook `page` is declared, see [hooks.at]"


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
    assert [line for line in said.out.splitlines() if "since the switch, nothing wrong" in line][1:]
    assert paged(after).count("the journal's database does not answer") == 1
    assert after.state() == "verifying"


# --- the verdict is on all of the watch


def verdict(after) -> tuple[int, list[dict[str, Any]]]:
    """Return the exit code of ``verify`` and what is not signed off."""
    ended = after.handover("verify", "--json")
    return ended.returncode, json.loads(ended.stdout)["unsigned"]


def test_verify__outage_that_is_over__stays_in_the_verdict_until_a_person_signs_it_off(after):
    windows(after, 0.0, 0.5, 0.5, 0.5, 0.5, 0.0, 0.0, 0.0)
    shown = after.handover("verify")
    assert shown.returncode == 4
    code, (outage,) = verdict(after)
    assert (code, outage["kind"], len(outage["windows"])) == (4, "red", 4)
    assert f"  {outage['name']}  red from" in shown.stdout
    assert "(4 windows): backend error_rate: 0.5 (above 0.02)" in " ".join(shown.stdout.split())
    assert after.state() == "switched"
    assert "--sign-off needs --because" in after.handover("verify", "--sign-off", outage["name"]).stderr
    done = after.done("verify", "--sign-off", outage["name"], "--because", "the database was moved")
    assert f"signed off {outage['name']}: red from" in done.stdout
    shown = " ".join(after.done("verify").stdout.split())
    with opened(after.config) as journal:
        (kept,) = [entry for entry in journal.entries() if entry.kind == "window-sign-off"]
    assert f"9 windows since the switch: 4 red windows, signed off by {kept.who}; nothing else was wrong" in shown
    assert after.state() == "verifying"
    assert kept.who
    assert kept.body["because"] == "the database was moved"


def test_verify__outage_that_is_over__pages_once_although_no_look_met_it(after):
    windows(after, 0.5, 0.5, 0.5, 0.5, 0.0, 0.0, 0.0)
    after.handover("verify")
    once = paged(after)
    after.handover("verify")
    assert once == paged(after) != ""


def test_verify_sign_off__outage_goes_on__holds_for_what_was_shown(after):
    windows(after, 0.5, 0.5)
    ((_, (shown,)), end) = verdict(after), datetime.now(UTC) + timedelta(minutes=2)
    keep(after, MetricVerdict("backend", "error_rate", 0.9, "red", "worse"), end=end + timedelta(minutes=1))
    after.done("verify", "--sign-off", shown["name"], "--because", "known")
    _, (left,) = verdict(after)
    assert len(shown["windows"]) == 2
    assert (left["said"], len(left["windows"])) == (["backend error_rate: red, worse"], 1)


def test_verify_sign_off__name_of_nothing__is_refused_and_says_what_there_is(after):
    windows(after, 0.5, 0.5, 0.0)
    _, (shown,) = verdict(after)
    said = after.refused("verify", "--sign-off", "00000000-2", "--because", "known")
    assert "HO596  no time since the switch is named 00000000-2; not signed off: " + shown["name"] in said
    assert verdict(after)[1] == [shown]


@pytest.mark.parametrize("system", ["original", "backend", "both"])
@pytest.mark.parametrize("verdict_", ["red", "no data"])
def test_verify__window_of_either_system_is_not_green__is_not_forgotten(after, system, verdict_):
    windows(after, 0.0, 0.0, 0.0)
    end = datetime.now(UTC) + timedelta(seconds=20)
    keep(after, MetricVerdict(system, "database", None, verdict_, "by the test"), end=end)
    code, (kept,) = verdict(after)
    assert (code, kept["kind"], kept["said"]) == (4, verdict_, [f"{system} database: {verdict_}, by the test"])


def test_verify__nothing_was_watched_for_a_while__is_named_and_signed_off(after):
    now = datetime.now(UTC)
    green_until(after, now - timedelta(seconds=1))
    for number in (5, 6, 7):
        good = (
            MetricVerdict("backend", "error_rate", 0.0, "green", ""),
            MetricVerdict("backend", "latency_p95_ms", 1.0, "green", ""),
        )
        keep(after, *good, end=now + timedelta(minutes=number))
    code, (hole,) = verdict(after)
    assert (code, hole["kind"], hole["windows"]) == (4, "not watched", [])
    assert "not watched from" in paged(after)
    after.done("verify", "--sign-off", hole["name"], "--because", "the machine was restarted")
    assert verdict(after) == (0, [])
    assert ": 1 time not watched, signed off by " in " ".join(after.done("verify").stdout.split())


def test_verify__not_watched_right_after_the_switch__is_named(after):
    good = MetricVerdict("backend", "error_rate", 0.0, "green", "")
    keep(after, good, end=datetime.now(UTC) + timedelta(minutes=5))
    code, (hole,) = verdict(after)
    assert (code, hole["kind"]) == (4, "not watched")


def test_verify__window_that_only_the_lines_have__counts(after):
    """The database did not take it, and the watch was killed before it did."""
    windows(after, 0.0, 0.0, 0.0)
    end = datetime.now(UTC) + timedelta(seconds=30)
    with pytest.MonkeyPatch.context() as away:
        away.setenv("HANDOVER_DATABASE_URL", "postgresql://absent@127.0.0.1:1/none")
        keep(after, MetricVerdict("both", "database", 1.0, "red", "it does not answer"), end=end)
    code, (outage,) = verdict(after)
    assert (code, outage["said"]) == (4, ["both database: red, it does not answer"])


def test_verify__earlier_switch_went_back__its_windows_do_not_count(after):
    keep(after, MetricVerdict("backend", "error_rate", 0.5, "red", "an outage"), end=datetime.now(UTC))
    assert "an outage" in after.handover("verify").stdout
    after.done("rollback", "--apply", "--because", "a fault")
    after.done("cutover", "--apply", after.plan())
    windows(after, 0.0, 0.0, 0.0)
    assert verdict(after) == (0, [])


# --- confirming

CONFIRM = VERIFY.replace("[verify]", "[verify]\nconfirm_within_s = 3600")


@pytest.fixture
def unconfirmed(story):
    """Switched, and the switch is to be confirmed within an hour."""
    story.declare(CONFIRM + FLOW)
    story.switched()
    hook(story, "page", f"#!/bin/sh\ncat >> {story.pair.folder}/pages\n")
    return story


def late(story) -> None:
    """Let the time be over."""
    story.file.write_text(story.file.read_text().replace("confirm_within_s = 3600", "confirm_within_s = 0.001"))


def test_verify__not_confirmed_in_time__goes_back_after_the_original_was_proven(unconfirmed):
    windows(unconfirmed, 0.0, 0.0, 0.0)
    shown = unconfirmed.done("verify")
    assert "people go back by themselves at" in " ".join(shown.stdout.split())
    late(unconfirmed)
    ended = unconfirmed.handover("verify")
    assert ended.returncode == 4
    assert "was not confirmed within 0.001 s" in ended.stderr
    assert (unconfirmed.state(), unconfirmed.people_reach()) == ("rolled_back", [ORIGINAL])
    with opened(unconfirmed.config) as journal:
        run = [e for e in journal.entries() if e.kind == "run" and e.body["command"] == "rollback"][-1]
    assert run.body["facts"]["automatic"] is True
    assert "was not confirmed within" in run.body["facts"]["because"]
    assert run.body["preflight"]["write"]


def test_cutover__is_to_be_confirmed__says_until_when_and_that_nothing_here_watches(story):
    story.declare(CONFIRM)
    story.in_parallel()
    shown = " ".join(story.done("cutover", "--apply", story.plan()).stdout.split())
    assert "Not confirmed: people go back by themselves at" in shown
    assert "NO process here would do it" in shown


def test_verify__confirmed__stays_when_the_time_is_over(unconfirmed):
    windows(unconfirmed, 0.0, 0.0, 0.0)
    done = unconfirmed.done("verify", "--confirm-switch", "--because", "two hours without a complaint")
    assert "confirmed the switch" in done.stdout
    late(unconfirmed)
    assert "loose watching begins" in unconfirmed.done("verify").stdout
    assert (unconfirmed.state(), unconfirmed.people_reach()) == ("verifying", [BACKEND])


def test_verify_confirm__something_is_not_signed_off__is_refused(unconfirmed):
    windows(unconfirmed, 0.5, 0.0, 0.0)
    said = unconfirmed.refused("verify", "--confirm-switch", "--because", "it will do")
    assert "HO596  the switch cannot be confirmed: the last windows are well, but red from" in said
    late(unconfirmed)
    assert unconfirmed.handover("verify").returncode == 4
    assert unconfirmed.people_reach() == [ORIGINAL]


def test_verify__not_confirmed_and_the_original_is_dead__stays_and_pages_once(unconfirmed):
    windows(unconfirmed, 0.0, 0.0, 0.0)
    unconfirmed.systems["original"].status = 503
    late(unconfirmed)
    for _ in range(2):
        ended = unconfirmed.handover("verify")
        assert ended.returncode == 4
        assert "people did not go back by themselves: HO586" in " ".join(ended.stderr.split())
    assert (unconfirmed.state(), unconfirmed.people_reach()) == ("switched", [BACKEND])
    assert paged(unconfirmed).count("people did not go back by themselves") == 1


def test_verify__follow__original_is_dead_and_then_not__goes_on_and_takes_people_back(unconfirmed, monkeypatch):
    windows(unconfirmed, 0.0, 0.0, 0.0)
    unconfirmed.systems["original"].status = 503
    late(unconfirmed)
    looks = []

    def between(seconds: float) -> None:
        looks.append(unconfirmed.people_reach())
        unconfirmed.systems["original"].status = 503 if len(looks) < 2 else 200

    monkeypatch.setattr("handover.cli.verify.wait_for_next", between)
    monkeypatch.setenv("HANDOVER_DATABASE_URL", unconfirmed.pair.database.url("owner"))
    with pytest.raises(Refused, match="the state is rolled_back; there is nothing to verify"):
        keep_looking(unconfirmed.config, 7.0, as_json=False)
    assert looks == [[BACKEND], [BACKEND], [ORIGINAL]]


def test_verify__errors_and_the_way_back_fails__pages_once_about_each(after):
    """The original makes its flow, so people would go back, but it cannot write."""
    after.file.write_text(after.file.read_text().replace("write = {", "# write = {"))
    windows(after, 0.5, 0.5, 0.5)
    for _ in range(3):
        assert after.handover("verify").returncode == 4
    with opened(after.config) as journal:
        pages = [entry.body["about"] for entry in journal.entries() if entry.kind == "page"]
    assert pages == [["error_rate"], ["no automatic rollback: HO586"]]
    assert (after.state(), after.people_reach()) == ("switched", [BACKEND])


def test_verify__confirmed_before_the_last_rollback__counts_no_more(unconfirmed):
    windows(unconfirmed, 0.0, 0.0, 0.0)
    unconfirmed.done("verify", "--confirm-switch", "--because", "well")
    unconfirmed.done("rollback", "--apply", "--because", "a fault")
    unconfirmed.done("cutover", "--apply", unconfirmed.plan())
    late(unconfirmed)
    unconfirmed.handover("verify")
    assert unconfirmed.people_reach() == [ORIGINAL]


@pytest.mark.full
def test_watch_that_runs__switch_is_not_confirmed__takes_people_back_and_goes_on(unconfirmed):
    unconfirmed.declare(section(window_s=0.3))
    told = " ".join(unconfirmed.done("status").stdout.split())
    assert "Not confirmed: people go back by themselves at" in told
    assert "NO process here would do it: start handover watch, or handover verify --follow." in told
    late(unconfirmed)
    with unconfirmed.pair.process("watch", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        until(lambda: unconfirmed.state() == "rolled_back", "people were not taken back")
        assert process.poll() is None
    assert unconfirmed.people_reach() == [ORIGINAL]


@pytest.mark.full
def test_verify_follow_that_runs__switch_is_not_confirmed__is_named_and_takes_people_back(unconfirmed):
    command, quiet = (
        ["verify", "--follow", "--every", "1"],
        {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL},
    )
    with unconfirmed.pair.process(*command, **quiet) as process:
        by = f"By `verify --follow`, pid {process.pid}."
        until(lambda: by in " ".join(unconfirmed.handover("status").stdout.split()), "the process does not show")
    late(unconfirmed)
    with unconfirmed.pair.process(*command, **quiet) as process:
        until(lambda: unconfirmed.state() == "rolled_back", "people were not taken back")
        assert process.wait(timeout=60) == 3  # there is nothing to verify any more
    assert unconfirmed.people_reach() == [ORIGINAL]
