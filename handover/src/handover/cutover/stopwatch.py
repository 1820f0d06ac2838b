"""A stopwatch: seconds that have gone by, whatever the clock is set to."""

import time
from collections.abc import Callable


def stopwatch() -> Callable[[], float]:
    """Return a function that says how many seconds have gone by since."""
    began = time.monotonic()
    return lambda: round(time.monotonic() - began, 3)
