"""A fault that is planted in a clean pair; a group of proofs must catch it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from handover_testing.drifts.drift import Edit


@dataclass(frozen=True)
class Fault:
    """One fault; with an empty ``code``, a change that is no fault.

    ``group`` is the group of proofs that must catch it, with a finding whose code begins with ``code`` and whose place
    holds ``place``. The fault is planted by ``edit`` (of the two projects), ``files`` (below the folder of both),
    ``sql`` (as superuser on a clone of the database), or several of these. ``models`` are the mapped models;
    empty means all.
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
