"""Whether the proofs still hold for the present database; the gates of the move ask this."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from handover.config.config import Config
from handover.journal.evidence import EvidenceError, latest
from handover.journal.key import FolderKeyError
from handover.proof.groups import GROUPS
from handover.proof.run import KIND

MAX_AGE = timedelta(hours=24)


def proven(config: Config, fingerprint: str, max_age: timedelta = MAX_AGE, *, now: datetime | None = None) -> list[str]:
    """Return the reasons why the proofs do not hold; an empty list means that they hold.

    Every group must be green in the newest signed run, or have had nothing to compare, on a database of this shape, and
    that run must be young enough.

    Parameters
    ----------
    config
        The pair.
    fingerprint
        Fingerprint of the database that the move is about, see :func:`handover.schema.fingerprint.fingerprint`.
    max_age
        The oldest run that counts.
    now
        The moment at which the age is measured, in UTC; now by default.
    """
    try:
        last = latest(config, KIND)
    except (EvidenceError, FolderKeyError) as error:
        return [str(error)]
    if last is None:
        return ["nothing was proved yet; run `handover prove`"]
    return list(_reasons(dict(last.summary), fingerprint, (now or datetime.now(UTC)) - last.finished_at, max_age))


def _reasons(summary: dict[str, object], fingerprint: str, age: timedelta, max_age: timedelta) -> Iterator[str]:
    again = "run `handover prove` again"
    groups = summary.get("groups")
    known = groups if isinstance(groups, dict) else {}
    for name in (name for group in GROUPS for name in group.outcomes):
        if name not in known:
            yield f"{name} was not run; {again} with all groups"
        elif known[name].get("green") is not True and not known[name].get("nothing"):
            yield f"{name} is not green; {again}"
    if summary.get("fingerprint") != fingerprint:
        yield f"it was proved on the shape {summary.get('fingerprint')}, the database has {fingerprint}; {again}"
    if summary.get("on") == "production, read only":
        yield f"the last run only read; {again} on a copy"
    if age > max_age:
        hours, most = (time.total_seconds() / 3600 for time in (age, max_age))
        yield f"the last run ended {hours:.0f} h ago, more than {most:.0f}; {again}"
    if age < timedelta(0):
        yield f"the last run ended in the future by this clock; {again}"
