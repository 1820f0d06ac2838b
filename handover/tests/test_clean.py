"""No false alarm: what hurts neither system is neither risky nor breaking."""

import pytest

from handover_testing.drifts.benign import changes

CHANGES = {change.name: change for change in changes()}


def test_changes__in_all__are_twenty_five_at_least():
    assert len(CHANGES) >= 25


# Each takes a moment: most are left to the long run.
@pytest.mark.thinned(to_one_in=15)
@pytest.mark.parametrize("name", CHANGES)
def test_check__change_that_hurts_neither_system__is_no_alarm(players, name):
    change = CHANGES[name]
    said = players[change.shape].play(change).said
    assert [f"{f.severity} {f}" for f in said if f.severity != "safe"] == []


def test_check__documented_addition__is_said_to_be_safe(players):
    for name in (name for name in CHANGES if name.endswith("a new nullable column")):
        said = players[CHANGES[name].shape].play(CHANGES[name]).said
        assert [(f.code, f.severity) for f in said] == [("HO130", "safe")]
        assert said[0].where.endswith(".new_job")
