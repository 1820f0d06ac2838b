"""Sign-offs: who signs, for what, and whether that has changed since."""

from datetime import timedelta
from typing import Any

from handover.config.config import Config
from handover.config.cutover import Gate, GateKind
from handover.cutover.dns_record import digest
from handover.cutover.gate_context import GateContext, GateResult
from handover.errors import Refused
from handover.journal.evidence import latest

KINDS: dict[GateKind, str] = {"backup": "backup", "rehearsal": "rehearsal", "capacity": "load", "proofs": "prove"}
NONE = "none"


def signing_roles(config: Config) -> list[str]:
    """Return the roles that the gates of kind ``sign-offs`` ask for."""
    return [role for gate in config.gates if gate.kind == "sign-offs" for role in gate.roles]


def parts_to_sign(context: GateContext) -> dict[str, str]:
    """Return what a signature is for: the schema, the plan, and the evidence of every declared gate."""
    config = context.config
    kinds = [KINDS[gate.kind] for gate in config.gates if gate.kind in KINDS]
    sealed = {kind: latest(config, kind) for kind in sorted(set(kinds))}
    evidence = {f"the evidence of {kind}": found.signature if found else NONE for kind, found in sealed.items()}
    plan = context.plan.checksum if context.plan else NONE
    return {"the schema": context.fingerprint, "the plan": plan, **evidence}


def signature_of(context: GateContext, role: str, because: str) -> dict[str, Any]:
    """Return what the journal keeps of a signature.

    Parameters
    ----------
    context
        What there is to sign.
    role, because
        The role that signs, and why.

    Raises
    ------
    Refused
        No gate asks for that role, or there is no plan to sign.
    """
    roles = signing_roles(context.config)
    if role not in roles:
        message = f"no gate asks for a signature of {role!r}; they ask for {', '.join(roles) or 'none'}."
        raise Refused(f"{message} Nothing was signed.", code="HO550")
    if context.plan is None:
        raise Refused("there is no plan to sign; make one: handover cutover plan", code="HO550")
    signed = parts_to_sign(context)
    return {"role": role, "because": because, "parts": signed, "fingerprint": digest(signed)}


def sign_offs_gate(context: GateContext, gate: Gate) -> GateResult:
    """Every role has signed for exactly what there is."""
    there = parts_to_sign(context)
    troubles = []
    for role in gate.roles:
        entry = context.latest("signature", role=role)
        if entry is None:
            troubles.append(f"{role} has not signed")
        elif changed := [part for part, value in there.items() if entry.body["parts"].get(part) != value]:
            troubles.append(f"{entry.who} signed as {role}, but since then {' and '.join(changed)} changed")
        elif context.now - entry.at > timedelta(hours=gate.max_age_h):
            troubles.append(f"the signature of {role} is older than {gate.max_age_h:g} h")
    todo = 'Sign: handover sign --as "ROLE" --because "…"'
    return GateResult(ok=not troubles, found="; ".join(troubles) or f"{len(gate.roles)} roles have signed", todo=todo)
