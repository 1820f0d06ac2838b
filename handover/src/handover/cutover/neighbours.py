"""The other records of a zone: which of them decide what people get from ours, and which may change meanwhile."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from handover.config.config import Dns
from handover.cutover.dns_record import ZoneState

# Beside our record these answer other questions; every other type, known or not, may send people elsewhere.
BESIDE = frozenset(
    ["CERT", "LOC", "MX", "NAPTR", "OPENPGPKEY", "PTR", "SMIMEA", "SPF", "SRV", "SSHFP", "TLSA", "TXT", "URI"]
)
# At our name or above it: another server answers, another name is asked, another certificate may be had.
ABOVE = frozenset(("CAA", "DNAME", "DS", "NS"))


def key(name: str, kind: str) -> str:
    """Return how a plan names a record of the zone: ``NAME TYPE``, ``@`` for the zone's own name."""
    return f"{name or '@'} {kind}"


@dataclass(frozen=True)
class Neighbourhood:
    """Which records are near one: ``name`` is ours, relative to the zone; ``targets`` are names that it leads to."""

    name: str
    targets: frozenset[str]

    def is_near(self, name: str, kind: str) -> bool:
        """Say whether a record decides what people get from ours."""
        if name in (self.name, *self.targets) and kind not in BESIDE:
            return True
        if name in self._above():
            return kind in ABOVE
        stars = {f"*.{above}" if above else "*" for above in self._above()}
        return name in stars and kind not in BESIDE

    def _above(self) -> set[str]:
        labels = self.name.split(".") if self.name else []
        return {".".join(labels[start:]) for start in range(1, len(labels) + 1)}


def around(dns: Dns, name: str) -> Neighbourhood:
    """Return what is near the record ``name``: what is above it, beside it, and what it leads to in this zone."""
    end = f".{dns.zone.rstrip('.')}"
    names = (value.rstrip(".") for value in (*dns.original, *dns.backend)) if dns.type == "CNAME" else ()
    return Neighbourhood(name, frozenset(one.removesuffix(end) for one in names if one.endswith(end)))


def changed(was: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return the records that are new, gone or different, in words."""
    found = []
    for one in sorted(was.keys() | now.keys()):
        if one not in now:
            found.append(f"{one} is gone")
        elif one not in was:
            found.append(f"{one} is new")
        elif was[one] != now[one]:
            found.append(f"{one} is different")
    return found


def worth_telling(changes: Iterable[str], harmless: Iterable[str]) -> list[str]:
    """Return the changes that the team did not declare harmless.

    Parameters
    ----------
    changes
        As :func:`changed` returns them.
    harmless
        Patterns of ``[dns] harmless``: a name, or a name and a type, with ``*`` for anything.

    Examples
    --------
    >>> worth_telling(["_acme-challenge.www TXT is new", "mail MX is gone"], ["_acme-challenge* TXT"])
    ['mail MX is gone']
    """
    return [one for one in changes if not any(_fits(one, pattern) for pattern in harmless)]


def _fits(change: str, pattern: str) -> bool:
    name, kind, *_ = change.split(" ")
    wanted, _, of = pattern.strip().partition(" ")
    return fnmatchcase(name, wanted) and (not of or kind == of.strip().upper())


def other_changes(was: ZoneState, now: ZoneState, dns: Dns) -> list[str]:
    """Return the changes of the zone that do not touch our record and are worth telling.

    Parameters
    ----------
    was, now
        The zone when the plan was made, and as it is.
    dns
        The section ``[dns]``, which says what is harmless.
    """
    return worth_telling(changed(was.others, now.others), dns.harmless)
