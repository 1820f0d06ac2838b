"""How many cores a process may use: those that it may run on, and no more than its quota of their time."""

import math
import os
from collections.abc import Iterator
from pathlib import Path

GROUPS = Path("/proc/self/cgroup")
TREE = Path("/sys/fs/cgroup")


def number_of_cores() -> int:
    """Return how many cores this process may use.

    Returns
    -------
    int
        At least 1. A part of a core counts as one.

    Notes
    -----
    A quota is what a container or a unit of systemd has (``--cpus``, ``CPUQuota=``). It is read from Linux's control
    groups, of both versions: ``cpu.max``, or ``cpu.cfs_quota_us`` and ``cpu.cfs_period_us``.
    """
    return min([len(os.sched_getaffinity(0)), *(math.ceil(cores) for cores in _quotas())])


def _quotas() -> Iterator[float]:
    """Yield the quota of each control group that this process is in, in cores."""
    for line in _words(GROUPS, "\n"):
        _, controllers, path = line.split(":", 2)
        tree = TREE / "cpu" if "cpu" in controllers.split(",") else TREE
        if controllers and tree == TREE:
            continue  # of memory, of devices
        group = Path(path.lstrip("/"))
        for folder in (group, *group.parents):
            limit = _words(tree / folder / "cpu.max") or [
                *_words(tree / folder / "cpu.cfs_quota_us"),
                *_words(tree / folder / "cpu.cfs_period_us"),
            ]
            if len(limit) == 2 and limit[0] not in {"max", "-1"}:  # noqa: PLR2004 - time in each period, both in µs
                yield int(limit[0]) / int(limit[1])


def _words(file: Path, between: str | None = None) -> list[str]:
    """Return the words of a file, or its parts between separators; none if it is missing or empty."""
    try:
        text = file.read_text().strip()
    except OSError:
        return []
    return text.split(between) if text else []
