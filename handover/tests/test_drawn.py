"""Projects that a generator draws: an equal twin is clean, a planted difference is seen at its place."""

import os

import pytest

from handover_testing.drifts.drawn import trial

# The bench plays more of them, and others.
NUMBERS, TWINS, DIFFERENCES = ((7, 8), 3, 6) if os.environ.get("COMPAS_FULL") == "1" else ((7,), 1, 2)


@pytest.fixture(scope="module")
def tally(parent, postgres) -> trial.Tally:
    return trial.play(NUMBERS, TWINS, DIFFERENCES, postgres, parent)


def test_twins__everything_that_does_not_matter_is_another__are_clean(tally):
    assert len(tally.twins) == len(NUMBERS) * TWINS
    assert tally.alarms == {}


def test_differences__one_is_planted__is_seen_at_its_place_and_is_as_bad_as_said(tally):
    assert len(tally.planted) == len(NUMBERS) * DIFFERENCES
    assert [*tally.missed, *tally.misjudged] == []


def test_draw__the_same_number__draws_the_same():
    one, other = (trial.draw(1, 0, 7) for _ in range(2))
    texts = [[m.source() for m in d.twins[0].models.values()] for d in (one, other)]
    assert texts[0] == texts[1]
    assert texts[0] != [m.source() for m in one.world.project.models.values()]
