"""After a rollback nothing of the failed attempt counts: not its plan, not its evidence, not its signatures."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest

from handover.cli.sign import sign
from handover.config.cutover import GateKind
from handover.cutover.attempt import attempt_of, ended_attempts, present_attempt
from handover.cutover.evidence_gates import note_newest
from handover.cutover.gate_context import gate_context
from handover.cutover.gates import RULES
from handover.errors import Refused
from handover.journal.entry import JournalEntry
from handover.journal.evidence import Sealed, recording
from handover.journal.journal import opened
from handover.parallel.history import WatchHistory, Window
from handover.parallel.rule import MetricVerdict
from handover.proof.groups import GROUPS
from handover_testing.night import BACKEND, ORIGINAL, Story, red


def run(command: str, name: str, **more: str) -> JournalEntry:
    return entry("run", run=name, command=command, facts={"because": f"reason of {name}"}, **more)


def ended(name: str, **more: str) -> JournalEntry:
    return entry("ended", run=name, target="any", **more)


def entry(kind: str, **body: object) -> JournalEntry:
    return JournalEntry(kind, body, "root", "here", datetime(2026, 1, 1, tzinfo=UTC))


def test_attempt_of__counts_rollbacks_that_came_to_their_end():
    assert attempt_of([]) == 1
    entries = [run("cutover", "a"), ended("a"), run("rollback", "b")]
    assert attempt_of(entries) == 1  # it is under way
    assert attempt_of([*entries, ended("b")]) == 2
    assert attempt_of([*entries, ended("b"), ended("b")]) == 2
    assert attempt_of([*entries, run("rollback", "c"), ended("c")]) == 2  # the first was given up
    assert attempt_of(iter([*entries, ended("b"), run("rollback", "c"), ended("c")])) == 3
    ((number, because),) = [(one.number, one.because) for one in ended_attempts([*entries, ended("b")])]
    assert (number, because) == (1, "reason of b")


def test_attempt_of__rollback_of_an_evolution__is_no_attempt():
    assert attempt_of([run("rollback", "a", stream="evolve 1"), ended("a", stream="evolve 1")]) == 1


def test_cutover__plan_of_the_attempt_that_was_rolled_back__is_refused(story):
    story.switched()
    # Made before the rollback, for a zone that is the same afterwards.
    story.set_record("www", 30, ORIGINAL)
    plan = story.plan()
    story.set_record("www", 30, BACKEND)
    story.done("rollback", "--apply", "--because", "errors at the till")
    said = story.refused("cutover", "--apply", plan)
    assert f"HO551  plan {plan[:12]} is of attempt 1; now is attempt 2: attempt 1 ended with the rollback of 20" in said
    assert "errors at the till. Nothing was applied. Make a new plan, and have it read and signed: handover" in said
    assert story.people_reach() == [ORIGINAL]
    new = story.plan()
    assert new != plan
    assert "(attempt 2)" in story.done("cutover", "plan").stdout
    story.done("cutover", "--apply", new)
    assert story.people_reach() == [BACKEND]


def test_plan__there_is_no_journal_yet__is_of_the_first_attempt(story):
    story.pair.patch.setenv("HANDOVER_DATABASE_URL", story.pair.database.url("owner"))
    assert present_attempt(story.config) == 1
    assert "attempt" not in story.done("cutover", "plan", "--json").stdout
    story.with_journal()
    with opened(story.config) as journal:
        assert attempt_of(journal.entries()) == 1


GATES = {
    "proofs": "",
    "watch": "hours = 0.25",
    "backup": "",
    "rehearsal": "",
    "capacity": "",
    "sign-offs": 'roles = ["DevOps", "Tech Lead"]\none_may_sign_all = true',
}
DECLARED = "".join(
    f'\n[[gates]]\nid = "{kind}"\nkind = "{kind}"\nreason = "of the strategy"\n{more}\n' for kind, more in GATES.items()
)
EVIDENCE = {
    "backup": {"restored": True, "differing": [], "tables": 3, "rows": 9},
    "rehearsal": {"total_s": 9.0},
    "load": {"requests": 9, "failed": 0, "carried_per_s": 9.0, "peak_per_s": 1.0},
}


def watched(story: Story, minutes: int) -> None:
    """Let the watch's own history keep green windows of both systems, from half an hour ago until then."""
    now = datetime.now(UTC)
    history = WatchHistory(story.config, f"test {now}")
    for minute in range(-30, minutes):
        end = now + timedelta(minutes=minute)
        verdicts = tuple(MetricVerdict(side, "error_rate", 0.0, "green", "") for side in ("original", "backend"))
        history.add([], Window(end - timedelta(minutes=1), end, verdicts))
    history.close()


def evidence(story: Story) -> None:
    """Let there be evidence of every kind, as the commands leave it."""
    attempt = present_attempt(story.config)
    with opened(story.config) as journal:
        shape = gate_context(story.config, journal, None).fingerprint
    groups = {name: {"green": True} for group in GROUPS for name in group.outcomes}
    with recording(story.config, "prove", attempt=attempt) as recorder:
        recorder.summary |= {"fingerprint": shape, "on": "throw-away copy", "groups": groups}
    for kind, summary in EVIDENCE.items():
        with recording(story.config, kind, attempt=attempt) as recorder:
            recorder.summary |= summary
        with opened(story.config) as journal:
            note_newest(story.config, journal, kind)


def signed(story: Story) -> None:
    for role in ("DevOps", "Tech Lead"):
        sign(role=role, because="I read it", config=story.file)


def test_gates__after_a_rollback__are_red_until_new_evidence_and_new_signatures(story):
    story.declare(DECLARED)
    story.in_parallel()
    watched(story, 2)
    evidence(story)
    plan = story.plan()
    signed(story)
    assert red(story, 0) == {}
    story.done("cutover", "--apply", plan)
    assert story.refused("sign", "--as", "DevOps", "--because", "late").startswith(
        "HO505  the state is switched: people"
    )
    story.done("rollback", "--apply", "--because", "errors at the till")
    found = red(story, 0)
    assert set(found) == set(GATES)
    for gate in ("proofs", "watch", "backup", "rehearsal", "capacity"):
        assert "but that is of attempt 1: attempt 1 ended with the rollback of 20" in found[gate]
        assert found[gate].endswith(": errors at the till")
    assert found["sign-offs"].startswith("DevOps signed for attempt 1, and this is attempt 2: attempt 1 ended")
    ended = story.handover("gates")
    assert ended.returncode == 4
    assert f"plan {plan[:12]} is of attempt 1; now is attempt 2" in ended.stdout
    assert f"plan {plan[:12]} is of attempt 1; now is attempt 2" in story.handover("gates", "--json").stderr
    with pytest.raises(Refused, match=r"HO551  plan \w+ is of attempt 1"):
        signed(story)
    # Each gate opens by what was made anew, and by nothing else.
    evidence(story)
    assert set(red(story, 0)) == {"watch", "sign-offs"}
    watched(story, 40)
    assert set(red(story, 1200)) == {"sign-offs"}
    story.plan()
    signed(story)
    assert red(story, 1200) == {}


def test_gates__incident_does_not_touch_a_gate__its_evidence_counts_and_the_reason_is_shown(story):
    story.declare(DECLARED)
    story.switched()
    evidence(story)
    story.done("rollback", "--apply", "--because", "errors at the till")
    untouched(story, "backup", 1)
    assert "backup" not in red(story, 0)
    assert "rehearsal" in red(story, 0)
    said = story.handover("gates").stdout
    assert "equal; of attempt 1, and what ended it does not touch that: the database was well" in said


def test_gates__another_incident__needs_a_reason_of_its_own(story):
    story.declare(DECLARED)
    story.switched()
    evidence(story)
    untouched(story, "backup", 1)
    story.done("rollback", "--apply", "--because", "errors at the till")
    overrides = [word for gate in GATES if gate != "backup" for word in ("--override", gate)]
    story.done("cutover", "--apply", story.plan(), *overrides, "--because", "a trial")
    story.done("rollback", "--apply", "--because", "rows were lost")
    assert "but that is of attempt 1: attempt 1 ended with the rollback" in red(story, 0)["backup"]
    untouched(story, "backup", 2)
    assert "backup" not in red(story, 0)


@pytest.mark.parametrize(
    ("id_", "what"), [("signed", "sign-offs, and those never count for a second attempt"), ("bakcup", "no gate")]
)
def test_gates__untouched_is_what_cannot_be__is_refused(story, id_, what):
    story.declare('[[gates]]\nid = "signed"\nkind = "sign-offs"\nreason = "two answer"\n')
    untouched(story, id_, 1)
    story.with_journal()
    said = story.refused("gates")
    assert f"HO549  handover.toml: [rollback] untouched_gates names {id_}, which is {what}. Take it out." in said


def untouched(story: Story, gate: str, attempt: int) -> None:
    """Declare that the incident which ended an attempt does not touch a gate."""
    facts = f'gate = "{gate}"\nattempt = {attempt}\nbecause = "the database was well"'
    story.declare(f"[[rollback.untouched_gates]]\n{facts}\n")


def test_rules__kinds_that_look_at_things_as_they_are_now__are_the_only_ones_that_need_no_attempt():
    assert {kind for kind in get_args(GateKind) if RULES[kind].live} == {"check", "certificate", "ttl", "sign-offs"}


def test_evidence__of_an_older_version__belongs_to_the_first_attempt():
    assert Sealed(Path("backup-1"), {"kind": "backup"}, "signature").attempt == 1
