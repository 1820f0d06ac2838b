"""Tables that neither system's Django makes: where both say the same of one, it is as it was for the original."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from handover.check.subject import Pair, Subject
from handover.errors import Finding

# How a table is made, which an unmanaged model does not say; a column or a row that is missing hurts all the same.
MADE_BY_OTHERS = frozenset(
    [
        "HO012",
        "HO013",
        "HO016",
        "HO018",
        "HO140",
        "HO142",
        "HO144",
        "HO150",
        "HO151",
        "HO152",
        "HO153",
        "HO155",
        "HO157",
        "HO160",
        "HO161",
        "HO163",
    ]
)
# What Python names, and no column holds.
NAMES = {"path", "label", "app_label", "name", "writes", "checks", "signals", "rows", "permissions"}


def weighed(subject: Subject, findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yield findings; those that only say how an unmanaged table is made, the same to both systems, are safe."""
    tables = [str(pair.table) for pair in subject.pairs if _is_alike(pair)]
    for finding in findings:
        about = finding.code in MADE_BY_OTHERS and finding.hurts == "both"
        if about and any(finding.where == t or finding.where.startswith((f"{t}.", f"{t} (")) for t in tables):
            yield replace(finding, severity="safe", of=None)
        else:
            yield finding


def _is_alike(pair: Pair) -> bool:
    one, other = pair.original, pair.backend
    if one.managed or other.managed:
        return False
    return one.model_dump(exclude=NAMES) == other.model_dump(exclude=NAMES)
