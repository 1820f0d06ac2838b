"""Sign-offs: who signs, for what, and whether that counts (still)."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from handover.config.config import Config
from handover.config.cutover import Gate, GateKind
from handover.config.signing import Signer
from handover.cutover.attempt import ATTEMPT, FIRST
from handover.cutover.dns_record import digest
from handover.cutover.gate_context import GateContext, GateResult
from handover.cutover.plan import check_attempt
from handover.cutover.position import position_of
from handover.cutover.signer import MAY_NOT_SIGN, SIGNER, IdentityProof, SignedBy, signed_by
from handover.cutover.ssh_proof import ssh_trouble
from handover.cutover.states import DESCRIPTIONS, State
from handover.errors import Refused
from handover.journal.account import this_account
from handover.journal.entry import JournalEntry, machine
from handover.journal.evidence import latest
from handover.proof.run import KIND
from handover.runs.command import check_pause
from handover.wording import counted

KINDS: dict[GateKind, str] = {"backup": "backup", "rehearsal": "rehearsal", "capacity": "load", "proofs": KIND}
NONE = "none"
NOTHING_SIGNED = "HO550"
# A switch may still come, so there is something to approve; in `switching` a resume asks the gates once more.
SIGNABLE: tuple[State, ...] = ("preparing", "beginning", "parallel", "switching", "rolled_back")
# Given the text of a sign-off, proves who signs it.
Prover = Callable[[str], IdentityProof]


@dataclass(frozen=True)
class RoleSignature:
    """The newest signature of a role.

    Attributes
    ----------
    gate, role
        Which gate asks for it, and of which role.
    entry, by
        The entry of the journal and who made it; None without one. ``by`` is also None for one of an older version.
    trouble
        Why it does not count; empty when it does.
    """

    gate: Gate
    role: str
    entry: JournalEntry | None
    by: SignedBy | None
    trouble: str


def signing_roles(config: Config) -> list[str]:
    """Return the roles that the gates of kind ``sign-offs`` ask for."""
    return list(dict.fromkeys(role for _, role in _asked(config)))


def _asked(config: Config) -> Iterator[tuple[Gate, str]]:
    yield from ((gate, role) for gate in config.gates if gate.kind == "sign-offs" for role in gate.roles)


def parts_to_sign(context: GateContext) -> dict[str, str]:
    """Return what a signature is for: the schema, the plan, and the evidence of every declared gate."""
    kinds = sorted({KINDS[gate.kind] for gate in context.config.gates if gate.kind in KINDS})
    evidence = {f"the evidence of {kind}": _newest_evidence(context, kind) for kind in kinds}
    plan = context.plan.checksum if context.plan else NONE
    return {"the schema": context.fingerprint, "the plan": plan, **evidence}


def _newest_evidence(context: GateContext, kind: str) -> str:
    """Return the signature of the evidence that the gate judges: by the journal, so that every folder sees the same.

    The gate of the proofs judges the newest run in the folder; a folder without one is told by the journal.
    """
    entry = context.latest("evidence", evidence=kind)
    if kind == KIND and (run := latest(context.config, kind)):
        return run.signature
    return str(entry.body["signature"]) if entry else NONE


def signature_of(context: GateContext, role: str, because: str, prove: Prover | None = None) -> dict[str, Any]:
    """Return what the journal keeps of a signature.

    Parameters
    ----------
    context
        What there is to sign.
    role, because
        The role that signs, and why.
    prove
        Proves who signs; None when the account alone is known.

    Raises
    ------
    Refused
        There is nothing to sign, or this person may not sign as that role.
    """
    _check_signable(context, role)
    signed = parts_to_sign(context)
    body = {"role": role, "because": because, ATTEMPT: context.attempt, "parts": signed, "fingerprint": digest(signed)}
    by = SignedBy(this_account(), machine(), prove(signed_text(body)) if prove else None)
    for gate, asked in _asked(context.config):
        if asked == role and (trouble := by.trouble(role, gate.signers.get(role, Signer()))):
            raise Refused(f"{trouble}. Nothing was signed.", code=MAY_NOT_SIGN)
        if asked == role and (other := _also_signed(gate, role, by, _standing(context, signed))):
            raise Refused(f"{other}. Nothing was signed.", code=MAY_NOT_SIGN)
    return body | {SIGNER: by.as_json()}


def signed_text(body: Mapping[str, Any]) -> str:
    """Return the text that a key signs: everything that a signature says but who made it."""
    said = {name: body[name] for name in ("role", "because", ATTEMPT, "parts")}
    return f"handover sign-off\n{json.dumps(said, indent=2, sort_keys=True, ensure_ascii=False)}\n"


def _check_signable(context: GateContext, role: str) -> None:
    """Raise unless a gate asks for the role, and there is a plan of this attempt that may still be applied."""
    roles = signing_roles(context.config)
    if role not in roles:
        message = f"no gate asks for a signature of {role!r}; they ask for {', '.join(roles) or 'none'}."
        raise Refused(f"{message} Nothing was signed.", code=NOTHING_SIGNED)
    position = position_of(context.entries)
    check_pause(position)
    if position.state not in SIGNABLE:
        message = f"the state is {position.state}: {DESCRIPTIONS[position.state].text}."
        raise Refused(f"{message} A signature is for a switch that is to come. Nothing was signed.", code="HO505")
    if context.plan is None:
        raise Refused("there is no plan to sign; make one: handover cutover plan", code=NOTHING_SIGNED)
    check_attempt(context.plan, context.ended_attempts)


def sign_offs_gate(context: GateContext, gate: Gate) -> GateResult:
    """Every role has signed for exactly what there is, in this attempt, and is who it should be."""
    mine = [one for one in role_signatures(context) if one.gate == gate]
    by_role = {one.role: one.trouble for one in mine}
    todo = 'Sign: handover sign --as "ROLE" --because "…"'
    if troubles := [trouble for trouble in by_role.values() if trouble]:
        return GateResult(ok=False, found="; ".join(troubles), todo=todo, signatures=by_role)
    signed = "; ".join(f"{one.role} by {one.by}" for one in mine)
    found = f"{counted(len(mine), 'role')} signed: {signed}"
    return GateResult(ok=True, found=found, todo=todo, signatures=by_role)


def role_signatures(context: GateContext) -> list[RoleSignature]:
    """Return the newest signature of every role that a gate asks for, and whether it counts."""
    there = parts_to_sign(context)
    found = _standing(context, there)
    return [one if one.trouble else replace(one, trouble=_twice(one, found)) for one in found]


def _standing(context: GateContext, there: Mapping[str, str]) -> list[RoleSignature]:
    """Return the newest signature of every role, each looked at alone."""
    result = []
    for gate, role in _asked(context.config):
        entry = context.latest("signature", role=role)
        by = signed_by(entry) if entry else None
        result.append(RoleSignature(gate, role, entry, by, _trouble(context, gate, role, entry, there)))
    return result


def _trouble(context: GateContext, gate: Gate, role: str, entry: JournalEntry | None, there: Mapping[str, str]) -> str:
    """Return why the newest signature of a role does not count, by itself."""
    if entry is None:
        return f"{role} has not signed"
    by = signed_by(entry)
    if by is None:
        return f"{role} signed with an older version of handover, which took any name"
    made_for = entry.body.get(ATTEMPT, FIRST)
    if made_for != context.attempt:
        ended = context.ended_attempts[made_for - FIRST] if FIRST <= made_for < context.attempt else "it is not known"
        return f"{role} signed for attempt {made_for}, and this is attempt {context.attempt}: {ended}"
    if changed := [part for part, value in there.items() if entry.body["parts"].get(part) != value]:
        return f"{by} signed as {role}, but since then {' and '.join(changed)} changed"
    if context.now - entry.at > timedelta(hours=gate.max_age_h):
        return f"the signature of {role} is older than {gate.max_age_h:g} h"
    return by.trouble(role, gate.signers.get(role, Signer())) or _proof_trouble(context.config, role, entry, by)


def _proof_trouble(config: Config, role: str, entry: JournalEntry, by: SignedBy) -> str:
    """Return why the proof of a signer does not hold any more."""
    if by.proof is None:
        return ""
    if by.proof.kind == "ssh":
        why = ssh_trouble(config, by.proof, signed_text(entry.body))
    else:
        issuer = config.signing.oidc.issuer if config.signing.oidc else NONE
        why = "" if by.proof.by == issuer else f"its token is of {by.proof.by}; [signing.oidc] issuer is {issuer}"
    return f"the signature of {role} does not hold: {why}" if why else ""


def _twice(one: RoleSignature, all_: Sequence[RoleSignature]) -> str:
    """Return that the person of a signature signed for another role before; empty otherwise."""
    assert one.entry is not None and one.by is not None  # noqa: S101, PT018 - a signature without trouble has both
    before = [other for other in all_ if other.entry is not None and _place(other.entry) < _place(one.entry)]
    return _also_signed(one.gate, one.role, one.by, before)


def _also_signed(gate: Gate, role: str, by: SignedBy, others: Sequence[RoleSignature]) -> str:
    """Return that this person has signed for another role already, unless both gates allow that."""
    for other in others:
        allowed = gate.one_may_sign_all and other.gate.one_may_sign_all
        if other.role != role and not other.trouble and not allowed and other.by and other.by.is_same_person(by):
            message = f"{by} has signed as {other.role} already, and one person signs for one role"
            shared = "Where people share an account, each proves who it is: --key FILE or --token FILE"
            return f"{message}. {shared}. A small team declares at the gate: one_may_sign_all = true"
    return ""


def _place(entry: JournalEntry) -> tuple[bool, int | float]:
    """Return the place of an entry in the journal; one that only the copy has comes last."""
    return (entry.seq is None, entry.seq if entry.seq is not None else entry.at.timestamp())
