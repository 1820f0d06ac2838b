"""The contract: the findings that were accepted, in a JSON file that is reviewed like code."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pydantic import Field, ValidationError

import handover.census  # declares the codes of its questions
import handover.rules  # noqa: F401 - declares the codes of all rules
from handover.check.former_texts import todays
from handover.check.merging import ORDER, by_cause
from handover.codes import CODES, Source
from handover.codes.code import Counts
from handover.config.config import Config
from handover.config.section import Section
from handover.errors import ConfigurationError
from handover.finding import Finding, Severity

# The numbers and the examples in what findings say that count rows among words.
CHANGING = re.compile(
    r" \(for example .*\)$|(?<=has )\d+(?= rows?\b| of \d+ keys)|(?<=has about )\d+|(?<=of which )\d+"
    r"|(?<=names )(more than )?\d+(?= files?\b)|(?<=only )\d+(?= were)|(?<=its next is )-?\d+"
)


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
    found, expected, severity
        What was found when it was accepted: something else at the same place is another finding, and so is what has
        become worse. None says nothing about it. Numbers of rows are left out, since they change.
    parts
        Of findings with one cause, those that were accepted: another one is open.
    """

    code: str = Field(pattern=r"^HO\d{3}$")
    place: str = Field(min_length=1)
    because: str = Field(min_length=1)
    until: date | None = None
    found: str | None = None
    expected: str | None = None
    severity: Severity | None = None
    parts: tuple[str, ...] = ()

    def covers(self, finding: Finding) -> bool:
        """Say whether this is the finding that was accepted, or one of those."""
        cause = finding.cause
        alone = self._is_at(finding.where, finding.said, finding.expected)
        among = cause is not None and cause.part in self.parts and self._is_at(cause.where, cause.found, cause.expected)
        return self.code == finding.code and (alone or among) and not self._was_milder(finding)

    def _is_at(self, place: str, found: str, expected: str) -> bool:
        same = self._today(self.found) in (None, lasting(self.code, found), found)
        as_expected = self._today(self.expected) in (None, lasting(self.code, expected))
        return self._today(self.place) == place and same and as_expected

    def _today(self, text: str | None) -> str | None:
        return text and todays(self.code, text)

    def _was_milder(self, finding: Finding) -> bool:
        return self.severity is not None and ORDER[finding.severity] < ORDER[self.severity]


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
    """Say whether ``handover prove`` finds it; all else is found by ``handover check``."""
    return code in CODES and CODES[code].source is Source.PROVE


@dataclass(frozen=True)
class JudgedFindings:
    """Findings sorted by the contract.

    Attributes
    ----------
    open
        No acceptance covers them.
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
    return config.root / config.contract


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
    for entry in values.get("accepted", ()):
        if not entry["parts"]:
            del entry["parts"]
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".json.new")
    aside.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n")
    aside.replace(path)


def judge(contract: Contract, findings: Iterable[Finding], today: date) -> JudgedFindings:
    """Sort findings into those that are open and those that the contract accepts.

    Parameters
    ----------
    contract
        What was accepted.
    findings
        What was found.
    today
        Acceptances end after their last day.
    """
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
    return JudgedFindings(tuple(opened), tuple(accepted), expired, idle)


def accept(
    contract: Contract, findings: Iterable[Finding], code: str, place: str, because: str, until: date | None
) -> Contract:
    """Return the contract with one more acceptance: of all that this code says of this place.

    Parameters
    ----------
    contract
        What was accepted before.
    findings
        What was found.
    code, place
        Which of them to accept.
    because
        The reason.
    until
        The last day of the acceptance; None for no end.

    Raises
    ------
    ConfigurationError
        There is no such finding; names those that are there.
    """
    alone = [f for f in findings if f.severity != "safe"]
    grouped = by_cause(alone)
    chosen = [f for f in dict.fromkeys((*grouped, *alone)) if (f.code, f.where) == (code, place)]
    if not chosen:
        listed = "\n".join(f"  {f.code} {f.where!r}" for f in grouped) or "  none"
        raise ConfigurationError(f"there is no finding {code} at {place!r}; nothing was written. There are:\n{listed}")
    new = [_accepted(finding, because, until) for finding in chosen]
    kept = [a for a in contract.accepted if not any(_replaces(one, a) for one in new)]
    return Contract(accepted=(*kept, *new))


def _accepted(finding: Finding, because: str, until: date | None) -> Accepted:
    code, place = finding.code, finding.where
    if _counts(code) == "only rows":
        return Accepted(code=code, place=place, because=because, until=until)
    cause = finding.cause if finding.parts else None
    found = cause.found if cause else lasting(code, finding.said)
    return Accepted(
        code=code, place=place, because=because, until=until, found=found, expected=lasting(code, finding.expected),
        severity=finding.severity, parts=finding.parts if cause else (),
    )  # fmt: skip


def _replaces(new: Accepted, old: Accepted) -> bool:
    same = (old.code, todays(old.code, old.place)) == (new.code, new.place)
    return same and (old.found is None or todays(old.code, old.found) == new.found)


def _counts(code: str) -> Counts:
    return CODES[code].counts if code in CODES else "nothing"


def lasting(code: str, found: str) -> str:
    """Return what stays the same as long as it is the same finding.

    Examples
    --------
    >>> lasting("HO221", "has 3 rows of this kind: rows are NaN or infinite (for example 7, 8, 9)")
    'has … rows of this kind: rows are NaN or infinite'
    >>> lasting("HO012", "is character varying(10)")
    'is character varying(10)'
    """
    if _counts(code) != "rows among words":
        return found
    without = CHANGING.sub(lambda match: "" if match[0].startswith(" (") else "…", found)
    return without.replace("… row of", "… rows of").replace("… file that", "… files that")
