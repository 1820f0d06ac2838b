"""Faults planted in a clean pair: one of each kind that the command's own tests do not plant. All: prove-mutants."""

import pytest

from tests.drifts.shapes import DANCE
from tests.faults.every import every
from tests.faults.play import play

PLANTED = (
    "another related_name",
    "a new column is lost by the original's save",
    "a foreign key that blocks deletes",
    "another authentication backend's path",
    "another secret key",
)
CLEAN = ("another label and help text",)


def faults(names: tuple[str, ...]) -> list:
    chosen = [fault for fault in every() if fault.name in names]
    assert len(chosen) == len(names)
    assert all(fault.shape == DANCE.name for fault in chosen)
    return [pytest.param(fault, id=fault.name) for fault in chosen]


@pytest.mark.parametrize("fault", faults(PLANTED))
def test_prove__fault_is_planted__is_caught(stage, python, tmp_path, fault):
    played = play(stage, fault, python, tmp_path)
    assert played.caught, str(played)


@pytest.mark.parametrize("fault", faults(CLEAN))
def test_prove__change_that_hurts_nobody__is_green(stage, python, tmp_path, fault):
    played = play(stage, fault, python, tmp_path)
    assert played.green, str(played)


def test_every__at_least_thirty_faults_of_these_groups__with_names_of_their_own():
    names = [fault.name for fault in every()]
    assert len(set(names)) == len(names)
    planted = [fault for fault in every() if fault.code and fault.group in ("read-across", "identity")]
    assert len(planted) >= 30
