"""What can go wrong during a move, and the message that names it."""

import json
import os
import re
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from handover.cutover.commands import commands
from handover.cutover.context import open_context
from handover.cutover.zone import WRITE
from handover.journal import entry
from handover.journal.account import this_account
from handover.journal.journal import opened
from handover.runs.command import start_command
from handover_testing.crashes import check_explained, facts_of, go_on
from handover_testing.night import BACKEND, ORIGINAL, database_down, hook, until
from sandbox.dns.nameserver import NameServer


@pytest.fixture
def parallel(story):
    story.in_parallel()
    return story


def test_cutover__provider_answers_500__nothing_is_switched_and_resume_does_it(parallel):
    with parallel.name_server.fault("servfail updates"):
        ended = parallel.handover("cutover", "--apply", parallel.plan())
    assert ended.returncode == 1
    assert "HO572  the provider ours could not be changed: Rfc2136ProviderUpdateFailed" in ended.stderr
    found = check_explained(parallel)
    assert (found.position.state, found.people) == ("switching", "original")
    assert parallel.done("resume").stdout.startswith("State: switched")


def test_cutover__provider_is_slow__says_so_and_resume_asks(parallel):
    parallel.file.write_text(parallel.file.read_text().replace("timeout_s = 5", "timeout_s = 3"))
    plan = parallel.plan()
    with parallel.name_server.fault("slow 6 updates"):
        ended = parallel.handover("cutover", "--apply", plan)
    assert ended.returncode == 1
    assert "could not be changed within 3 s" in ended.stderr
    assert parallel.status().position.state == "switching"
    # The change is made although its time limit is over.
    until(lambda: parallel.people_reach() == [BACKEND], "the change was never made")
    parallel.done("resume")
    assert (parallel.state(), parallel.people_reach()) == ("switched", [BACKEND])


def test_cutover__provider_accepts_and_does_nothing__is_not_switched(parallel):
    with parallel.name_server.fault("unapplied updates"):
        ended = parallel.handover("cutover", "--apply", parallel.plan())
    assert ended.returncode == 1
    assert f"HO578  ours took the change, but holds A {ORIGINAL} (TTL 30 s)" in ended.stderr
    found = check_explained(parallel)
    assert (found.position.state, found.people) == ("switching", "original")
    assert parallel.done("resume").stdout.startswith("State: switched")


def test_cutover__name_server_lags_behind_the_provider__is_not_switched(parallel):
    with NameServer("compas.test.", f"www 30 IN A {ORIGINAL}") as secondary:
        both = f'"127.0.0.1:{parallel.name_server.port}", "127.0.0.1:{secondary.port}"'
        text = parallel.file.read_text()
        parallel.file.write_text(re.sub(r"authoritative = \[.*\]", f"authoritative = [{both}]", text))
        ended = parallel.handover("cutover", "--apply", parallel.plan())
        assert ended.returncode == 1
        assert f"not every name server answers {BACKEND}" in ended.stderr
        found = parallel.status()
        assert found.position.state == "switching"
        assert found.agrees is False  # the journal says that it was written; some people reach the original
        assert parallel.handover("status").returncode == 4
        assert "NOT as the journal says" in parallel.handover("status").stdout


def test_cutover__other_record_changed_since_the_plan__is_named_and_switched(parallel):
    plan = parallel.plan()
    parallel.set_record("other3", 300, "127.0.0.8")
    parallel.set_record("extra", 300, "127.0.0.8")
    ended = parallel.done("cutover", "--apply", plan)
    assert (
        "since the plan, at ours: extra A is new; other3 A is different. None touches www.compas.test." in ended.stderr
    )
    assert (parallel.state(), parallel.people_reach()) == ("switched", [BACKEND])
    with opened(parallel.config) as journal:
        (wrote,) = [e.body for e in journal.entries() if e.body.get("action") == WRITE and e.body["phase"] == "done"][
            -1:
        ]
    assert wrote["evidence"]["changed_beside"] == ["extra A is new", "other3 A is different"]
    parallel.set_records(300, {"extra": (), "other3": ("127.0.0.9",)})


def test_cutover__other_record_is_declared_harmless__is_not_named(parallel):
    parallel.file.write_text(
        parallel.file.read_text().replace("[dns]\n", '[dns]\nharmless = ["_acme-challenge* TXT", "ext-*"]\n')
    )
    plan = parallel.plan()
    challenge = [("_acme-challenge.www", "TXT", "token"), ("ext-www", "TXT", "owner"), ("ext2", "TXT", "owner")]
    with beside(parallel, *challenge):
        ended = parallel.done("cutover", "--apply", plan)
    assert "since the plan, at ours: ext2 TXT is new. None touches" in ended.stderr


@contextmanager
def beside(story, *records):
    """Have more records in the zone for a while."""
    update = story.name_server.new_update()
    for name, kind, value in records:
        update.add(name, 300, kind, value)
    story.name_server.send(update)
    try:
        yield
    finally:
        update = story.name_server.new_update()
        for name, kind, _ in records:
            update.delete(name, kind)
        story.name_server.send(update)


@pytest.mark.parametrize(
    ("name", "kind", "value", "said"),
    [
        ("www", "CAA", '0 issue "another.example"', "www CAA is new"),
        ("@", "CAA", '0 issue "another.example"', "@ CAA is new"),
        ("www", "HTTPS", "1 . ipv4hint=127.0.0.9", "www HTTPS is new"),
    ],
)
def test_cutover__record_that_touches_ours_is_new__applies_nothing(parallel, name, kind, value, said):
    parallel.file.write_text(parallel.file.read_text().replace("[dns]\n", '[dns]\nharmless = ["*"]\n'))
    plan = parallel.plan()
    with beside(parallel, (name, kind, value)):
        serial = parallel.name_server.serial()
        refusal = parallel.refused("cutover", "--apply", plan)
        assert parallel.name_server.serial() == serial
    assert f"HO571  plan {plan[:8]} was reviewed, but {said}, which decides what people get" in refusal
    assert "Nothing was applied." in refusal
    assert (parallel.state(), parallel.people_reach()) == ("parallel", [ORIGINAL])


def test_cutover__record_changed_since_the_plan__applies_nothing(parallel):
    plan = parallel.plan()
    parallel.set_record("www", 300, "127.0.0.7")
    said = parallel.refused("cutover", "--apply", plan)
    assert "but the record is A 127.0.0.7 (TTL 300 s) by now. Nothing was applied." in said
    assert parallel.people_reach() == ["127.0.0.7"]


def test_cutover__zone_changed_after_a_crash__resume_applies_nothing(parallel):
    with parallel.name_server.fault("servfail updates"):
        parallel.handover("cutover", "--apply", parallel.plan())
    with beside(parallel, ("www", "CAA", '0 issue "another.example"')):
        assert "www CAA is new, which decides what people get" in parallel.refused("resume")
        assert parallel.people_reach() == [ORIGINAL]
    parallel.done("resume")
    assert parallel.people_reach() == [BACKEND]


def test_cutover__plan_was_edited__is_refused(parallel):
    plan = parallel.plan()
    (path,) = (parallel.pair.folder / ".handover/plans").glob("*.json")
    values = json.loads(path.read_text())
    values["to"]["values"] = ["203.0.113.66"]
    path.write_text(json.dumps(values))
    assert "is not as it was written: its checksum is" in parallel.refused("cutover", "--apply", plan)
    assert parallel.people_reach() == [ORIGINAL]


def test_cutover__database_goes_down_in_the_middle__the_copy_knows_and_leads_back(parallel, capsys):
    down = database_down(parallel)

    def at(point: str) -> None:
        if point == "in the middle of the record":
            down.__enter__()

    with (
        pytest.raises(Exception, match="the journal's database does not answer"),
        open_context(parallel.config, "cutover", say=lambda _: None, at_point=at) as context,
    ):
        start_command(context, commands(parallel.config)["cutover"], facts_of(parallel, "cutover"))
    try:
        seen = parallel.handover("status")
        assert seen.returncode == 1, "the database was not read"
        said = seen.stdout
        assert "State: switching" in said
        assert "People reach: backend; as the journal says." in said
        assert "The journal's database is not read" in said
        assert ".. This is the copy" not in said
        assert "handover rollback --apply --copy-alone sends people to the original" in said
        assert "HO500" in parallel.handover("rollback", "--apply", "--because", "no database").stderr
        parallel.done("rollback", "--apply", "--copy-alone", "--because", "no database")
        assert parallel.people_reach() == [ORIGINAL]
        assert "State: rolled_back" in parallel.handover("status").stdout
    finally:
        down.__exit__(None, None, None)
    before = parallel.status()
    assert before.late > 0
    assert before.position.state == "rolled_back"
    parallel.done("resume")
    after = check_explained(parallel)
    assert (after.late, after.position.state) == (0, "rolled_back")


def test_rollback__copy_alone_while_the_database_answers__is_refused(parallel):
    said = parallel.refused("rollback", "--apply", "--copy-alone", "--because", "haste")
    assert "HO508  the journal's database answers, so the copy alone is not enough" in said


def test_cutover__journal_cannot_be_written__nothing_begins(parallel):
    plan = parallel.plan()
    parallel.pair.superuser("REVOKE INSERT ON handover.journal FROM handover_journal")
    ended = parallel.handover("cutover", "--apply", plan)
    assert ended.returncode == 1
    assert "HO500" in ended.stderr
    assert "permission denied for table journal" in ended.stderr
    assert (parallel.state(), parallel.people_reach()) == ("parallel", [ORIGINAL])


def test_cutover__clock_of_this_machine_jumps__times_and_lease_are_the_databases(parallel, monkeypatch):
    class Jumped(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(days=400)

    monkeypatch.setattr(entry, "datetime", Jumped)
    assert entry.new_entry("note", {}).at > datetime.now(UTC) + timedelta(days=399)
    parallel.done("cutover", "--apply", parallel.plan())
    with opened(parallel.config) as journal:
        now = journal.now()
        assert all(now - e.at < timedelta(hours=1) for e in journal.entries())
        assert all(e.at <= now for e in journal.entries())
        took = [e.body["seconds"] for e in journal.entries() if e.kind == "action" and e.body["phase"] == "done"]
    assert all(0 <= seconds < 60 for seconds in took)


def test_cutover__hook_hangs__is_killed_and_nothing_is_switched(parallel):
    pid = parallel.pair.folder / "pid"
    hook(parallel, "before-switch", f"#!/bin/sh\necho $$ > {pid}\nexec sleep 60\n")
    parallel.file.write_text(
        parallel.file.read_text().replace("timeout_s = 60\n[hooks.at]", "timeout_s = 5\n[hooks.at]")
    )
    ended = parallel.handover("cutover", "--apply", parallel.plan())
    assert ended.returncode == 1
    assert "HO580  the hook before-switch did not end within 5 s and was killed." in ended.stderr
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)
    assert parallel.people_reach() == [ORIGINAL]
    assert "`hook before-switch` failed: HO580" in parallel.handover("status").stdout


def test_cutover__hook_refuses__says_its_words(parallel):
    hook(parallel, "before-switch", "#!/bin/sh\necho the shop has a sale until midnight\nexit 3\n")
    said = parallel.refused("cutover", "--apply", parallel.plan())
    assert "HO581  the hook before-switch refused: the shop has a sale until midnight" in said
    assert parallel.people_reach() == [ORIGINAL]


def test_rollback__original_is_dead__is_said_at_once_with_what_can_still_be_done(story):
    story.switched()
    story.systems["original"].status = 503
    said = story.refused("rollback", "--apply", "--because", "errors")
    assert "HO582  the original is not well" in said
    assert "stay on the backend and mend it there" in said
    assert 'handover rollback --apply --unproven "REASON"' in said
    assert (story.state(), story.people_reach()) == ("switched", [BACKEND])
    story.done("rollback", "--apply", "--because", "errors", "--unproven", "a notice is better than wrong data")
    assert (story.state(), story.people_reach()) == ("rolled_back", [ORIGINAL])


def test_rollback__original_cannot_write__is_refused(story):
    story.switched()
    story.pair.superuser("REVOKE INSERT ON dancers FROM drift_original")
    said = story.refused("rollback", "--apply", "--because", "errors")
    assert "HO583  the original cannot write" in said
    assert "permission denied for table dancers" in said
    assert story.people_reach() == [BACKEND]


def test_rollback__account_was_not_named_but_gives_itself_that_name__may_not(story):
    names = dict.fromkeys(("HANDOVER_OPERATOR", "SUDO_USER", "LOGNAME", "USER"), "leo")
    account = this_account().name
    story.file.write_text(story.file.read_text().replace(f'allowed = ["{account}"]', 'allowed = ["leo"]'))
    story.switched()
    said = story.refused("rollback", "--apply", "--because", "errors", **names)
    assert f"HO587  {account} (by sudo of leo, called leo) may not" in said
    assert "decide a rollback; handover.toml names leo. Nothing was changed." in said
    assert story.people_reach() == [BACKEND]
    assert "so you may NOT" in story.done("rollback", **names).stdout


def test_rollback__account_was_named__may_under_any_label(story):
    story.switched()
    assert "so you may." in story.done("rollback").stdout
    story.done("rollback", "--apply", "--because", "errors", HANDOVER_OPERATOR="a stranger")
    assert story.people_reach() == [ORIGINAL]


def test_rollback__without_a_reason__is_a_usage_error(story):
    assert "a rollback needs --because" in story.handover("rollback", "--apply").stderr


def test_rollback__done__leaves_the_record_of_the_incident_with_each_part(story):
    story.switched()
    story.done("rollback", "--apply", "--because", "errors at the till")
    (path,) = (story.pair.folder / ".handover/incidents").glob("*.md")
    text = path.read_text()
    assert "errors at the till" in text
    assert "- write the record: " in text


def test_rollback__less_budget_than_time_for_the_traffic__follows_it_for_what_is_left(story):
    """Nothing is quiet for 600 s, so that the time ends it: the budget's, which is shorter than the limit."""
    story.switched()
    text = story.file.read_text().replace("limit_s = 0.5", "limit_s = 20").replace("quiet_s = 0.01", "quiet_s = 600")
    story.file.write_text(text.replace("[rollback]", "[rollback]\nbudget_s = 2", 1))
    said = story.done("rollback", "--apply", "--because", "errors at the till").stderr
    assert "no time was left to wait for 600 s without a request" in " ".join(said.split())


def test_cutover__old_system_still_gets_requests__is_said(parallel):
    plan = parallel.plan()
    way = f'original = "{parallel.systems["original"].url}/requests"'
    # Every look finds more than the last.
    more = "sql:SELECT extract(epoch FROM clock_timestamp()) * 1000"
    parallel.file.write_text(parallel.file.read_text().replace(way, f'original = "{more}"'))
    ended = parallel.done("cutover", "--apply", plan)
    assert "the original still gets requests:" in ended.stderr
    with opened(parallel.config) as journal:
        followed = [e.body for e in journal.entries() if e.body.get("action") == "follow the traffic"]
    assert followed[-1]["evidence"]["quiet"] is False


def test_resume__after_a_failure__goes_on(parallel):
    with parallel.name_server.fault("servfail updates"):
        parallel.handover("cutover", "--apply", parallel.plan())
    assert go_on(parallel).state == "switched"
