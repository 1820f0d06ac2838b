"""Advice is tried: what a finding says is executed to the letter, and the finding is gone."""

import os
from collections.abc import Iterator
from datetime import date

import psycopg
import pytest

from handover.check.contract import Contract, accept, judge
from handover.check.merging import merged
from handover.finding import Finding
from handover_testing.drifts.drift import Drift
from handover_testing.drifts.every import of_stage, one_a_code
from handover_testing.drifts.mends import reason, statements
from handover_testing.drifts.play import Outcome, Player

TODAY = date(2026, 1, 15)


def of_database(players: dict[str, Player], postgres) -> Iterator[Drift]:
    """Yield the drifts that are planted in the database alone: there the advice can be executed."""
    for player in players.values():
        yield from (d for d in of_stage(player.stage, postgres) if d.sql and not (d.edit or d.files))


@pytest.fixture(scope="module")
def drifts(players, postgres) -> list[Drift]:
    """Return one drift of every ninth code; all of them with COMPAS_FULL=1."""
    every = list(of_database(players, postgres))
    return every if os.environ.get("COMPAS_FULL") == "1" else one_a_code(every)[::9]


@pytest.fixture(scope="module")
def outcomes(players, drifts) -> list[Outcome]:
    return [players[drift.shape].play(drift) for drift in drifts]


def told(outcome: Outcome) -> list[Finding]:
    """Return what the rule that must see the drift says of it."""
    return [finding for finding in outcome.at_place if finding.code == outcome.drift.code]


def test_advice__is_followed_to_the_letter__mends_the_drift_and_makes_no_other(players, outcomes):
    wrong, tried = [], set()
    for outcome in outcomes:
        run = [one for finding in told(outcome) for one in statements(finding.todo)]
        if not run:
            continue
        drift = outcome.drift
        try:
            after = players[drift.shape].play(drift, mend=dict.fromkeys(run))
        except psycopg.Error as error:
            wrong.append(f"{drift.name}: {run} ends with {error}")
            continue
        tried.add(drift.code)
        known = {(f.code, f.where) for f in outcome.said}
        left = [str(f) for f in after.said if f.severity != "safe"]
        new = [f for f in after.said if f.severity != "safe" and (f.code, f.where) not in known]
        if any(f.code == drift.code for f in after.at_place) or new:
            wrong.append(f"{drift.name}: {run} leaves {left}")
    assert not wrong, "\n".join(wrong)
    assert len(tried) >= ENOUGH


ENOUGH = 20 if os.environ.get("COMPAS_FULL") == "1" else 3


def test_advice__holds_no_statement__has_a_reason_and_can_be_accepted(outcomes):
    wrong = []
    for outcome in outcomes:
        found, code = told(outcome), outcome.drift.code
        if any(statements(finding.todo) for finding in found) == (reason(code) is not None):
            advice = [finding.todo for finding in found]
            wrong.append(f"{code} of {outcome.drift.name} needs a statement, or a reason, and not both: {advice}")
        for finding in merged(found):
            contract = accept(Contract(), found, finding.code, finding.where, "it was read", None)
            assert finding not in judge(contract, found, TODAY).open
    assert not wrong, "\n".join(wrong)
