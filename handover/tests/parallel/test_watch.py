"""``handover watch`` as its user runs it: two real servers, a real database, each system's own models."""

# ruff: noqa: E501, S608 - a case is read best on one line; statements are put together from what stands here

import signal
import subprocess
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import psycopg
import pytest

from handover.journal.entry import operator
from handover.parallel.history import LINES, WatchHistory
from handover.parallel.watch import Clocks, Watcher
from handover.proof.proxy import proxy
from handover_testing.night import until
from handover_testing.sections import section


@contextmanager
def watching(watched, url=None, *, models=True, clocks=None, is_read_only=lambda: False, **values):
    """Give a function that judges one window and returns (verdict, reason) by system and metric.

    Without ``models`` no interpreter is started: for what is measured without one.
    """
    watched.declare(section(**values))
    config, stop = watched.config, threading.Event()
    if not models:
        ending = {side: getattr(config, side).model_copy(update={"python": ("false",)}) for side in watched.sites}
        config = config.model_copy(update=ending)
    with Watcher(config, url or watched.url, clocks or Clocks(), is_read_only) as watcher:
        watcher.start_agents(stop)

        def window():
            window.judged, window.samples = watcher.window(stop)
            return {(one.system, one.metric): (one.verdict, one.reason) for one in window.judged.judged}

        window.watcher = watcher
        yield window


# --- the command


def test_watch_once__healthy_pair__keeps_every_measure_and_says_what_is_not_green(watched):
    watched.declare(section())
    done = watched.pair.handover("watch", "--once")
    verdicts = {(w["system"], w["metric"]): w["verdict"] for w in watched.windows()}
    assert verdicts.pop(("both", "parity_lag_p95_s")) == "not enough traffic"  # no row was written
    assert set(verdicts.values()) == {"green"}
    assert {("original", "latency_p95_ms"), ("backend", "health"), ("both", "database")} <= verdicts.keys()
    assert done.returncode == 1
    assert f"{len(verdicts)} of {len(verdicts) + 1} measures are green" in done.stdout
    assert "⏳ both parity_lag_p95_s: not enough traffic, 0, at least 1 are needed" in done.stdout


def test_watch__once_and_for__is_refused_for_one_would_be_ignored(watched):
    done = watched.pair.handover("watch", "--once", "--for", "10s")
    assert done.returncode == 2
    assert "--once judges one window and --for says how long to judge; use one of them." in " ".join(
        done.stderr.split()
    )


def test_watch__everything_is_green_then_a_system_fails__ends_with_0_then_4(watched):
    """Rows are written meanwhile, so that there is a lag to measure, too."""
    watched.declare(section(window_s=1))
    over = threading.Event()
    writer = threading.Thread(target=keep_writing, args=(watched.url, over))
    writer.start()
    try:
        green = watched.pair.handover("watch", "--once")
        watched.sites["backend"].pages["/health"] = (503, {}, b"no")
        red = watched.pair.handover("watch", "--for", "0.1s")
    finally:
        over.set()
        writer.join()
    assert green.returncode == 0, green.stdout
    assert green.stdout.startswith("✅")
    assert len(green.stdout.splitlines()) == 1
    assert red.returncode == 4
    assert "❌ backend health: red, 100 % of" in red.stdout
    assert "original" not in red.stdout


def keep_writing(url, over):
    query = "INSERT INTO dance_tasks SELECT gen_random_uuid(), 'started', 0, NULL, NULL, now(), min(id) FROM dancers"
    columns = "(task_id, status, progress, result, error, created_at, user_id)"
    with psycopg.connect(url, autocommit=True) as connection:
        while not over.wait(0.05):
            connection.execute(query.replace("dance_tasks", f"dance_tasks {columns}"))


def test_watch__samples_are_old__are_forgotten_and_the_verdicts_kept(watched):
    watched.declare(section(keep_samples_h=0.1 / 3600))
    watched.pair.handover("watch", "--for", "1s")
    with psycopg.connect(watched.url) as connection:
        oldest = connection.execute("SELECT min(at) FROM handover.watch_samples").fetchone()[0]
    ends = sorted({window["window_end"] for window in watched.windows()})
    assert len(ends) >= 2
    assert oldest is None or oldest > ends[0]


def test_watch__no_table_to_keep_it_in__refuses_and_says_what_makes_one(pair):
    done = pair.handover("watch", "--once")
    assert done.returncode == 3
    assert "HO600  the history of the watch cannot be kept" in done.stderr
    assert "Run: handover init-journal --apply" in done.stderr


def test_watch__role_may_not_act_as_the_journals__names_the_grant(watched):
    watched.pair.let_read("original_app")
    done = watched.pair.handover("watch", "--once", role="original_app")
    assert done.returncode == 3
    assert "HO600  the history of the watch cannot be kept" in done.stderr
    assert 'GRANT "handover_journal" TO "original_app"' in done.stderr
    assert "init-journal" not in done.stderr


@pytest.mark.parametrize("wrong", ["5", "0s", "-1m", "soon"])
def test_watch__no_duration__says_what_one_looks_like(watched, wrong):
    done = watched.pair.handover("watch", f"--for={wrong}")
    assert done.returncode == 2
    assert f"--for {wrong} is no duration; it must look like 90s, 5m, 2h or 1d." in done.stderr


def test_watch__flow_is_not_declared__says_which_flows_are(watched):
    watched.declare(section(journeys=["walk"]))
    done = watched.pair.handover("watch", "--once")
    assert done.returncode == 2
    assert "[watch] names the flow 'walk', which [[flows]] does not declare; there is: none." in done.stderr


def test_watch__ctrl_c__ends_and_judges_no_half_window(watched):
    watched.declare(section(window_s=600))
    with watched.pair.process("watch", stderr=subprocess.PIPE) as process:
        assert process.stderr
        assert process.stderr.readline() == "watching; a verdict every 600 s\n"
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
        assert process.wait() == 1
    assert "no window was finished, so there is no verdict" in said
    assert watched.windows() == []


def test_watch__everything_is_paused__goes_on_and_may_begin_again(watched):
    watched.declare(section(window_s=0.3))
    with watched.pair.process("watch", stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        assert process.stderr
        assert process.stderr.readline() == "watching; a verdict every 0.3 s\n"
        paused = watched.pair.handover("pause", "--because", "a fire")
        seen = len(watched.windows())
        until(lambda: len(watched.windows()) > 2 * seen, "the pause has ended the watch")
        assert process.poll() is None
    assert f"`watch` of {operator()}, pid {process.pid} runs on: it only measures." in " ".join(paused.stdout.split())
    again = watched.pair.handover("watch", "--once")
    assert again.returncode == 1, again.stderr
    assert "measures are green" in again.stdout


# --- answers


def test_window__system_is_dead__is_red_and_the_other_is_not(watched):
    with watching(watched, models=False) as window:
        site = watched.sites["backend"].server
        site.shutdown()
        site.server_close()
        seen = window()
    assert seen["backend", "health"][0] == seen["backend", "error_rate"][0] == "red"
    assert "health did not answer: " in seen["backend", "health"][1]
    assert seen["backend", "latency_p95_ms"][0] == "no data"
    assert seen["original", "error_rate"][0] == seen["original", "latency_p95_ms"][0] == "green"


def test_window__answer_is_too_slow__is_red_after_the_time_limit(watched):
    release = threading.Event()

    def slow():
        release.wait()
        return 200, {}, b"healthy"

    watched.sites["backend"].pages["/health"] = slow
    with watching(watched, models=False, timeout_s=10, window_s=1) as window:
        seen = window()
        release.set()
    assert seen["backend", "health"][0] == "red"
    assert "health did not answer within 10 s" in seen["backend", "health"][1]
    assert seen["original", "health"][0] == "green"


def test_window__page_lacks_the_declared_text__is_red(watched):
    probe = {"name": "find", "path": "/find?q=a", "contains": "three moves", "kind": "search"}
    watched.sites["original"].pages["/find?q=a"] = (200, {}, b"here are three moves")
    watched.sites["backend"].pages["/find?q=a"] = (200, {}, b"here is nothing")
    with watching(watched, models=False, probes=[probe]) as window:
        seen = window()
    assert seen["original", "find"][0] == "green"
    assert seen["backend", "find"][0] == "red"
    assert "find does not contain 'three moves'" in seen["backend", "find"][1]


def test_window__few_requests__are_not_enough_traffic(watched):
    with watching(watched, models=False, min_requests=5000) as window:
        seen = window()
    assert seen["original", "error_rate"][0] == "not enough traffic"
    assert "at least 5000 are needed" in seen["backend", "latency_p95_ms"][1]


def test_window__system_has_no_address__has_no_data(watched):
    path = watched.pair.folder / "handover.toml"
    path.write_text(path.read_text().replace(f'base_url = "{watched.sites["backend"].url}"', ""))
    with watching(watched, models=False) as window:
        seen = window()
    assert seen["backend", "health"][0] == seen["backend", "latency_p95_ms"][0] == "no data"
    assert "handover.toml has no base_url of the backend" in seen["backend", "error_rate"][1]


def test_window__flows__are_traffic_and_their_failures_are_red(watched):
    watched.sites["original"].pages["/page"] = (200, {}, b"dance")
    watched.sites["backend"].pages["/page"] = (200, {}, b"fall")
    watched.declare('[[flows]]\nname = "look"\n[[flows.steps]]\npath = "/page"\ncontains = "dance"')
    with watching(watched, models=False, journeys=["*"], journeys_every_s=0, probes=[], min_requests=1) as window:
        seen = window()
    assert seen["original", "journey look"][0] == seen["original", "error_rate"][0] == "green"
    assert seen["backend", "journey look"][0] == seen["backend", "error_rate"][0] == "red"
    assert "look, " in seen["backend", "error_rate"][1]
    assert "dance" in seen["backend", "journey look"][1]


@pytest.mark.parametrize(
    ("answers", "verdict"), [([], "red"), ([True], "not enough traffic"), ([False, True], "not enough traffic")]
)
def test_window__original_may_only_read__flows_that_write_are_left_out_of_it(watched, answers, verdict):
    """The flow fails on both; the last case is read-only mode that begins while the flow runs."""
    watched.declare('[[flows]]\nname = "post"\n[[flows.steps]]\nmethod = "POST"\npath = "/none"\nstatus = 201')
    said = iter(answers)
    on = [False]

    def is_read_only():
        on[0] = next(said, on[0])
        return on[0]

    told = {"journeys": ["*"], "journeys_every_s": 60, "probes": [], "min_requests": 1}
    with watching(watched, models=False, is_read_only=is_read_only, **told) as window:
        seen = window()
    assert seen["original", "journey post"][0] == seen["original", "error_rate"][0] == verdict
    assert ("it can only read now" in seen["original", "journey post"][1]) == bool(answers)
    assert seen["backend", "journey post"][0] == seen["backend", "error_rate"][0] == "red"


def test_window__access_log__its_errors_are_red(watched):
    for side in watched.sites:
        (watched.pair.folder / f"{side}.log").touch()
    with watching(watched, models=False, logs={side: {"path": f"{side}.log"} for side in watched.sites}) as window:
        for side, status in (("original", 200), ("backend", 500)):
            line = f'::1 - - [24/Nov/2026:13:00:00 +0000] "GET / HTTP/1.1" {status} 0\n'
            (watched.pair.folder / f"{side}.log").write_text(line * 20)
        seen = window()
    assert seen["original", "access_error_rate"] == ("green", "0 % of 20, at most 1 %")
    assert seen["backend", "access_error_rate"] == ("red", "100 % of 20, at most 1 %; the last: 20 answers were 5xx")


# --- the database


def test_window__database_does_not_answer__is_red_and_the_samples_are_written_later(watched, monkeypatch):
    port = urlsplit(watched.url).port
    with proxy("127.0.0.1", port) as way:
        url = watched.url.replace(f":{port}/", f":{way.port}/")
        with watching(watched, url, models=False, timeout_s=10) as window:
            assert window()["both", "database"][0] == "green"
            monkeypatch.setenv("HANDOVER_DATABASE_URL", url)
            history = WatchHistory(watched.config, "run")
            history.require()
            way.point_at("127.0.0.1", 1)  # no server listens there
            seen = window()
            assert not history.add(window.samples, window.judged)
            assert watched.windows() == []
            lines = (watched.pair.folder / LINES).read_text()
            way.point_at("127.0.0.1", port)
            assert window()["both", "database"][0] == "green"
            assert history.add([])
            history.close()
    assert seen["both", "database"][0] == "red"
    assert "the database does not answer" in seen["both", "database"][1]
    assert seen["both", "connections_share"][0] == seen["both", "invariant_choices"][0] == "no data"
    assert seen["original", "error_rate"][0] == "green"
    assert len(watched.windows()) == lines.count('"verdict"') == len(seen)


def test_window__rows_break_an_invariant__says_which(watched):
    watched.pair.superuser("CREATE TABLE jobs (id int); GRANT SELECT ON jobs TO owner")
    queue = {"name": "jobs", "sql": "SELECT count(*) FROM jobs", "limit": 5}
    short = {"name": "short", "sql": "SELECT count(*) FROM dance_videos WHERE duration < 0", "because": "too short"}
    faults = (
        ("invariant_choices", "red", "1, at most 0; the last: dance_tasks.status (1)", LOST_STATUS),
        ("invariant_orphans", "red", "2, at most 0; the last: dance_tasks.user_id (1), dance_videos.user_id (1)", LOST_USER),
        ("invariant_short", "red", "3, at most 0; the last: too short", "UPDATE dance_videos SET duration = -1"),
        ("jobs", "red", "9, at most 5", "INSERT INTO jobs SELECT generate_series(1, 9)"),
        ("jobs", "no data", 'relation "jobs" does not exist', "DROP TABLE jobs"),
        ("invariant_choices", "no data", 'dance_tasks.status: relation "dance_tasks" does not exist', "DROP TABLE dance_tasks"),
    )  # fmt: skip
    watched.pair.superuser("DELETE FROM dance_videos WHERE ctid = (SELECT min(ctid) FROM dance_videos)")
    with watching(watched, measures=[queue], invariants=[short]) as window:
        clean = window()
        seen = []
        for metric, _, _, statement in faults:
            watched.pair.superuser(statement)
            seen.append(window()["both", metric])
    assert {clean["both", metric][0] for metric, *_ in faults} == {"green"}
    for (metric, verdict, reason, _), (was, why) in zip(faults, seen, strict=True):
        assert (was, reason in why) == (verdict, True), (metric, was, why)


LOST_STATUS = "UPDATE dance_tasks SET status = 'lost' WHERE ctid = (SELECT max(ctid) FROM dance_tasks)"
LOST_USER = "SET session_replication_role = replica; DELETE FROM dancers WHERE username = 'u4'"


def test_window__connections_near_their_limit__is_red(watched):
    with watching(watched, models=False, limits={"connections_share": 0.001}) as window:
        assert window()["both", "connections_share"][0] == "red"


def test_window__tasks__are_counted_for_the_system_that_wrote_them(watched):
    tasks = {"table": "dance_tasks", "ended_at": "created_at", "stuck_after_s": 60}
    states = {"open": ["started", "running"], "done": ["completed"], "failed": ["failed"]}
    writer = {"dance_tasks": "CASE WHEN error = 'b' THEN 'backend' ELSE 'original' END"}
    watched.pair.superuser("UPDATE dance_tasks SET status = 'completed', created_at = now() - interval '1 day'")
    with watching(watched, models=False, tasks=tasks | states, writer=writer) as window:
        idle = window()
        for status, error, age_s in (("completed", "b", -5), ("failed", "b", -5), ("running", "", 90)):
            watched.pair.superuser(
                "INSERT INTO dance_tasks (task_id, user_id, status, progress, error, created_at)"
                f" SELECT gen_random_uuid(), min(id), '{status}', 0, '{error}', now() - {age_s} * interval '1 s' FROM dancers"
            )
        seen = window()
    assert idle["backend", "tasks_started"] == ("not enough traffic", "0, at least 1 are needed")
    assert idle["original", "tasks_stuck"] == ("green", "0, at most 0")
    assert seen["backend", "tasks_started"] == ("green", "2")
    assert seen["backend", "tasks_finished"] == ("green", "1")
    assert seen["backend", "tasks_failed_share"] == ("red", "0.5, at most 0.1")
    assert seen["backend", "tasks_stuck"] == ("green", "0, at most 0")
    assert seen["original", "tasks_stuck"] == ("red", "1, at most 0")


# --- rows and files, through each system's own models


def test_window__progress_goes_back__is_red_unless_it_may_restart(watched):
    steps = (
        ("progress = 41", "green", "0, at most 0"),
        ("progress = 30", "red", "dance_tasks.progress: a row went back from 41 to 30"),
        ("progress = 101", "red", "dance_tasks.progress: a row has 101, expected 0 to 100"),
        ("progress = 0, error = 'failed'", "green", "0, at most 0"),
    )
    progress = {"column": "dance_tasks.progress", "restarts": "error = 'failed'"}
    watched.pair.superuser("UPDATE dance_tasks SET progress = 40, error = ''")
    with watching(watched, progress=[progress]) as window:
        assert window()["both", "invariant_progress"][0] == "green"
        for change, verdict, reason in steps:
            watched.pair.superuser(f"UPDATE dance_tasks SET {change} WHERE ctid = (SELECT max(ctid) FROM dance_tasks)")
            was, why = window()["both", "invariant_progress"]
            assert (was, reason in why) == (verdict, True), (change, was, why)


def test_window__progress_of_no_mapped_table__says_which_there_are(watched):
    with watching(watched, progress=[{"column": "task.progress"}], models=False) as window:
        verdict, reason = window()["both", "invariant_progress"]
    assert verdict == "no data"
    assert "task is not a mapped table; these are: dancers, dance_tasks, dance_videos" in reason


def test_window__file_of_a_row_is_missing__is_red_for_the_system_that_does_not_find_it(watched):
    with watching(watched, files=["dance_videos.path"]) as window:
        there = window()
        watched.pair.superuser("UPDATE dance_videos SET path = 'videos/gone.mp4' WHERE duration = 3.5")
        gone = window()
    assert there["backend", "files_missing"] == ("green", "0, at most 0")
    assert there["backend", "files_found"][0] == "green"
    assert gone["backend", "files_missing"][0] == gone["original", "files_missing"][0] == "red"
    assert "4 of 4 files of dance_videos.path not found." in gone["backend", "files_missing"][1]
    assert gone["backend", "files_found"][0] == "not enough traffic"


HIDING = """class Video(models.Model):
    class Manager(models.Manager):
        def get_queryset(self):
            return super().get_queryset().exclude(title='hidden')

    objects = Manager()
"""


def test_window__row_that_one_system_does_not_find__is_red_when_the_lag_is_over(watched):
    watched.pair.change("backend/apps/dance/models.py", "class Video(models.Model):\n", HIDING)
    writer = {"dance_videos": "'original'", "dance_tasks": "'backend'", "dancers": "'backend'"}
    with watching(watched, writer=writer, limits={"parity_lag_s": 0.1}) as window:
        assert window()["original", "parity_differences"] == ("green", "0, at most 0")
        watched.pair.superuser(
            "UPDATE dance_videos SET title = 'hidden' WHERE ctid = (SELECT max(ctid) FROM dance_videos)"
        )
        window()
        seen = window()
    assert seen["original", "parity_differences"][0] == seen["original", "parity_lag_p95_s"][0] == "red"
    assert "dance_videos: a row is not found by the backend" in seen["original", "parity_differences"][1]
    assert seen["backend", "parity_differences"][0] == "green"


def test_window__value_that_the_systems_read_differently__names_the_column(watched):
    watched.pair.change("original/dance/models.py", "preferences = models.JSONField", "preferences = models.TextField")
    with watching(watched, limits={"parity_lag_s": 0.05}) as window:
        window()
        verdict, reason = window()["both", "parity_differences"]
    assert verdict == "red"
    assert "dancers: 1 column of a row read differently: preferences" in reason


DYING = """class Video(models.Model):
    @classmethod
    def from_db(cls, *row):
        import os
        if os.path.exists('die'):
            os._exit(3)
        return super().from_db(*row)

"""


def test_window__interpreter_ends__has_no_data_and_is_started_again(watched, monkeypatch):
    monkeypatch.setattr("handover.parallel.agents.AGAIN_AFTER_S", 0)
    watched.pair.change("backend/apps/dance/models.py", "class Video(models.Model):\n", DYING)
    die = watched.pair.folder / "backend" / "die"
    with watching(watched, window_s=1) as window:
        assert window()["both", "parity_rows"][0] == "green"
        die.touch()
        seen = window()
        die.unlink()
        window()
        again = window()
    assert seen["both", "parity_rows"][0] == "no data"
    assert "dance_videos: HO002  the interpreter of the backend ended with status" in seen["both", "parity_rows"][1]
    assert again["both", "parity_rows"][0] == "green"


def test_window__writer_says_something_else__has_no_data(watched):
    with watching(watched, writer={"dancers": "'another'"}) as window:
        seen = window()
    assert seen["original", "parity_rows"][0] == "no data"
    assert "watch.writer says 'another', expected 'original' or 'backend'" in seen["original", "parity_rows"][1]


def test_window__no_column_dates_a_table__says_what_to_declare(watched):
    with watching(watched, newest={"dancers": "date_joined"}) as window:
        verdict, reason = window()["both", "parity_rows"]
    assert verdict == "no data"
    assert "name one: [watch.newest] dance_videos" in reason


MADE = (
    "INSERT INTO dance_tasks (task_id, status, progress, error, created_at, user_id)"
    " SELECT gen_random_uuid(), 'started', 0, 'made', now(), min(id) FROM dancers"
)
CLEANS_UP = """
[[flows]]
name = "visit"
[[flows.steps]]
method = "POST"
path = "/make"
[[flows.steps]]
method = "POST"
path = "/drop"
"""


@contextmanager
def cleaning_up(watched, **values):
    """As :func:`watching`, with a flow that removes what it made in its next step; as slow as a real watch."""

    def page(query):
        def answer():
            with psycopg.connect(watched.url, autocommit=True) as connection:
                connection.execute(query)
            return 200, {}, b""

        return answer

    for site in watched.sites.values():
        site.pages["/make"] = page(MADE)
        site.pages["/drop"] = page("DELETE FROM dance_tasks WHERE error = 'made'")
    watched.declare(CLEANS_UP)
    often = {"interval_s": 1.0, "window_s": 1.0, "journeys": ["*"], "journeys_every_s": 0.1}
    with watching(watched, **often, **values) as window:
        yield window


def test_window__flow_removes_at_once_what_it_made__was_read_by_both_in_between(watched):
    with cleaning_up(watched) as window:
        seen = window()
    assert {seen["both", metric][0] for metric in ("parity_lag_p95_s", "parity_rows", "parity_differences")} == {
        "green"
    }
    assert not [sample for sample in window.samples if sample.metric == "parity_lag_s" and sample.value is None]


HIDING_TASKS = """class Task(models.Model):
    class Manager(models.Manager):
        def get_queryset(self):
            return super().get_queryset().exclude(error='made')

    objects = Manager()
"""


def test_window__flow_removes_at_once_what_one_system_does_not_find__is_red(watched):
    watched.pair.change("backend/apps/dance/models.py", "class Task(models.Model):\n", HIDING_TASKS)
    with cleaning_up(watched, limits={"parity_lag_s": 0.1}) as window:
        # On a busy machine a window may pass before the flow's row is read.
        judged = (window()["both", "parity_differences"] for _ in range(20))
        reason = next(reason for verdict, reason in judged if verdict == "red")
    assert "dance_tasks: a row is not found by the backend" in reason


def test_look__rows_are_being_read_all_the_time__says_that_nothing_was_compared(watched):
    with watching(watched, timeout_s=0.1) as window, window.watcher._rows_lock:
        seen = [(sample.metric, sample.value) for sample in window.watcher.look()]
    assert seen
    assert set(seen) == {("parity_different", None)}


def test_window__row_is_removed_before_both_read_it__has_no_data(watched):
    watched.pair.change("backend/apps/dance/models.py", "class Task(models.Model):\n", HIDING_TASKS)
    with watching(watched, limits={"parity_lag_s": 60}) as window:
        watched.pair.superuser(MADE)
        window()
        watched.pair.superuser("DELETE FROM dance_tasks WHERE error = 'made'")
        verdict, reason = window()["both", "parity_lag_p95_s"]
    assert verdict == "no data"
    assert "dance_tasks: 1 row removed before both systems read the same" in reason


# --- clocks


def test_window__clock_jumps__is_red_and_the_window_is_as_long_as_it_was(watched):
    ahead = [0.0]
    clocks = Clocks(wall=lambda: datetime.now(UTC) + timedelta(seconds=ahead[0]))
    with watching(watched, models=False, clocks=clocks) as window:
        window()
        ahead[0] = -3600.0
        verdict, reason = window()["both", "clock_s"]
    assert verdict == "red"
    assert "the clock of this machine jumped by -3600.0 s" in reason
    assert timedelta(0) < window.judged.end - window.judged.start < timedelta(seconds=60)


def test_window__nothing_was_measured_for_a_while__is_no_data(watched):
    passed = [0.0]
    counter = lambda: datetime.now(UTC).timestamp() + passed[0]  # noqa: E731 - one line, used once
    clocks = Clocks(lambda: datetime.now(UTC) + timedelta(seconds=passed[0]), counter)
    with watching(watched, models=False, clocks=clocks) as window:
        window()
        passed[0] = 900.0
        verdict, reason = window()["both", "clock_s"]
    assert verdict == "no data"
    assert "nothing was measured for 90" in reason
