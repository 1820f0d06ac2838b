"""Faults planted in a clean pair: one of each kind that the command's own tests do not plant. All: prove-mutants."""

import pytest

from handover_testing.drifts.shapes import DANCE
from handover_testing.faults import identity, read_across
from handover_testing.faults.every import BENIGN, HISTORIES, every
from handover_testing.faults.play import play

PLANTED = (
    "another related_name",
    "rows are not made in bulk",
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
def test_prove__harmless_change__is_green(stage, python, tmp_path, fault):
    played = play(stage, fault, python, tmp_path)
    assert played.green, str(played)


@pytest.mark.full
@pytest.mark.parametrize("fault", [f for f in read_across.clean() if f.shape != DANCE.name], ids=lambda f: f.name)
def test_prove__clean_pair_of_another_shape__is_green(players, python, tmp_path, fault):
    played = play(players[fault.shape].stage, fault, python, tmp_path)
    assert played.green, str(played)


@pytest.mark.full
def test_prove__every_row_is_refused__is_reported_at_the_table(stage, python, tmp_path):
    (fault,) = [fault for fault in read_across.faults() if fault.name == "new keys are no UUIDs"]
    played = play(stage, fault, python, tmp_path)
    assert {f.where for f in played.findings if f.code == "HO307"} == {"dance_videos"}, str(played)


def test_every__at_least_sixty_faults_and_ten_clean_pairs__with_names_of_their_own():
    cases = list(every())
    assert len({case.name for case in cases}) == len(cases)
    assert sum(case.planted for case in cases if case.group != HISTORIES) >= 60
    assert sum(not case.planted for case in cases) >= 10
    assert {case.name for case in cases} >= {f"clean {name}" for name in BENIGN}
