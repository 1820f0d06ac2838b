"""``handover/contract.json``: the findings that were accepted, reviewed like code."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pydantic import Field, ValidationError

from handover.config import Config
from handover.errors import ConfigurationError, Finding
from handover.section import Section

FILE = Path("handover/contract.json")
# What these found is a number of rows, which changes every day; the others are accepted as they were found.
COUNTS = ("HO22", "HO23", "HO24", "HO352", "HO353", "HO370", "HO371")
# What `handover prove` finds; all else is found by `handover check`.
PROVED = range(300, 440)


class Accepted(Section):
    """One accepted finding.

    Attributes
    ----------
    code, place
        Which finding.
    because
        Why it is no problem, or a known one.
    until
        The last day on which that holds; None for good.
    found
        What was found when it was accepted: something else at the same place is another finding. None for counts of
        rows, which change.
    """

    code: str = Field(pattern=r"^HO\d{3}$")
    place: str = Field(min_length=1)
    because: str = Field(min_length=1)
    until: date | None = None
    found: str | None = None

    def covers(self, finding: Finding) -> bool:
        """Say whether this is the finding that was accepted."""
        same = (self.code, self.place) == (finding.code, finding.where)
        return same and self.found in (None, finding.found)


class Contract(Section):
    """Everything that was accepted."""

    accepted: tuple[Accepted, ...] = ()

    def of_proofs(self) -> "Contract":
        """Return the part that accepts what proofs find."""
        return Contract(accepted=tuple(a for a in self.accepted if is_proved(a.code)))

    def of_checks(self) -> "Contract":
        """Return the part that accepts what checks find."""
        return Contract(accepted=tuple(a for a in self.accepted if not is_proved(a.code)))


def is_proved(code: str) -> bool:
    """Say whether a finding is one of ``handover prove``."""
    return int(code.removeprefix("HO")) in PROVED


@dataclass(frozen=True)
class Judged:
    """Findings sorted by the contract.

    Attributes
    ----------
    open
        Nobody accepted them.
    accepted
        With what accepts them.
    expired
        The acceptances whose time is over; what they accepted is open again.
    idle
        The acceptances that accept nothing that was found.
    """

    open: tuple[Finding, ...]
    accepted: tuple[tuple[Finding, Accepted], ...]
    expired: tuple[Accepted, ...]
    idle: tuple[Accepted, ...]


def path_of(config: Config) -> Path:
    """Return where a pair's contract lies."""
    return config.root / FILE


def load(path: Path) -> Contract:
    """Read a contract; a file that is not there accepts nothing.

    Raises
    ------
    ConfigurationError
        It is no JSON, or not as expected.
    """
    if not path.exists():
        return Contract()
    try:
        return Contract.model_validate_json(path.read_bytes())
    except ValidationError as error:
        lines = [f"  {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise ConfigurationError("\n".join([f"{path} is not as expected:", *lines])) from error


def save(path: Path, contract: Contract) -> None:
    """Write a contract, sorted, so that a review shows what changed and nothing else."""
    entries = sorted(contract.accepted, key=lambda a: (a.code, a.place))
    values = Contract(accepted=tuple(entries)).model_dump(mode="json", exclude_none=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".json.new")
    aside.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n")
    aside.replace(path)


def judge(contract: Contract, findings: Iterable[Finding], today: date) -> Judged:
    """Sort findings into those that are open and those that the contract accepts."""
    current = [a for a in contract.accepted if a.until is None or a.until >= today]
    found = list(findings)
    opened, accepted = [], []
    for finding in found:
        covering = next((a for a in current if a.covers(finding)), None)
        if covering is None:
            opened.append(finding)
        else:
            accepted.append((finding, covering))
    expired = tuple(a for a in contract.accepted if a not in current)
    idle = tuple(a for a in current if not any(a.covers(finding) for finding in found))
    return Judged(tuple(opened), tuple(accepted), expired, idle)


def accept(
    contract: Contract, findings: Iterable[Finding], code: str, place: str, because: str, until: date | None
) -> Contract:
    """Return the contract with one more acceptance.

    Raises
    ------
    ConfigurationError
        There is no such finding; names those that are there.
    """
    there = [f for f in findings if f.severity != "safe"]
    finding = next((f for f in there if (f.code, f.where) == (code, place)), None)
    if finding is None:
        listed = "\n".join(f"  {f.code} {f.where!r}" for f in there) or "  none"
        raise ConfigurationError(f"there is no finding {code} at {place!r}; nothing was written. There are:\n{listed}")
    found = None if code.startswith(COUNTS) else finding.found
    new = Accepted(code=code, place=place, because=because, until=until, found=found)
    kept = [a for a in contract.accepted if not ((a.code, a.place) == (code, place) and a.found in (None, found))]
    return Contract(accepted=(*kept, new))
