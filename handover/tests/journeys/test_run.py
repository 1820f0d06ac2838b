"""A journey runs as it is declared; a failure names its line, step and system."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from handover.config.config import load_config
from handover.config.journey import Journey
from handover.errors import ConfigurationError
from handover.journeys.run import run_journey
from handover_testing.faults.town import IMPATIENT_WALK, WALK, Town
from handover_testing.faults.town import town as answering

HEAD = '[backend]\npath = "b"\npython = ["p"]\nsettings = "s"\n[[models]]\noriginal="o"\nbackend="b"\ntable="t"\n'


@pytest.fixture
def town() -> Iterator[Town]:
    with answering() as both:
        yield both


@pytest.fixture
def walk(tmp_path: Path) -> Journey:
    return flow(tmp_path, WALK)


def flow(folder: Path, text: str) -> Journey:
    folder.joinpath("handover.toml").write_text(HEAD + text)
    return load_config(folder / "handover.toml").flows[0]


@pytest.mark.parametrize("on", ["original", "backend"])
def test_run__both_systems_right__makes_every_step_once_and_repeats_only_while_it_waits(town, walk, on):
    said: list[str] = []
    result = run_journey(walk, town.urls, on=on, say=said.append)
    assert result.failures == ()
    other = "backend" if on == "original" else "original"
    assert [(s.title, s.on, s.status, s.tries) for s in result.steps] == [
        ("open the form", on, 200, 1),
        ("log in", on, 302, 1),
        ("write", on, 201, 1),
        ("wait there", other, 200, 3),
        ("play", on, 200, 1),
        ("seek there", other, 206, 1),
        ("delete", on, 204, 1),
        ("miss it there", other, 404, 1),
    ]
    assert all(step.latency_ms > 0 for step in result.steps)
    assert len(said) == len(result.steps)
    assert walk.sides == ("original", "backend")


def test_run__requests__carry_token_cookies_and_what_was_filled_in(town, walk):
    run_journey(walk, town.urls)
    by_path = {(method, path): (headers, body) for _, method, path, headers, body in town.seen}
    headers, body = by_path["POST", "/login"]
    assert headers["X-CSRFToken"] == "t0ken"
    assert headers["Referer"] == f"{town.urls['original']}/"
    assert b"odd=a%26b" in body
    headers, body = by_path["POST", "/notes"]
    assert b'"by":"walker-' in body.replace(b" ", b"")
    assert b'"at":7' in body.replace(b" ", b"")
    headers, _ = by_path["GET", "/notes/n%201"]
    assert set(headers["Cookie"].split("; ")) == {"csrftoken=t0ken", "sessionid=s1"}


WRONG = {
    ("original", "status"): "line 21: log in, on the original, answered 500; 302 was expected",
    ("original", "field"): "line 28: write, on the original, has nothing at done; it must be there",
    ("backend", "never"): "line 37: wait there, on the backend, did not come to an end: after 0.4 s state is 'busy'; "
    "state of ['done'] was expected",
    ("backend", "cookie"): "line 37: wait there, on the backend, answered 401; 200 was expected",
    ("original", "type"): "line 46: play, on the original, has Content-Type text/html; video/mp4 was expected",
    ("backend", "range"): "line 52: seek there, on the backend, answered 200; 206 was expected",
    ("backend", "bytes"): "line 52: seek there, on the backend, sent 10 bytes that are not those of 'pictures', "
    "which has 10 here",
}


@pytest.mark.parametrize(
    ("fault", "words"), WRONG.items(), ids=lambda value: "-".join(value) if isinstance(value, tuple) else ""
)
def test_run__system_misbehaves__failure_names_line_step_and_system(town, walk, tmp_path, fault, words):
    side, what = fault
    if what == "never":
        walk = flow(tmp_path, IMPATIENT_WALK)
    town.wrong[side].add(what)
    result = run_journey(walk, town.urls)
    assert result.failures == (words,)
    # What the flow made is removed; no other step is made after a failure.
    failed = [s.title for s in result.steps].index(next(s.title for s in result.steps if s.failure))
    assert [s.title for s in result.steps[failed + 1 :]] in ([], ["delete"])
    assert "n 1" not in town.notes or what == "field"


def test_run__system_gives_a_whole_address__asks_for_it_on_the_system_of_each_step(town, walk):
    town.wrong["original"].add("whole address")
    assert run_journey(walk, town.urls).failures == ()
    assert [(side, path) for side, method, path, *_ in town.seen if method == "DELETE"] == [
        ("original", "/notes/n%201")
    ]


def test_run__system_gives_an_address_of_another__is_a_failure_of_the_step_that_asks_for_it(town, walk):
    town.wrong["original"].add("strange address")
    assert run_journey(walk, town.urls).failures == (
        "line 60: delete, on the original, cannot be asked: with its names filled in, {address} is no path of the "
        "systems; it has to begin with / or with the address of one of them",
    )


def test_run__system_does_not_answer__is_a_failure_of_its_step(town, walk):
    result = run_journey(walk, town.urls | {"backend": "http://127.0.0.1:1"})
    assert result.failures == ("line 37: wait there, on the backend, did not answer: ConnectError",)
    assert next(s.status for s in result.steps if s.failure) is None


def test_run__no_address_of_a_system__is_refused(walk):
    with pytest.raises(ConfigurationError, match=r"asks the backend, whose address is not known. Add base_url"):
        run_journey(walk, {"original": "http://127.0.0.1:1"})


def test_run__client_of_many_runs__keeps_its_cookies_to_itself(town, walk):
    with httpx.Client(cookies={"sessionid": "another"}) as client:
        assert run_journey(walk, town.urls, client=client).failures == ()
        assert run_journey(walk, town.urls, client=client).failures == ()
    assert not [headers for *_, headers, _ in town.seen if "another" in headers.get("Cookie", "")]


def test_run__cookies_are_not_shared__leave_the_other_system_anonymous(town, tmp_path):
    apart = flow(tmp_path, WALK.replace('cookies = ["sessionid", "csrftoken"]\n', ""))
    # The jar of the other system stays empty, though both listen on one host name.
    assert "answered 401" in run_journey(apart, town.urls).failures[0]


def test_run__cookie_that_one_system_deletes__is_gone_on_the_other(town, tmp_path):
    text = (
        WALK.partition('[[flows.steps]]\nname = "write"')[0]
        + """
[[flows.steps]]
method = "POST"
path = "/logout"
status = 204
[[flows.steps]]
on = "other"
path = "/pictures"
status = 401
"""
    )
    result = run_journey(flow(tmp_path, text), town.urls)
    assert result.failures == ()
    assert "sessionid" not in town.seen[-1][3].get("Cookie", "")


def test_run__secret_of_the_environment__is_in_no_failure(town, tmp_path, monkeypatch):
    monkeypatch.setenv("WALKERS_PASSWORD", "hunter22")
    text = """
[[flows]]
name = "secret"
variables = { word = "${WALKERS_PASSWORD}" }
[[flows.steps]]
method = "POST"
path = "/login"
form = { password = "{word}" }
status = 302
expect = { nothing = "{word}" }
"""
    assert run_journey(flow(tmp_path, text), town.urls).failures == (
        "line 13: POST /login, on the original, has nothing at nothing (the body is no JSON); it must be there",
    )
    text = text.replace("expect = { nothing", 'expect = { "header:Location"')
    (failure,) = run_journey(flow(tmp_path, text), town.urls).failures
    assert failure.endswith("has '/' at header:Location; '{word}' was expected")
    monkeypatch.delenv("WALKERS_PASSWORD")
    with pytest.raises(ConfigurationError, match="WALKERS_PASSWORD is not set"):
        run_journey(flow(tmp_path, text), town.urls)
