"""Requests are counted in the way that the team declared; what was not seen is not quiet."""

from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from handover.cutover import traffic
from handover.cutover.health import alive
from handover.cutover.traffic import UnseenTrafficError, follow, requests_seen
from handover.errors import Refused
from handover.http_client import host_of, own_mark
from handover.journal.own_requests import own_key
from handover.parallel.rule import MetricVerdict
from handover.side import Side
from handover_testing.growing_log import PERSON, GrowingLog, own_line
from handover_testing.night import hook, keep


def declared(story, way: str):
    """Return the pair with a way to count the original's requests."""
    before = f'original = "{story.systems["original"].url}/requests"'
    text = story.file.read_text()
    assert before in text
    story.pair.patch.setenv("HANDOVER_DATABASE_URL", story.pair.database.url("owner"))
    story.file.write_text(text.replace(before, f'original = "{way}"' if way else ""))
    return story.config


def test_requests_seen__access_log__counts_its_lines(story):
    config = declared(story, "log:access.log")
    (story.pair.folder / "access.log").write_text("a\nb\n")
    assert requests_seen(config, Side.ORIGINAL) == 2


def test_requests_seen__hook__reads_the_number_it_prints(story):
    hook(story, "traffic", "#!/bin/sh\ncat > /dev/null\necho counting\necho 41\n")
    assert requests_seen(declared(story, "hook"), Side.ORIGINAL) == 41


@pytest.mark.parametrize(
    ("way", "said"),
    [
        ("log:gone.log", "No such file or directory"),
        ("sql:SELECT NULL", "has no number"),
        ("hook", "\\[hooks.at\\] has no traffic"),
        ("http://127.0.0.1:1/requests", "Connection refused"),
        ("by-eye", "is no way to count"),
    ],
)
def test_requests_seen__cannot_be_counted__is_not_quiet(story, way, said):
    with pytest.raises(UnseenTrafficError, match=f"{said}.*What was not seen is not quiet"):
        requests_seen(declared(story, way), Side.ORIGINAL)


def test_requests_seen__no_way_is_declared__nothing_is_switched(story):
    config = declared(story, "")
    with pytest.raises(
        Refused, match=r"HO585  handover\.toml does not say how to see whether the original still gets requests"
    ):
        requests_seen(config, Side.ORIGINAL)
    story.in_parallel()
    assert "HO585" in story.refused("cutover", "--apply", story.plan())


def test_follow__no_more_requests__is_quiet(story):
    assert follow(story.config, Side.ORIGINAL, say=print)["quiet"] is True


# --- the toolkit's own requests


def test_follow__only_the_watch_asks__is_quiet(story):
    config = declared(story, "log:access.log")
    with GrowingLog(story.pair.folder / "access.log", lambda: own_line(config, Side.ORIGINAL)):
        assert follow(config, Side.ORIGINAL, say=print)["quiet"] is True
    with (story.pair.folder / "access.log").open("a") as file:
        file.write(PERSON)
    assert requests_seen(config, Side.ORIGINAL) == 1


CHECKS = ("GET /health", "HEAD /health", "OPTIONS /health", "GET /health?from=lb")
PEOPLES = ("POST /health", "GET /healthy", "GET /", "GET /?next=/health")


def asked(*requests: str) -> str:
    """Return the lines of a log, in both formats that a server writes."""
    common = "".join(PERSON.replace("GET /", one, 1) for one in requests)
    parts = [one.split(" ") for one in requests]
    return common + "".join(f'{{"method": "{m}", "path": "{p}", "status": 200}}\n' for m, p in parts)


def test_count__a_load_balancer_looks_at_the_health__counts_people_alone(story):
    config = declared(story, "log:access.log")
    with counted(story, config, asked(*CHECKS, *PEOPLES) + "GET /health\n") as counter:
        assert counter.count() == 2 * len(PEOPLES) + 1  # a line in no known format may be anyone's


def test_count__health_is_a_page_of_people__counts_them(story):
    text = story.file.read_text()
    story.file.write_text(text.replace("[original]", '[original]\nhealth = "/"', 1))
    with counted(story, declared(story, "log:access.log"), asked("GET /", "HEAD /")) as counter:
        assert counter.count() == 4


@contextmanager
def counted(story, config, text):
    """Give what counts the original's requests; ``text`` was added to its log since."""
    path = story.pair.folder / "access.log"
    path.touch()
    with traffic.counting(config, Side.ORIGINAL) as counter:
        assert counter.count() == 0
        with path.open("a") as file:
            file.write(text)
        yield counter


@pytest.mark.parametrize("line", ["person", "forged", "of the other system"])
def test_count__a_client_asks_as_well__counts_that_request_alone(story, line):
    config = declared(story, "log:access.log")
    forged = PERSON.replace("Fox", own_mark(b"guessed", host_of(config.original.base_url)))
    other = PERSON.replace("Fox", own_mark(own_key(config), host_of(config.backend.base_url)))
    lines = {"person": PERSON, "forged": forged, "of the other system": other}
    with counted(story, config, own_line(config, Side.ORIGINAL) + lines[line]) as counter:
        assert counter.count() == 1
        assert ("init-journal --journal-key FILE" in counter.note()) is (line != "person")


def test_follow__emptied_without_a_copy__is_not_quiet_at_once(story, monkeypatch):
    config = declared(story, "log:access.log")
    path = story.pair.folder / "access.log"
    path.write_text(PERSON)
    with traffic.counting(config, Side.ORIGINAL) as counter:
        assert counter.count() == 0
        path.write_text("")
        assert counter.count() == 1


def test_note__counter_does_not_show_who_asks_and_a_watch_runs__says_what_to_do(story):
    story.in_parallel()
    keep(story, MetricVerdict("backend", "error_rate", 0.0, "green", ""), end=datetime.now(UTC))
    stop = "Or stop the watch, and clean up within 5 minutes."
    with counted(story, declared(story, "log:access.log"), PERSON.replace(' "-" "Fox"', "")) as counter:
        assert counter.count() == 1
        note = counter.note()
    assert "no line has its mark: the log's format shows neither User-Agent nor X-Handover" in note
    assert note.endswith(stop)
    text = story.file.read_text()
    story.file.write_text(text.replace('"log:access.log"', '"sql:SELECT extract(epoch FROM clock_timestamp()) * 1000"'))
    seen = follow(story.config, Side.ORIGINAL, say=print)
    assert "this counter may count its requests: they have the header X-Handover" in seen["note"]
    assert seen["note"].endswith(stop)


def test_alive__request_of_a_command__carries_the_mark(story):
    asked = story.systems["original"].agents
    asked.clear()
    alive(story.config, Side.ORIGINAL)
    (agent,) = asked
    config = declared(story, "log:access.log")
    (story.pair.folder / "access.log").write_text(PERSON.replace("Fox", agent))
    assert requests_seen(config, Side.ORIGINAL) == 0
