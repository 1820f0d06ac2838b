"""The gates before the switch: what each one sees, and whether people may be moved."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg

from handover.config.config import Config
from handover.config.cutover import Gate, GateKind
from handover.cutover import certificate, evidence, present, sign, ttl
from handover.cutover.run import Night
from handover.cutover.sight import Seen, Sight, sight
from handover.errors import HandoverError, Refused
from handover.finding import Finding
from handover.journal.journal import Journal

LOOKS: dict[GateKind, Callable[[Sight, Gate], Seen]] = {
    "check": present.check,
    "proofs": present.proofs,
    "watch": present.watch,
    "backup": evidence.backup,
    "rehearsal": evidence.rehearsal,
    "capacity": evidence.capacity,
    "certificate": certificate.look,
    "ttl": ttl.look,
    "sign-offs": sign.look,
}
CODES: dict[GateKind, str] = {kind: f"HO{540 + number}" for number, kind in enumerate(LOOKS)}


@dataclass(frozen=True)
class Judged:
    """A gate with what it sees; ``because`` is why it was overridden, empty when it was not."""

    gate: Gate
    seen: Seen
    because: str = ""

    @property
    def open(self) -> bool:
        """Whether people may pass."""
        return self.seen.ok or bool(self.because)

    def finding(self) -> Finding:
        """Return why it is red."""
        code, where = CODES[self.gate.kind], f"gate {self.gate.id}"
        return Finding(
            code=code,
            where=where,
            found=f"is red: {self.seen.found}",
            expected=f"it is there because {self.gate.reason}",
            todo=self.seen.todo,
        )

    def as_json(self) -> dict[str, Any]:
        """Return it as the journal keeps it."""
        values = {"gate": self.gate.id, "kind": self.gate.kind, "ok": self.seen.ok, "found": self.seen.found}
        return values | ({"overridden": self.because} if self.because else {})


def look(
    config: Config, journal: Journal, plan: Mapping[str, Any] | None, overrides: Mapping[str, str] | None = None
) -> list[Judged]:
    """Look at every declared gate; what cannot be looked at is red.

    Raises
    ------
    Refused
        No gate is declared, or an override names none.
    """
    if not config.gates:
        message = "handover.toml declares no [[gates]], so nothing says that people may be moved."
        raise Refused(f"{message} Declare them: docs/reference/handover-toml.md", code="HO549")
    overrides = overrides or {}
    ids = [gate.id for gate in config.gates]
    if unknown := sorted(set(overrides) - set(ids)):
        raise Refused(f"there is no gate {', '.join(unknown)}; there are {', '.join(ids)}.", code="HO549")
    seen_from = sight(config, journal, plan)
    return [Judged(gate, _look(seen_from, gate), overrides.get(gate.id, "")) for gate in config.gates]


def _look(seen_from: Sight, gate: Gate) -> Seen:
    try:
        return LOOKS[gate.kind](seen_from, gate)
    except (HandoverError, psycopg.Error, OSError) as error:
        return Seen(
            ok=False, found=f"it could not be looked at: {str(error).strip()}", todo="Mend that, then look again."
        )


def require(night: Night) -> dict[str, Any]:
    """Return what every gate sees.

    Raises
    ------
    Refused
        One is red and not overridden.
    """
    overrides = night.facts.get("overrides", {})
    judged = look(night.config, night.journal, night.facts["plan"], overrides)
    for one in judged:
        if one.because and not one.seen.ok:
            night.say(f"OVERRIDDEN  gate {one.gate.id} is red: {one.seen.found} -- because: {one.because}")
    night.journal.add("gates", {"gates": [one.as_json() for one in judged]})
    red = tuple(one.finding() for one in judged if not one.open)
    if red:
        message = f"{len(red)} of {len(judged)} gates are red; nothing was switched."
        raise Refused(message, red, code="HO549")
    return {"gates": [one.as_json() for one in judged]}
