"""All faults of all groups, and all changes that are none."""

from collections.abc import Iterator

from tests.faults import identity, read_across
from tests.faults.fault import Fault

# A module a group; each has ``faults()`` and ``clean()``.
MODULES = (read_across, identity)


def every() -> Iterator[Fault]:
    """Yield every fault, then every clean pair."""
    for module in MODULES:
        yield from module.faults()
    for module in MODULES:
        yield from module.clean()
