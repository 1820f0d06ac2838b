"""A switch by a real HAProxy: step by step, looked at after each, and back at once."""

import json
import socket
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

import sandbox.haproxy
from handover.cutover import plan
from handover.cutover.commands import commands
from handover.cutover.planning import make_plan
from handover.cutover.status import status_lines
from handover.errors import HandoverError
from handover.journal.journal import opened
from handover.parallel.rule import MetricVerdict
from handover_testing.balanced import haproxy_before, watched
from handover_testing.crashes import go_back, go_on, run
from handover_testing.killing import kill_at
from handover_testing.night import WITHIN_S, database_down, hook, keep, until

pytestmark = pytest.mark.skipif(sandbox.haproxy.program() is None, reason=sandbox.haproxy.MISSING)


@pytest.fixture
def haproxy(story):
    with haproxy_before(story) as made:
        yield made


@pytest.fixture
def parallel(story, haproxy):
    story.with_journal()
    run(story, "begin")
    return story


def planned(story) -> str:
    """Make a plan in this process; return its checksum."""
    made = make_plan(story.config)
    plan.save(story.config, made)
    return made.checksum


def failure(story, command: str = "cutover") -> HandoverError:
    """Return why a command fails, performed in this process."""
    with pytest.raises(HandoverError) as failed:
        run(story, command)
    return failed.value


def shown(story) -> str:
    return "\n".join(status_lines(story.status()))


def test_cutover__by_steps__each_is_seen_and_the_way_back_is_at_once(parallel, haproxy):
    planned = parallel.done("cutover", "plan").stdout
    assert "steps: 10 %, 100 % of people reach the backend" in planned
    assert "pages no person: no hook `page` is declared" in planned
    watched(parallel)
    parallel.done("cutover", "--apply", parallel.plan())
    assert haproxy.weights() == {"original": 0, "backend": 100}
    assert "People reach: backend; as the journal says." in parallel.done("status").stdout
    parallel.done("rollback", "--apply", "--because", "a trial")
    assert haproxy.weights() == {"original": 100, "backend": 0}
    assert parallel.state() == "rolled_back"


def test_cutover__window_is_red__stops_at_that_step_and_pages(parallel, haproxy):
    hook(parallel, "page", "#!/bin/sh\ncat > paged.json\n")
    watched(parallel, "red")
    error = failure(parallel)
    assert error.exit_code == 4
    assert (
        "HO623  at 10 % the watch is red: error_rate of the backend is by the test (red by the watch's own limits)"
        in str(error)
    )
    assert haproxy.weights() == {"original": 90, "backend": 10}
    assert json.loads((parallel.pair.folder / "paged.json").read_text())["way"] == "haproxy"
    assert "State: switching" in shown(parallel)
    said = parallel.refused("cutover", "plan")
    assert "HO505  the state is switching: people are being moved to the backend. A plan is for a switch" in said
    assert "Next: handover resume" in said
    assert "People reach: both: 10 % of them the backend; as the journal says." in shown(parallel)
    go_back(parallel)
    assert (parallel.state(), haproxy.weights()) == ("rolled_back", {"original": 100, "backend": 0})


def test_cutover__window_is_red_and_the_file_says_back__goes_back_by_itself(parallel, haproxy):
    parallel.file.write_text(parallel.file.read_text().replace("samples = 40", 'samples = 40\non_red = "back"'))
    watched(parallel, "red")
    ended = parallel.handover("cutover", "--apply", planned(parallel))
    assert ended.returncode == 4
    assert "People were moved back to the original." in ended.stderr
    assert (parallel.state(), haproxy.weights()) == ("rolled_back", {"original": 100, "backend": 0})


def test_cutover__original_is_red_while_most_people_use_it__stops_and_sends_no_one_back_to_it(parallel, haproxy):
    parallel.file.write_text(parallel.file.read_text().replace("samples = 40", 'samples = 40\non_red = "back"'))
    later = datetime.now(UTC) + timedelta(hours=1)
    bad = MetricVerdict("original", "error_rate", 0.5, "red", "by the test")
    keep(parallel, MetricVerdict("backend", "error_rate", 0.0, "green", ""), bad, end=later)
    ended = parallel.handover("cutover", "--apply", planned(parallel))
    assert ended.returncode == 4
    assert "HO623  at 10 % the watch is red: error_rate of the original is by the test" in ended.stderr
    assert haproxy.weights() == {"original": 90, "backend": 10}
    assert "State: switching" in shown(parallel)


def test_cutover__nothing_watched__does_not_go_on_to_the_next_step(parallel, haproxy):
    assert "HO624  the step of 10 % cannot be judged: 0 green windows since" in str(failure(parallel))
    assert haproxy.weights() == {"original": 90, "backend": 10}
    watched(parallel)
    go_on(parallel)
    assert haproxy.weights() == {"original": 0, "backend": 100}


def test_cutover__a_window_without_data__is_no_green_window(parallel, haproxy):
    watched(parallel, "no data")
    assert "error_rate of the backend has no data: by the test" in str(failure(parallel))
    assert haproxy.weights() == {"original": 90, "backend": 10}


def test_cutover__another_server_in_the_section_since_the_plan__applies_nothing(parallel, haproxy):
    plan = planned(parallel)
    haproxy.stop()
    file = haproxy.folder / "haproxy.cfg"
    file.write_text(
        file.read_text().replace("    server backend ", "    server third 127.0.0.9:1 weight 0\n    server backend ", 1)
    )
    haproxy.start()
    said = parallel.refused("cutover", "--apply", plan)
    assert f"HO571  plan {plan[:12]} was reviewed, but the balancers hold other systems by now" in said
    assert haproxy.weights()["original"] == 100


def test_cutover__steps_changed_since_the_plan__applies_nothing(parallel, haproxy):
    plan = planned(parallel)
    parallel.file.write_text(parallel.file.read_text().replace("steps = [10, 100]", "steps = [100]"))
    assert "declares now: steps is (10, 100), and now (100,)" in parallel.refused("cutover", "--apply", plan)
    assert haproxy.weights() == {"original": 100, "backend": 0}


def test_cutover__balancer_does_not_answer__is_said_and_nothing_is_switched(parallel, haproxy):
    plan = planned(parallel)
    haproxy.stop()
    assert "it does not answer: HO621  haproxy at" in parallel.refused("cutover", "--apply", plan)
    assert "People reach: unknown: a balancer does not say; so the journal cannot be compared with it" in shown(
        parallel
    )


def test_status__reload_without_the_state_file__says_that_the_balancer_is_not_as_the_journal_says(parallel, haproxy):
    watched(parallel)
    run(parallel, "cutover")
    haproxy.stop()
    haproxy.start()
    assert haproxy.weights() == {"original": 0, "backend": 100}  # the state file has kept them
    haproxy.stop()
    (haproxy.folder / "pair.state").unlink()
    haproxy.start()
    ended = parallel.handover("status")
    assert ended.returncode == 4
    assert "People reach: original; NOT as the journal says." in ended.stdout


def test_begin__answers_do_not_tell_the_side__is_refused(story, haproxy):
    story.with_journal()
    story.file.write_text(story.file.read_text().replace('header = "X-Served-By"', 'header = "X-Other"'))
    said = str(failure(story, "begin"))
    assert "does not tell which system answered: its header X-Other is ''; see [switch.told_by]" in said
    assert story.state() == "preparing"


def test_begin__people_reach_the_backend_already__is_refused(story, haproxy):
    story.with_journal()
    haproxy.ask("set server pair/backend weight 100; set server pair/original weight 0")
    said = str(failure(story, "begin"))
    assert "HO620  pair of haproxy at" in said
    assert "weights original 0, backend 100; 0 % to the backend is expected before the switch" in said


def test_doctor__balancer_answers_and_tells_the_systems_apart__is_said_and_its_fault_as_well(story, haproxy):
    good = story.handover("doctor").stdout
    assert f"http://127.0.0.1:{haproxy.port} tells which system answers" in good
    haproxy.stop()
    bad = story.handover("doctor").stdout
    assert "pair of haproxy at" in bad
    assert "does not say what it holds" in bad
    assert "Is its `stats socket` there, with `level admin`?" in bad


def test_rollback__other_way_declared_by_now__is_refused(parallel, haproxy):
    watched(parallel)
    run(parallel, "cutover")
    parallel.file.write_text(parallel.file.read_text().partition("[switch]")[0])
    said = str(failure(parallel, "rollback"))
    assert "HO625  people were moved by haproxy; handover.toml says [switch] way = 'dns' by now." in said
    assert haproxy.weights() == {"original": 0, "backend": 100}


def test_rehearse_rollback__second_section__moves_no_people(parallel, haproxy):
    shown = parallel.done("rehearse-rollback", "--apply").stdout
    assert "all are seen to be back" in shown
    assert haproxy.weights("pair_rehearsal") == haproxy.weights() == {"original": 100, "backend": 0}


def test_rollback__database_is_down__goes_back_with_the_copy_alone(parallel, haproxy):
    watched(parallel)
    run(parallel, "cutover")
    with database_down(parallel):
        parallel.done("rollback", "--apply", "--copy-alone", "--because", "no database")
        assert haproxy.weights() == {"original": 100, "backend": 0}
    assert parallel.state() == "rolled_back"


@pytest.mark.parametrize(
    ("action", "phase", "weights"),
    [
        ("send 10 %", "done", 10),
        pytest.param("see that 10 %", "begun", 10, marks=pytest.mark.full),
        pytest.param("send 100 %", "done", 100, marks=pytest.mark.full),
    ],
)
@pytest.mark.full
def test_kill__process_waits_at_a_step__is_explained_and_goes_on(parallel, haproxy, action, phase, weights):
    watched(parallel)
    whole = next(one for one in actions_of(parallel) if one.startswith(action))
    kill_at(parallel, ("cutover", "--apply", planned(parallel)), "action", whole, phase)
    assert haproxy.weights()["backend"] == weights
    found = parallel.status()
    assert (found.position.state, found.agrees) == ("switching", True)
    go_on(parallel)
    assert haproxy.weights() == {"original": 0, "backend": 100}


@pytest.mark.full
def test_kill__process_waits_on_the_way_back__goes_on(parallel, haproxy):
    watched(parallel)
    run(parallel, "cutover")
    kill_at(parallel, ("rollback", "--apply", "--because", "errors"), "action", "send people back", "done")
    assert haproxy.weights() == {"original": 100, "backend": 0}
    go_on(parallel)
    assert parallel.state() == "rolled_back"


def actions_of(story):
    return [action.name for action in commands(story.config)["cutover"].actions]


def test_cutover__original_holds_a_long_connection__is_followed_to_the_limit_and_told(parallel, haproxy):
    watched(parallel)
    with long_request(parallel, haproxy):
        ended = parallel.done("cutover", "--apply", planned(parallel))
        assert parallel.systems["original"].held == 1
    assert "1 connection of the original is still open after 0 s; it is left" in ended.stderr
    assert drained(parallel)["left"] == 1


@pytest.mark.full
def test_cutover__limit_of_draining_closes__ends_the_long_connection(parallel, haproxy):
    parallel.file.write_text(
        parallel.file.read_text().replace("samples = 40", 'samples = 40\nat_drain_limit = "close"')
    )
    watched(parallel)
    with long_request(parallel, haproxy) as client:
        run(parallel, "cutover")
        client.settimeout(WITHIN_S)
        assert b"200 OK" not in client.recv(1000)  # it was cut, before the answer
    assert drained(parallel)["note"] == "they were ended"


@pytest.mark.full
def test_cutover__long_connection_ends_by_itself__is_followed_to_its_end(parallel, haproxy):
    parallel.file.write_text(parallel.file.read_text().replace("drain_s = 0.2", "drain_s = 60"))
    watched(parallel)
    with (
        long_request(parallel, haproxy) as client,
        parallel.pair.process("cutover", "--apply", planned(parallel)) as running,
    ):
        until(lambda: "drain the original" in begun(parallel), "it never came to drain the original")
        parallel.systems["original"].release.set()
        assert b"200 OK" in client.recv(1000)
        running.wait(timeout=WITHIN_S)
    assert drained(parallel)["left"] == 0


@contextmanager
def long_request(story, haproxy):
    """A request that the original answers only when the test lets it."""
    original = story.systems["original"]
    original.release.clear()
    with socket.create_connection(("127.0.0.1", haproxy.port)) as client:
        client.sendall(b"GET /slow HTTP/1.1\r\nHost: www\r\n\r\n")
        until(lambda: original.held, "the original has no long request")
        try:
            yield client
        finally:
            original.release.set()
    until(lambda: not original.held, "the original holds the long request")


def actions(story, phase):
    with opened(story.config) as journal:
        return [e.body for e in journal.entries() if e.kind == "action" and e.body["phase"] == phase]


def begun(story):
    return [body["action"] for body in actions(story, "begun")]


def drained(story):
    return [body["evidence"] for body in actions(story, "done") if body["action"] == "drain the original"][-1]
