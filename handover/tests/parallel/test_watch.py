"""``handover watch`` as its user runs it: two real servers, a real database, each system's own models."""

import pytest

from handover.tests.parallel.conftest import SECTION

DATED = """
[watch.newest]
dancers = "date_joined"
dance_videos = "duration"
"""


def test_watch_once__healthy_pair__keeps_every_measure_and_says_what_is_not_green(watched):
    watched.declare(SECTION + DATED)
    done = watched.pair.handover("watch", "--once")
    verdicts = {(w["system"], w["metric"]): w["verdict"] for w in watched.windows()}
    assert verdicts.pop(("both", "parity_lag_p95_s")) == "no data"  # nobody wrote
    assert set(verdicts.values()) == {"green"}
    assert {("original", "latency_p95_ms"), ("backend", "health"), ("both", "database")} <= verdicts.keys()
    assert done.returncode == 1
    assert f"⏳ {len(verdicts)} of {len(verdicts) + 1} measures are green" in done.stdout[:2] + done.stdout[11:]
    assert "both parity_lag_p95_s: no data, nothing measured parity_lag_s" in done.stdout


@pytest.mark.parametrize(("status", "reason"), [(503, "health answered 503, expected 200")])
def test_watch__one_system_answers_errors__is_red_and_the_other_green(watched, status, reason):
    watched.declare(SECTION + DATED)
    watched.sites["backend"].pages["/health"] = (status, {}, b"no")
    done = watched.pair.handover("watch", "--once")
    assert done.returncode == 4
    assert watched.verdict("backend", "error_rate")[0] == "red"
    assert reason in watched.verdict("backend", "health")[1]
    assert watched.verdict("original", "error_rate")[0] == "green"


def test_watch__no_table_to_keep_it_in__refuses_and_says_what_makes_one(pair):
    done = pair.handover("watch", "--once")
    assert done.returncode == 3
    assert "HO600  what is seen cannot be kept" in done.stderr
    assert "Run: handover init-journal" in done.stderr
