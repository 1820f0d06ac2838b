"""Each rule catches a drift that is planted for it, with the right severity, and is silent on the clean pair."""

import os
from collections.abc import Iterable
from dataclasses import replace
from datetime import date

import pytest

from handover.check.contract import Contract, accept, judge
from handover.check.merging import by_cause, merged
from handover.finding import Finding
from handover.rules import RULES
from handover_testing.drifts import declared, model_drifts, other_drifts, row_drifts
from handover_testing.drifts.drift import Drift
from handover_testing.drifts.every import of_stage, one_a_code
from handover_testing.drifts.play import Outcome

TODAY = date(2026, 1, 15)
# Each plays a drift of its own.
ENOUGH = 12 if os.environ.get("COMPAS_FULL") == "1" else 4
# Seen by no rule of the registry: a system that does not start, and what the census finds.
ELSEWHERE = {"HO104", *(row[1] for row in row_drifts._ROWS), *(row[0] for row in declared._ROWS)}
# Needs a system of its own to be shown: see the tests named here.
SHOWN_ELSEWHERE = {
    "HO100": "tests/test_pair_is_clean.py",
    "HO130": "test_clean.py",
    "HO195": "check/test_subject.py",
}
CODES = sorted((RULES.keys() | ELSEWHERE) - SHOWN_ELSEWHERE.keys())
# Every sixth one; in the long run all.
PLAYED = CODES if os.environ.get("COMPAS_FULL") == "1" else CODES[::6]


@pytest.fixture(scope="module")
def first_drifts(players, postgres) -> list[Drift]:
    """The first drift of every code."""
    return one_a_code([d for player in players.values() for d in of_stage(player.stage, postgres)])


@pytest.fixture(scope="module")
def outcomes(players, first_drifts) -> dict[str, Outcome]:
    """What became of the drifts that are played."""
    return {drift.code: players[drift.shape].play(drift) for drift in first_drifts if drift.code in PLAYED}


def test_clean_pairs__of_every_shape__have_no_finding(players):
    assert {name: player.baseline for name, player in players.items()} == dict.fromkeys(players, ())


@pytest.mark.parametrize("code", PLAYED)
def test_rule__its_drift_is_planted__is_seen_with_the_right_severity(outcomes, code):
    outcome = outcomes[code]
    said = [(f.code, f.severity, f.where) for f in outcome.said]
    assert outcome.caught, f"{outcome.drift.name}: {said}"
    assert outcome.right_severity, f"{outcome.drift.name}: {said}"
    for finding in outcome.at_place:
        assert finding.what.endswith(".")
        assert finding.todo


def test_defaults__one_is_a_function_written_in_c__is_breaking_for_it_is_not_the_projects_own(players):
    (drift,) = [d for d in model_drifts.drifts() if d.name == "inheritance original Loan.lent_at: another default"]
    outcome = players["inheritance"].play(drift)
    assert outcome.right_severity, outcome.said
    assert "default datetime.datetime.now" in "".join(finding.what for finding in outcome.at_place)


def test_rules__each_one__has_a_drift_or_a_test_of_its_own(first_drifts):
    assert RULES.keys() - {drift.code for drift in first_drifts} - SHOWN_ELSEWHERE.keys() == set()


def test_drifts__in_all__are_more_than_three_hundred_and_distinct(players, postgres):
    names = [d.name for player in players.values() for d in of_stage(player.stage, postgres)]
    assert len(names) == len(set(names)) > 300


def test_merged__both_suffer__is_one_finding_with_the_worse_severity():
    one = Finding(
        code="HO012",
        where="t.c",
        found="is text",
        expected="A expects uuid",
        todo="Revert.",
        severity="risky",
        hurts="original",
    )
    other = Finding(
        code="HO012",
        where="t.c",
        found="is text",
        expected="B expects uuid",
        todo="Revert.",
        severity="breaking",
        hurts="backend",
    )
    (both,) = merged([one, other])
    assert (both.hurts, both.severity) == ("both", "breaking")
    assert both.expected == "A expects uuid, and B expects uuid"


def test_settings__every_one__is_planted_on_both_sides():
    names = [d.name for d in other_drifts.drifts() if d.kind == "settings"]
    for setting in other_drifts.SETTINGS:
        sides = {side for side in ("original", "backend") if any(f" {side} {setting} " in f"{name} " for name in names)}
        assert sides == {"original", "backend"}, setting


def _accepted(findings: Iterable[Finding]) -> Contract:
    contract = Contract()
    for one in by_cause(f for f in findings if f.severity != "safe"):
        contract = accept(contract, findings, one.code, one.where, "It is known.", None)
    return Contract.model_validate_json(contract.model_dump_json())


@pytest.mark.parametrize("code", PLAYED)
def test_contract__finding_of_any_code_is_accepted__stays_so_until_it_changes(outcomes, code):
    said = outcomes[code].said
    contract = _accepted(said)
    assert [f for f in judge(contract, said, TODAY).open if f.severity != "safe"] == []
    for finding in (f for f in said if f.code == code):
        for other in (
            replace(finding, where=f"{finding.where}_2", cause=None),
            replace(finding, found=f"{finding.found} and more", cause=None),
            replace(finding, expected=f"{finding.expected} and more", cause=None),
            *([replace(finding, severity="breaking")] if finding.severity != "breaking" else ()),
        ):
            assert judge(contract, [other], TODAY).open == (other,)


def test_contract__the_same_drift_is_seen_again__is_still_accepted(players, outcomes):
    for outcome in outcomes.values():
        if outcome.drift.kind in ("backend models", "data"):
            again = players[outcome.drift.shape].play(outcome.drift)
            left = judge(_accepted(outcome.said), again.said, TODAY).open
            assert [f for f in left if f.severity != "safe"] == [], outcome.drift.name


def test_contract__another_drift_at_the_same_place__is_open(players, postgres, outcomes):
    compared = 0
    for name, player in players.items():
        for drift in of_stage(player.stage, postgres):
            first = outcomes.get(drift.code)
            if not first or drift.kind == "data" or compared >= ENOUGH:
                continue
            if (name, drift.place) == (first.drift.shape, first.drift.place) and drift != first.drift:
                said = player.play(drift).said
                known = {(f.code, f.where, f.said, f.expected, f.severity) for f in first.said}
                new = [f for f in said if (f.code, f.where, f.said, f.expected, f.severity) not in known]
                opened = judge(_accepted(first.said), said, TODAY).open
                assert [f for f in new if f not in opened and f.severity == "breaking"] == [], drift.name
                compared += bool(new)
    assert compared == ENOUGH
