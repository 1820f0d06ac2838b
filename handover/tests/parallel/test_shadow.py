"""``handover shadow`` between two real servers."""

# ruff: noqa: E501 - a case is read best on one line

import itertools
import json

import pytest

from handover.http_client import host_of, own_mark
from handover.journal.evidence import latest
from handover.journal.own_requests import own_key
from handover.parallel.reads import Read, choose
from handover.parallel.shadow import ShadowClient
from handover_testing.sections import section

JSON = {"Content-Type": "application/json"}
HTML = {"Content-Type": "text/html; charset=utf-8"}


@pytest.fixture
def shadowed(watched):
    def run(*arguments, **values):
        watched.declare(section("shadow", **values))
        done = watched.pair.handover("shadow", "--json", *arguments)
        return done, json.loads(done.stdout)

    return run


def both(watched, path, one, other=None):
    """Let the two systems answer a path: with the same answer, unless another one is given."""
    watched.sites["original"].pages[path] = one
    watched.sites["backend"].pages[path] = one if other is None else other


def of(body, **more):
    return 200, JSON | more, json.dumps(body).encode()


def test_shadow__all_the_same__is_green_and_is_evidence(watched, shadowed):
    both(watched, "/api/a", of({"a": [1, {"b": None}], "c": []}))
    both(watched, "/page", (200, HTML, b"<p>one</p><p>two</p>"))
    both(watched, "/bytes", (200, {"Content-Type": "video/mp4"}, b"\0\1\2"))
    done, result = shadowed(paths=["/api/a", "/page", "/bytes", "/missing?q=Ana"])
    assert (done.returncode, result["compared"], result["different"], result["noise"]) == (0, 4, 0, 0)
    evidence = latest(watched.config, "shadow")
    assert evidence.summary["compared"] == 4
    lines = list(evidence.lines("requests"))
    assert [line["statuses"] for line in lines] == [[200, 200], [200, 200], [200, 200], [404, 404]]
    assert "Ana" not in json.dumps(lines)  # values of a query may be personal data


@pytest.mark.parametrize(
    ("one", "other", "code", "found"),
    [
        (of({}), (404, JSON, b"{}"), "HO611", "answers 200 on the original and 404 on the backend"),
        (of({}), (200, HTML, b"{}"), "HO612", "differs in header content-type"),
        (of({}), of({}, **{"Cache-Control": "no-store"}), "HO612", "differs in header cache-control"),
        (of({"a": {"b": 1}}), of({"a": {"b": 2}}), "HO613", "differs in json a.b"),
        (of({"a": 1}), of({"a": "1"}), "HO613", "differs in json a"),
        (of({"a": [1]}), of({"a": [1, 2]}), "HO613", "differs in json a, json a.1"),
        (of({"a": None}), of({}), "HO613", "differs in json , json a"),
        (of({"a": [1, 2]}), of({"a": [2, 1]}), "HO613", "differs in json a.0, json a.1"),
        ((200, HTML, b"<p>1</p><p>2</p>"), (200, HTML, b"<p>1</p><p>3</p>"), "HO613", "differs in text piece 4 of 4"),
        ((200, {}, b"a\nb"), (200, {}, b"a"), "HO613", "differs in text piece 2 of 2"),
        ((200, {"Content-Type": "video/mp4"}, b"1"), (200, {"Content-Type": "video/mp4"}, b"2"), "HO613", "differs in body"),
    ],
)  # fmt: skip
def test_shadow__answers_differ__names_the_place(watched, shadowed, one, other, code, found):
    both(watched, "/a", one, other)
    done, result = shadowed(paths=["/a"])
    assert done.returncode == 4
    assert (result["compared"], result["different"]) == (1, 1)
    assert [(f["code"], f["place"]) for f in result["findings"]] == [(code, "GET /a")]
    assert result["findings"][0]["is"].startswith(found)


@pytest.mark.parametrize(
    ("one", "other", "declared"),
    [
        (of({"at": 1, "b": [{"at": 2}]}), of({"at": 5, "b": [{"at": 7}]}), {"ignore_json": ["at", "b.*.at"]}),
        (of({"a": [1, 2]}), of({"a": [2, 1]}), {"unordered": ["a"]}),
        ((200, HTML, b'<i v="t1">x</i>'), (200, HTML, b'<i v="t2">x</i>'), {"ignore_text": ['v="[^"]*"']}),
        (of({}), of({}, **{"Cache-Control": "no-store"}), {"headers": ["content-type"]}),
    ],
)
def test_shadow__difference_is_declared__is_left_out(watched, shadowed, one, other, declared):
    both(watched, "/a", one, other)
    done, result = shadowed(paths=["/a"], **declared)
    assert (done.returncode, result["compared"]) == (0, 1)


def counting(make):
    numbers = itertools.count()
    return lambda: make(next(numbers))


def test_shadow__a_system_differs_from_itself__is_noise_and_not_counted(watched, shadowed):
    both(watched, "/a", counting(lambda n: of({"now": n, "same": 1})))
    page = counting(lambda n: (200, HTML, f"<form><input value=t{n}></form><p>same</p>".encode()))
    both(watched, "/b", page)
    done, result = shadowed(paths=["/a", "/b"])
    assert (done.returncode, result["compared"], result["different"], result["noise"]) == (0, 2, 0, 2)
    assert result["noise_places"]["json now"] == 1


def test_shadow__difference_beside_noise__is_still_seen(watched, shadowed):
    one = counting(lambda n: (200, HTML, f"<input value=t{n}><p>yes</p><b>".encode()))
    other = counting(lambda n: (200, HTML, f"<input value=u{n}><p>no</p><b>".encode()))
    both(watched, "/b", one, other)
    done, result = shadowed(paths=["/b"])
    assert (done.returncode, result["findings"][0]["code"], result["noise"]) == (4, "HO613", 1)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (counting(lambda n: (200, HTML, str(n).encode())), "HO617"),
        (counting(lambda n: (200 + n % 3, JSON, b"{}")), "HO617"),
        ((500, JSON, b"{}"), "HO615"),
        ((401, JSON, b"{}"), "HO616"),
        ((302, {"Location": "/auth/login/?next=/a"}, b""), "HO616"),
    ],
)
def test_shadow__no_content_was_compared__is_never_green(watched, shadowed, answer, code):
    both(watched, "/a", answer)
    done, result = shadowed(paths=["/a"])
    assert (done.returncode, result["compared"]) == (1, 0)
    assert [f["code"] for f in result["findings"]] == [code, "HO618"]


def test_shadow__no_request_at_all__is_never_green(watched, shadowed):
    done, result = shadowed(flows=False)
    assert done.returncode == 1
    assert [(f["code"], f["is"]) for f in result["findings"]] == [("HO618", "0 requests were compared")]


def test_shadow__system_is_dead__is_not_compared(watched, shadowed):
    both(watched, "/a", of({}))
    watched.sites["backend"].server.shutdown()
    watched.sites["backend"].server.server_close()
    done, result = shadowed(paths=["/a"])
    assert done.returncode == 1
    assert result["findings"][0]["code"] == "HO614"
    assert "gets no answer from the backend" in result["findings"][0]["is"]


LINE = '::1 - - [24/Nov/2026:13:00:00 +0000] "{} /a?page={} HTTP/1.1" 200 0\n'


def test_shadow__access_log__only_reads_are_sent(watched, shadowed):
    both(watched, "/a?page=1", of({}))
    writes = [LINE.format(method, 1) for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "get")]
    reads = [LINE.format("GET", 1)] * 3 + [LINE.format("HEAD", 1), LINE.format("GET", 2)]
    (watched.pair.folder / "access.log").write_text("".join(writes + reads))
    done, result = shadowed(log={"path": "access.log"}, exclude=["page=2"])
    assert done.returncode == 0
    counts = {name: result[name] for name in ("sent", "seen", "writes_refused", "excluded")}
    assert counts == {"sent": 2, "seen": 4, "writes_refused": 6, "excluded": 1}
    for site in watched.sites.values():
        assert {method for method, _, _ in site.asked} == {"GET", "HEAD"}


def test_compare__request_that_writes__is_refused(watched):
    with ShadowClient(watched.config) as client, pytest.raises(ValueError, match="POST may change something"):
        client.compare(Read("POST", "/a"))
    assert watched.sites["original"].asked == []


def test_shadow__own_requests_in_the_log__are_not_sent_again(watched, shadowed):
    for site in watched.sites.values():
        site.pages |= {path: (200, {}, b"same") for path in ("/a", "/of-the-watch")}
    mark = own_mark(own_key(watched.config), host_of(watched.sites["original"].url))
    line = '::1 - - [24/Nov/2026:13:00:00 +0000] "GET {} HTTP/1.1" 200 2 "-" "{}"\n'
    (watched.pair.folder / "access.log").write_text(line.format("/a", "Fox") + line.format("/of-the-watch", mark))
    _, result = shadowed(log={"path": "access.log"})
    assert (result["seen"], result["sent"]) == (1, 1)


def test_shadow__log_in_another_format__is_never_green(watched, shadowed):
    both(watched, "/a", of({}))
    (watched.pair.folder / "access.log").write_text("what is this\n")
    done, result = shadowed(paths=["/a"], log={"path": "access.log"})
    assert done.returncode == 1
    assert [f["code"] for f in result["findings"]] == ["HO619"]


def test_shadow__log_is_missing__says_what_to_correct(watched):
    done = watched.pair.handover("shadow", "--log", "nowhere.log")
    assert done.returncode == 1
    assert "HO610  the access log" in done.stderr
    assert "No such file or directory. Correct [shadow] log, or name it: --log FILE" in done.stderr


def test_choose__flows__give_the_reads_that_stand_alone(watched):
    steps = "".join(
        f'[[flows.steps]]\npath = "{path}"\nmethod = "{method}"\n'
        for method, path in (("GET", "/a"), ("GET", "/task/{run}"), ("POST", "/b"))
    )
    watched.declare(f'[[flows]]\nname = "look"\n{steps}')
    chosen = choose(watched.config)
    assert list(chosen.reads) == [Read("GET", "/a")]
    assert chosen.refused == 1


def test_shadow__session__is_sent_and_written_nowhere(watched, shadowed):
    both(watched, "/a", of({}, **{"Set-Cookie": "other=1"}))
    watched.pair.patch.setenv("READER", "sessionid=very-secret")
    done, _ = shadowed(paths=["/a"], cookie_env="READER")
    asked = watched.sites["backend"].asked
    assert {headers["Cookie"] for _, path, headers in asked if path == "/a"} == {"sessionid=very-secret"}
    kept = [p.read_text() for p in (watched.pair.folder / ".handover").rglob("*") if p.is_file()]
    assert "very-secret" not in done.stdout + done.stderr + "".join(kept)


def test_shadow__session_variable_is_not_set__names_it(watched):
    watched.declare(section("shadow", paths=["/a"], token_env="NO_SUCH_TOKEN"))
    done = watched.pair.handover("shadow")
    assert done.returncode == 2
    assert "the environment variable NO_SUCH_TOKEN is not set; it holds the bearer token" in done.stderr


def test_shadow__difference_that_the_contract_accepts__is_not_open(watched, shadowed):
    both(watched, "/a", of({}), (404, JSON, b"{}"))
    found = "answers 200 on the original and 404 on the backend"
    entry = {"code": "HO611", "place": "GET /a", "because": "it is gone on purpose", "found": found}
    (watched.pair.folder / "handover").mkdir()
    (watched.pair.folder / "handover" / "contract.json").write_text(json.dumps({"accepted": [entry]}))
    done, result = shadowed(paths=["/a"])
    assert (done.returncode, result["accepted"]) == (0, 1)


def test_shadow__for_people__says_what_differs_and_counts(watched):
    both(watched, "/a", of({"a": 1}), of({"a": 2}))
    watched.declare(section("shadow", paths=["/a"]))
    done = watched.pair.handover("shadow")
    assert "❌ HO613 GET /a differs in json a; the same was expected." in done.stdout
    assert "❌ 1 of 1 requests compared, 1 differ; 0 with noise, 0 that write were refused, 0 excluded" in done.stdout
