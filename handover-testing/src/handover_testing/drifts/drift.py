"""A drift: one fact changed in an otherwise clean pair, and what the check must say about it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from handover.finding import Severity
from handover.side import Side
from handover_testing.drifts.projects import Project

Edit = Callable[[dict[Side, Project]], None]


@dataclass(frozen=True)
class Drift:
    """One drift.

    ``severity`` is decided by what would happen to people and rows, not by what the check says today. ``code`` is the
    rule that must see it, and ``place`` stands in the finding's place. It is planted by ``edit`` (of the two projects),
    by ``files`` (below the folder of both), by ``sql`` (as superuser on a clone of the database), or by several.
    """

    name: str
    kind: str
    shape: str
    code: str
    place: str
    severity: Severity
    edit: Edit | None = None
    files: Callable[[Path], None] | None = None
    sql: str = ""
