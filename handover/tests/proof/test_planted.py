"""Faults planted in a clean pair: one of each kind that the command's own tests do not plant. All: prove-mutants."""

import pytest

from tests.drifts.shapes import DANCE
from tests.faults import identity, read_across
from tests.faults.every import HISTORIES, every
from tests.faults.play import play

PLANTED = (
    "another related_name",
    "a new column is lost by the original's save",
    "a foreign key that blocks deletes",
    "another authentication backend's path",
    "another secret key",
)
CLEAN = ("another label and help text",)
BRIEFLY = ("another secret key",)


def faults(names: tuple[str, ...]) -> list:
    known = [*read_across.faults(), *identity.faults(), *read_across.clean()]
    chosen = [fault for fault in known if fault.name in names]
    assert len(chosen) == len(names)
    assert all(fault.shape == DANCE.name for fault in chosen)
    long = {fault.name: [] if fault.name in BRIEFLY else [pytest.mark.full] for fault in chosen}
    return [pytest.param(fault, id=fault.name, marks=long[fault.name]) for fault in chosen]


@pytest.mark.parametrize("fault", faults(PLANTED))
def test_prove__fault_is_planted__is_caught(stage, python, tmp_path, fault):
    played = play(stage, fault, python, tmp_path)
    assert played.caught, str(played)


@pytest.mark.parametrize("fault", faults(CLEAN))
def test_prove__change_that_hurts_nobody__is_green(stage, python, tmp_path, fault):
    played = play(stage, fault, python, tmp_path)
    assert played.green, str(played)


def test_every__at_least_sixty_faults_and_ten_clean_pairs__with_names_of_their_own():
    cases = list(every())
    assert len({case.name for case in cases}) == len(cases)
    assert sum(case.planted for case in cases if case.group != HISTORIES) >= 60
    assert sum(not case.planted for case in cases) >= 10
