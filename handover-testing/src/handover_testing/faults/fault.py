"""A fault: one thing planted in a clean pair, which a group of proofs must catch."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from handover_testing.drifts.drift import Edit


@dataclass(frozen=True)
class Fault:
    """One fault, or with an empty ``code`` a change that is none.

    ``group`` is the group of proofs that must catch it with a finding whose code begins with ``code``, at a place that
    holds ``place``. It is planted by ``edit`` (of the two projects), by ``files`` (below the folder of both), by
    ``sql`` (as superuser on a clone of the database), or by several. ``models`` are those that the pair maps; empty
    means all.
    """

    name: str
    group: str
    shape: str
    code: str = ""
    place: str = ""
    edit: Edit | None = None
    files: Callable[[Path], None] | None = None
    sql: str = ""
    models: tuple[str, ...] = ()
