"""Each rule catches a drift that is planted for it, with the right severity, and is silent on the clean pair."""

import pytest

from handover.check.look import merged
from handover.errors import Finding
from handover.proof.difference import SAID
from handover.rules import RULES
from sandbox import house
from tests.drifts import model_drifts, other_drifts, row_drifts
from tests.drifts.every import of_stage, one_a_code
from tests.drifts.play import Outcome

# Seen by no rule of the registry: a system that does not start, and what the census finds.
ELSEWHERE = {"HO104", *(row[1] for row in row_drifts._ROWS)}
# Needs a system of its own to be shown: see the tests named here.
SHOWN_ELSEWHERE = {
    "HO100": "tests/test_pair_is_clean.py",
    "HO130": "test_clean.py",
    "HO195": "check/test_subject.py",
}


@pytest.fixture(scope="module")
def outcomes(players, postgres) -> dict[str, Outcome]:
    """What became of the first drift of every code."""
    drifts = [d for player in players.values() for d in of_stage(player.stage, postgres)]
    chosen = one_a_code(drifts)
    return {drift.code: players[drift.shape].play(drift) for drift in chosen}


def test_clean_pairs__of_every_shape__have_no_finding(players):
    assert {name: player.baseline for name, player in players.items()} == dict.fromkeys(players, ())


@pytest.mark.parametrize("code", sorted((RULES.keys() | ELSEWHERE) - SHOWN_ELSEWHERE.keys()))
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


def test_rules__each_one__has_a_drift_or_a_test_of_its_own(outcomes):
    assert RULES.keys() - outcomes.keys() - SHOWN_ELSEWHERE.keys() == set()


def test_drifts__in_all__are_more_than_three_hundred_and_distinct(players, postgres):
    names = [d.name for player in players.values() for d in of_stage(player.stage, postgres)]
    assert len(names) == len(set(names)) > 300


def test_merged__both_suffer__is_one_finding_with_the_worse_severity():
    one = Finding("HO012", "t.c", "is text", "A expects uuid", "Revert.", "risky", "original")
    other = Finding("HO012", "t.c", "is text", "B expects uuid", "Revert.", "breaking", "backend")
    (both,) = merged([one, other])
    assert (both.hurts, both.severity) == ("both", "breaking")
    assert both.expected == "A expects uuid, and B expects uuid"


def test_settings__every_one__is_planted_on_both_sides():
    names = [d.name for d in other_drifts.drifts() if d.kind == "settings"]
    for setting in other_drifts.SETTINGS:
        sides = {side for side in ("original", "backend") if any(f" {side} {setting} " in f"{name} " for name in names)}
        assert sides == {"original", "backend"}, setting


def test_findings__every_code__is_in_the_reference_with_its_title():
    page = (house.ROOT / "docs" / "reference" / "handover-findings.md").read_text()
    for code, rule in RULES.items():
        assert f"| {code} | {rule.title} |" in page
    for code in (*ELSEWHERE, *SAID):
        assert f"| {code} |" in page
