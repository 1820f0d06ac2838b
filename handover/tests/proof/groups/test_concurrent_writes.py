"""Both systems of a fixture pair write at once, in interpreters of their own, on a clone; what breaks is broken."""

import pytest

from handover import config as configuration
from handover.config import SideName
from handover.evidence.folder import recording
from handover.proof.crew import Plan
from handover.proof.groups import concurrent_writes
from handover.proof.outcome import Outcome
from handover.proof.venue import Venue
from tests.faults.concurrent import NARROW

PLAN = Plan(operations=480, batch=12, agents=2, rows=3, rows_last=160)


def proven(pair, *, plan: Plan = PLAN, throwaway: bool = True, seed: int = 1) -> Outcome:
    config = configuration.load(pair.folder / "handover.toml")
    venue = Venue(config, pair.database.url("owner"), throwaway, size="small", seed=seed, say=lambda _: None)
    with recording(config, "prove") as recorder:
        return concurrent_writes.prove(venue, recorder, plan)


def writing(pair, **styles: tuple[str, ...]) -> None:
    path = pair.folder / "handover.toml"
    lines = [f"{side} = {list(chosen)}" for side, chosen in styles.items()]
    path.write_text("\n".join([path.read_text(), "[prove.concurrent]", *lines, ""]))


def places(outcome: Outcome) -> set[tuple[str, str, SideName | None]]:
    return {(f.finding.code, f.finding.where, f.caused_by) for f in outcome.failures}


def test_prove__narrow_writes_on_both_sides__nothing_is_found_and_the_control_is(pair):
    writing(pair, original=NARROW, backend=NARROW)
    outcome = proven(pair)
    assert places(outcome) == set()
    assert outcome.empty == ()
    assert outcome.figures["backend_anomalies"] == outcome.figures["unaccepted_anomalies"] == 0
    assert outcome.figures["planted_caught"] == 2
    assert outcome.figures["contended_pct"] >= 30
    assert outcome.figures["faults"] == 3


def test_prove__original_saves_what_it_holds__is_found_and_laid_at_its_door(pair):
    writing(pair, original=("save", "sweep", "purge"), backend=NARROW)
    outcome = proven(pair)
    assert ("HO320", "dance_tasks: stale save by the original", "original") in places(outcome)
    assert {side for _, _, side in places(outcome)} == {"original"}
    assert outcome.figures["backend_anomalies"] == 0
    (stale,) = [f for f in outcome.failures if f.finding.code == "HO320"]
    assert "original" in stale.reproduce[-1]
    assert "knew" in stale.reproduce[-1]


@pytest.mark.parametrize("column", ["text", "number", "status"])
def test_prove__column_is_not_there__says_which_and_what_to_do(pair, column):
    path = pair.folder / "handover.toml"
    path.write_text(path.read_text() + f'[prove.concurrent]\ntable = "dance_tasks"\n{column} = "nothing"\n')
    with pytest.raises(configuration.ConfigurationError, match=rf"HO337  no model fits(.*\n)*.*{column} \(nothing\)"):
        proven(pair)
