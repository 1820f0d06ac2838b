"""Sign-offs: who signs, for what, and whether that is still what there is."""

from datetime import timedelta
from typing import Any

from handover.config.cutover import Gate, GateKind
from handover.cutover.record import digest
from handover.cutover.sight import Seen, Sight
from handover.errors import Refused
from handover.journal.evidence import latest

KINDS: dict[GateKind, str] = {"backup": "backup", "rehearsal": "rehearsal", "capacity": "load", "proofs": "prove"}
NONE = "none"


def parts(seen_from: Sight) -> dict[str, str]:
    """Return what a signature is for: the schema, the plan, and the evidence of every declared gate."""
    config = seen_from.config
    kinds = [KINDS[gate.kind] for gate in config.gates if gate.kind in KINDS]
    sealed = {kind: latest(config, kind) for kind in sorted(set(kinds))}
    evidence = {f"the evidence of {kind}": found.signature if found else NONE for kind, found in sealed.items()}
    plan = seen_from.plan["checksum"] if seen_from.plan else NONE
    return {"the schema": seen_from.fingerprint, "the plan": plan, **evidence}


def sign(seen_from: Sight, role: str, because: str) -> dict[str, Any]:
    """Return the entry of a signature.

    Raises
    ------
    Refused
        No gate asks for that role, or there is no plan to sign.
    """
    roles = [role for gate in seen_from.config.gates if gate.kind == "sign-offs" for role in gate.roles]
    if role not in roles:
        message = f"no gate asks for a signature of {role!r}; they ask for {', '.join(roles) or 'none'}."
        raise Refused(f"{message} Nothing was signed.", code="HO550")
    if seen_from.plan is None:
        raise Refused("there is no plan to sign; make one: handover cutover plan", code="HO550")
    signed = parts(seen_from)
    return {"role": role, "because": because, "parts": signed, "fingerprint": digest(signed)}


def look(seen_from: Sight, gate: Gate) -> Seen:
    """Every role has signed for exactly what there is."""
    there = parts(seen_from)
    troubles = []
    for role in gate.roles:
        entry = seen_from.latest("signature", role=role)
        if entry is None:
            troubles.append(f"{role} has not signed")
        elif changed := [part for part, value in there.items() if entry.body["parts"].get(part) != value]:
            troubles.append(f"{entry.who} signed as {role}, but since then {' and '.join(changed)} changed")
        elif seen_from.now - entry.at > timedelta(hours=gate.max_age_h):
            troubles.append(f"the signature of {role} is older than {gate.max_age_h:g} h")
    todo = 'Sign: handover sign --as "ROLE" --because "…"'
    return Seen(ok=not troubles, found="; ".join(troubles) or f"{len(gate.roles)} roles have signed", todo=todo)
