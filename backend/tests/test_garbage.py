"""What is loaded is left out of the search for garbage; what comes later is not."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from serving.garbage import THRESHOLDS, WARM, Loaded


class Ring:
    """Garbage that only a collection finds."""

    def __init__(self) -> None:
        self.self = self


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    thresholds, callbacks = gc.get_threshold(), list(gc.callbacks)
    gc.disable()  # only the collections that a test asks for
    yield
    gc.enable()
    gc.callbacks[:] = callbacks
    gc.set_threshold(*thresholds)
    gc.unfreeze()


def test_begin__leaves_out_what_is_loaded__and_not_what_comes():
    before = gc.get_freeze_count()
    Loaded().begin()
    assert gc.get_freeze_count() > before + 10_000
    come = weakref.ref(Ring())
    assert come(), "only a collection finds it"
    gc.collect()
    assert not come(), "it was collected"


def test_first_full_collections__leave_out_what_lived_through_them__the_next_do_not():
    Loaded().begin()
    for _ in range(WARM):
        kept = Ring()
        gc.collect(1)
        assert looked_through(kept)
        assert gc.get_threshold() != THRESHOLDS
        gc.collect()
        assert not looked_through(kept)
    assert gc.get_threshold() == THRESHOLDS
    kept = Ring()
    gc.collect()
    assert looked_through(kept)


def looked_through(thing: object) -> bool:
    return any(one is thing for one in gc.get_objects())
