"""Each gate is red for its own reason, and nothing is switched while one is."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from handover.config.cutover import GateKind
from handover.cutover.evidence_gates import note_newest
from handover.cutover.gate_context import GateContext
from handover.cutover.gates import RULES
from handover.cutover.sign import signing_roles
from handover.cutover.ttl import ttl_gate
from handover.cutover.zone import SERVERS
from handover.journal.evidence import recording
from handover.journal.journal import opened
from handover.parallel.history import WatchHistory, Window
from handover.parallel.rule import MetricVerdict
from handover_testing.night import BACKEND, OLD_TTL_S, ORIGINAL, keep, red
from sandbox.postgres.cluster import SUPERUSER

GATES = {
    "check": "",
    "watch": "hours = 1",
    "backup": "max_age_h = 7",
    "rehearsal": "max_age_h = 8",
    "ttl": "",
    "capacity": "max_age_h = 9",
    "sign-offs": 'roles = ["DevOps", "Tech Lead"]\none_may_sign_all = true',
}
DECLARED = "".join(
    f'\n[[gates]]\nid = "{kind}"\nkind = "{kind}"\nreason = "of the strategy"\n{more}\n' for kind, more in GATES.items()
)
# Two requests, a second apart: a busy machine carries them, too.
LOAD = '\n[load]\npeak_per_s = 0.5\nmeasured = "by the test"\nseconds = 2\npaths = ["/page"]\n'


def keep_all(story, minutes_ago) -> None:
    """Let the watch's own history keep green windows of a minute that ended so long ago."""
    now = datetime.now(UTC)
    history = WatchHistory(story.config, f"test {now}")
    for minutes in minutes_ago:
        end = now - timedelta(minutes=minutes)
        history.add([], Window(end - timedelta(minutes=1), end, tuple(green())))
    history.close()


def green(*systems: str, metric: str = "error_rate") -> list[MetricVerdict]:
    return [MetricVerdict(system, metric, 0.0, "green", "") for system in systems or ("original", "backend")]


@pytest.fixture
def open_gates(story, monkeypatch):
    """Every gate is green by what the commands themselves left."""
    story.declare(DECLARED + LOAD)
    server = story.pair.database.server
    monkeypatch.setenv("HANDOVER_RESTORE_URL", server.url(SUPERUSER, "postgres"))
    story.begins()  # not a copy of what an earlier test began: its old TTL may have run out meanwhile
    keep_all(story, range(130, -20, -1))
    story.done("backup", "--apply")
    story.done("rehearse-rollback", "--apply")
    story.done("load", "--apply")
    story.plan()
    for role in ("DevOps", "Tech Lead"):
        story.done("sign", "--as", role, "--because", "I looked at all of it")
    return story


def lowered(story) -> datetime:
    """Return when the lower TTL was seen."""
    with opened(story.config) as journal:
        bodies = {"action": SERVERS, "phase": "done"}.items()
        return next(entry.at for entry in journal.entries() if bodies <= entry.body.items())


@contextmanager
def text(story, old: str, new: str) -> Iterator[None]:
    before = story.file.read_text()
    assert old in before
    story.file.write_text(before.replace(old, new))
    yield
    story.file.write_text(before)


@contextmanager
def drifted(story) -> Iterator[None]:
    story.pair.change("backend/apps/dance/models.py", "default='started'", "default='running'")
    yield
    story.pair.change("backend/apps/dance/models.py", "default='running'", "default='started'")


@contextmanager
def raised_ttl(story) -> Iterator[None]:
    story.set_record("www", OLD_TTL_S, ORIGINAL)
    yield
    story.set_record("www", 30, ORIGINAL)


@contextmanager
def another_plan(story) -> Iterator[None]:
    story.set_record("other5", 300, "127.0.0.8")
    story.plan()
    yield
    story.set_record("other5", 300, "127.0.0.9")
    story.plan()


@contextmanager
def red_window(story) -> Iterator[None]:
    keep(story, MetricVerdict("backend", "latency_p95_ms", 9000.0, "red", "slow"), end=datetime.now(UTC))
    yield


FAULTS = {
    "check": (drifted, "the check finds 1 difference: HO"),
    "backup": (lambda s: text(s, "max_age_h = 7", "max_age_h = 0.000001"), "the last backup is 0.1 h old"),
    "rehearsal": (lambda s: text(s, "max_age_h = 8", "max_age_h = 0.000001"), "the last rehearsal is 0.1 h old"),
    "capacity": (lambda s: text(s, "max_age_h = 9", "max_age_h = 9\nfactor = 50"), "50 x the peak of 0.5/s expected"),
    "certificate": (lambda s: text(s, "insecure_http = true", ""), "is plain HTTP"),
    "ttl": (raised_ttl, f"A {ORIGINAL} (TTL {OLD_TTL_S} s); a TTL of at most 30 s is expected"),
    "sign-offs": (another_plan, "but since then the plan changed"),
    "watch": (red_window, "latency_p95_ms of the backend is red"),
}

# Each fault judges every gate; the others have a test of their own as well.
BRIEFLY = ("check", "ttl", "sign-offs", "watch")


def test_gates__one_fault__only_that_gate_is_red_and_for_that_reason(open_gates):
    assert red(open_gates) == {}
    assert red(open_gates, when=lowered(open_gates) + timedelta(seconds=OLD_TTL_S - 1)) == {
        "ttl": f"resolvers may hold the old TTL of {OLD_TTL_S} s for 1 s more"
    }
    assert red(open_gates, when=lowered(open_gates) + timedelta(seconds=OLD_TTL_S)) == {}
    with raised_ttl(open_gates):
        ended = open_gates.handover("gates")
    assert ended.returncode == 4
    assert f"ttl: 127.0.0.1:{open_gates.name_server.port}" in ended.stdout
    for gate, (fault, reason) in FAULTS.items():
        if gate not in BRIEFLY and os.environ.get("COMPAS_FULL") != "1":
            continue
        with fault(open_gates):
            found = red(open_gates)
        assert list(found) == [gate], found
        assert reason in found[gate]
    assert set(FAULTS) == {gate.id for gate in open_gates.config.gates}
    (folder,) = (open_gates.pair.folder / ".handover/evidence").glob("backup-*")
    with (folder / "tables.jsonl").open("a") as file:
        file.write("{}\n")
    assert "is not what was signed" in red(open_gates)["backup"]


def test_gates__nothing_was_done__every_gate_with_evidence_is_red(story):
    story.declare(DECLARED)
    story.with_journal()
    ended = story.handover("gates")
    assert ended.returncode == 4
    assert "nothing was watched of backend and original" in ended.stdout
    assert "there is no evidence of kind backup" in ended.stdout
    assert "there is no evidence of kind rehearsal" in ended.stdout
    assert "there is no evidence of kind load" in ended.stdout
    assert "a TTL of at most 30 s is expected" in ended.stdout
    assert "DevOps has not signed; Tech Lead has not signed" in ended.stdout


def one_gate(story, kind: str, more: str = "") -> None:
    story.declare(f'[[gates]]\nid = "{kind}"\nkind = "{kind}"\nreason = "of the strategy"\n{more}')


def test_gate_proofs__nothing_was_proved__is_red_and_alone(story):
    one_gate(story, "proofs")
    story.with_journal()
    assert red(story, 0) == {"proofs": "nothing was proved yet; run `handover prove`"}


def test_gate_proofs__other_shape_or_group_missing__is_red(story):
    one_gate(story, "proofs")
    story.with_journal()
    with recording(story.config, "prove") as recorder:
        recorder.summary |= {"groups": {}, "fingerprint": "of another schema"}
    found = red(story, 0)["proofs"]
    assert "was not run" in found
    assert "it was proved on the shape of another schema" in found


def test_gate_backup__its_evidence_was_changed__cannot_be_judged_and_is_red(story):
    one_gate(story, "backup")
    story.with_journal()
    with recording(story.config, "backup") as recorder:
        recorder.summary |= {"restored": True, "differing": [], "tables": 3, "rows": 9}
    with opened(story.config) as journal:
        note_newest(story.config, journal, "backup")
    assert red(story, 0) == {}
    (path,) = (story.pair.folder / ".handover/evidence").glob("backup-*/summary.json")
    path.write_text(path.read_text().replace('"rows": 9', '"rows": 900'))
    assert red(story, 0)["backup"].startswith("it could not be judged: ")


def test_gate_watch__gap_or_no_traffic__is_red(story):
    one_gate(story, "watch", "hours = 0.25")
    story.with_journal()
    now = datetime.now(UTC)
    keep_all(story, (*range(17, 7, -1), 3, 2, 1, 0))
    assert "was not watched from" in red(story, 0)["watch"]
    keep_all(story, range(7, 3, -1))
    assert "watch" not in red(story, 0)
    assert "is not watched any more since" in red(story, 200)["watch"]
    keep(story, MetricVerdict("backend", "requests", 3.0, "not enough traffic", "3 of 20"), end=now)
    assert "requests of the backend is not enough traffic" in red(story, 0)["watch"]


def test_gate_watch__only_the_last_minutes__is_red(story):
    one_gate(story, "watch", "hours = 1")
    story.with_journal()
    keep(story, *green())
    assert "is watched since" in red(story, 0)["watch"]


def test_gate_ttl__was_low_when_it_was_first_seen__wants_to_know_the_former(story):
    one_gate(story, "ttl")
    story.set_record("www", 30, ORIGINAL)
    story.begins()
    assert "so resolvers may hold a longer one" in red(story)["ttl"]
    story.file.write_text(story.file.read_text().replace("ttl_s = 30", "ttl_s = 30\nformer_ttl_s = 600"))
    assert "resolvers may hold the old TTL of 600 s" in red(story, when=lowered(story))["ttl"]
    assert "ttl" not in red(story, 601)


def test_gate_ttl__less_than_a_second_is_left__is_red_and_does_not_say_none(story):
    one_gate(story, "ttl")
    story.in_parallel()
    runs_out = lowered(story) + timedelta(seconds=OLD_TTL_S)
    with opened(story.config) as journal:
        then = GateContext(story.config, journal, journal.entries(), runs_out, None)
        seen = [ttl_gate(replace(then, now=runs_out - timedelta(seconds=left_s)), None) for left_s in (0.4, 0)]
    assert [one.ok for one in seen] == [False, True]
    assert f"the old TTL of {OLD_TTL_S} s for 1 s more" in seen[0].found


def test_cutover__gate_is_red__switches_nothing(story):
    one_gate(story, "watch")
    story.in_parallel()
    said = story.refused("cutover", "--apply", story.plan())
    assert "HO549  1 of 2 gates are red; nothing was switched." in said
    assert "gate watch is red: nothing was watched of backend and original" in said
    assert (story.state(), story.people_reach()) == ("parallel", [ORIGINAL])


def test_cutover__gate_is_overridden__is_loud_and_stands_in_the_journal(story):
    one_gate(story, "watch")
    story.in_parallel()
    plan_ = story.plan()
    ended = story.done("cutover", "--apply", plan_, "--override", "watch", "--because", "it is watched by hand")
    assert "OVERRIDDEN  gate watch is red: nothing was watched" in ended.stderr
    assert story.people_reach() == [BACKEND]
    with opened(story.config) as journal:
        kept = [e.body for e in journal.entries() if e.kind == "gates"]
    overridden = [gate for gate in kept[-1]["gates"] if "overridden" in gate]
    assert [(gate["gate"], gate["overridden"]) for gate in overridden] == [("watch", "it is watched by hand")]


def test_cutover__override_without_a_reason__is_a_usage_error(story):
    story.in_parallel()
    ended = story.handover("cutover", "--apply", story.plan(), "--override", "certificate")
    assert ended.returncode == 2
    assert "--override needs --because" in ended.stderr


def test_cutover__override_of_no_gate__is_refused(story):
    story.in_parallel()
    said = story.refused("cutover", "--apply", story.plan(), "--override", "watsch", "--because", "typed in haste")
    assert "there is no gate watsch; there are certificate." in said


def test_cutover__no_gate_is_declared__is_refused(story):
    text = story.file.read_text()
    story.file.write_text(text[: text.index("[[gates]]")])
    story.in_parallel()
    assert "declares no [[gates]], so nothing says that people may be moved" in story.refused(
        "cutover", "--apply", story.plan()
    )


def test_sign__role_that_no_gate_asks_for__is_refused(story):
    one_gate(story, "sign-offs")
    story.in_parallel()
    story.plan()
    said = story.refused("sign", "--as", "Janitor", "--because", "why not")
    assert "no gate asks for a signature of 'Janitor'; they ask for Tech Lead, Backend Developer," in said


def test_gates_json__names_every_gate(story):
    story.with_journal()
    assert [gate["gate"] for gate in json.loads(story.done("gates", "--json").stdout)] == ["certificate"]


def test_gate_codes__are_the_published_ones_and_every_kind_has_one():
    assert {kind: rule.code for kind, rule in RULES.items()} == {
        "check": "HO540",
        "proofs": "HO541",
        "watch": "HO542",
        "backup": "HO543",
        "rehearsal": "HO544",
        "capacity": "HO545",
        "certificate": "HO546",
        "ttl": "HO547",
        "sign-offs": "HO548",
    }
    assert set(RULES) == set(get_args(GateKind))


def test_faults__break_every_kind__but_the_proofs_that_have_tests_of_their_own():
    assert set(FAULTS) == set(get_args(GateKind)) - {"proofs"}


def test_gate_sign_offs__file_of_before_names_no_roles__asks_for_the_strategys_four(story):
    one_gate(story, "sign-offs")
    (gate,) = (gate for gate in story.config.gates if gate.kind == "sign-offs")
    assert gate.roles == ("Tech Lead", "Backend Developer", "Database Administrator", "DevOps")


def test_gate_sign_offs__file_names_its_roles__asks_for_them_alone(story):
    one_gate(story, "sign-offs", 'roles = ["Release Manager"]')
    assert signing_roles(story.config) == ["Release Manager"]
