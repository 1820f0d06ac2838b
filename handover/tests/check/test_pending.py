"""Migrations that are left to run: what they rename is looked for."""

import pytest

from handover_testing.drifts.declared import DECLARED, renames
from handover_testing.drifts.drift import Drift


def outcome(players, *, what: str, there: bool):
    """Play one of the renames, in a database where it can run or in one where it was done already."""
    edit, files, sql = next(rest for name, *rest in renames(there=there) if name == what)
    drift = Drift(what, "history", DECLARED.name, "HO109", "0003_renames", "breaking", edit, files, sql)
    return players[DECLARED.name].play(drift)


@pytest.mark.parametrize("what", [name for name, *_ in renames()])
def test_pending_rename__its_source_is_gone__is_breaking_and_says_so(players, what):
    played = outcome(players, what=what, there=False)
    (said,) = [f for f in played.said if f.code == "HO109"]
    assert said.severity == "breaking"
    assert said.hurts == "backend"
    assert "does not exist" in said.found


@pytest.mark.parametrize("what", [name for name, *_ in renames()])
def test_pending_rename__its_source_is_there__is_only_left_to_run(players, what):
    played = outcome(players, what=what, there=True)
    codes = {f.code for f in played.said}
    assert "HO109" not in codes
    assert "HO173" in codes
