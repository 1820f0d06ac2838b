"""Who signed: an account of the operating system, and what proves who used it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from handover.config.signing import ProofKind, Signer
from handover.journal.account import ActingAccount
from handover.journal.entry import JournalEntry

MAY_NOT_SIGN, NOT_PROVEN = "HO552", "HO553"
SIGNER, PROOF = "signer", "proof"
PROVEN_BY: dict[ProofKind, str] = {"ssh": "an SSH key", "oidc": "a token of OIDC"}
OPTIONS: dict[ProofKind, str] = {"ssh": "--key FILE", "oidc": "--token FILE"}


@dataclass(frozen=True)
class IdentityProof:
    """What proves a signer.

    Attributes
    ----------
    kind, identity
        How, and the principal or the token's identity.
    by
        The fingerprint of the key, or the issuer of the token.
    signature
        Of an SSH key: its signature, which the gate verifies again.
    """

    kind: ProofKind
    identity: str
    by: str
    signature: str = ""

    def __str__(self) -> str:
        return f"{self.identity}, by {'the SSH key' if self.kind == 'ssh' else 'a token of'} {self.by}"

    def is_same_person(self, other: "IdentityProof") -> bool:
        """Say whether both may be one person: one identity, or one key."""
        one_key = self.kind == other.kind == "ssh" and self.by == other.by
        return one_key or self.identity.casefold() == other.identity.casefold()


@dataclass(frozen=True)
class SignedBy:
    """Who signed; ``proof`` is None where the account alone is known."""

    account: ActingAccount
    machine: str
    proof: IdentityProof | None = None

    def __str__(self) -> str:
        account = f"{self.account} on {self.machine}"
        return f"{self.proof}; account {account}" if self.proof else f"the account {account}"

    def as_json(self) -> dict[str, Any]:
        """Return it as the journal keeps it."""
        return {**self.account.as_json(), **({PROOF: vars(self.proof)} if self.proof else {})}

    def is_same_person(self, other: "SignedBy") -> bool:
        """Say whether both may be one person; without two proofs the accounts are compared."""
        if self.proof and other.proof:
            return self.proof.is_same_person(other.proof)
        return self.account.name == other.account.name

    def trouble(self, role: str, demanded: Signer) -> str:
        """Return why this signer may not sign as a role; empty when it may."""
        kinds = _kinds(demanded)
        if demanded.accounts and self.account.name not in demanded.accounts:
            return f"handover.toml lets {', '.join(demanded.accounts)} sign as {role}, not the account {self.account}"
        if kinds and (self.proof is None or self.proof.kind not in kinds):
            how = " or ".join(PROVEN_BY[kind] for kind in kinds)
            options = " or ".join(OPTIONS[kind] for kind in kinds)
            return f"handover.toml asks for {how} to sign as {role} ({options}), and the account alone is no proof"
        if demanded.identities and (self.proof is None or self.proof.identity not in demanded.identities):
            return f"handover.toml lets {', '.join(demanded.identities)} sign as {role}, not {self.proof}"
        return ""


def _kinds(demanded: Signer) -> tuple[ProofKind, ...]:
    if demanded.proof == "none":
        return ()
    return ("ssh", "oidc") if demanded.proof == "any" else (demanded.proof,)


def signed_by(entry: JournalEntry) -> SignedBy | None:
    """Return who made a signature; None when an older version made it, which took any name."""
    kept: Mapping[str, Any] | None = entry.body.get(SIGNER)
    if kept is None:
        return None
    account = ActingAccount(kept["account"], kept["uid"], kept.get("sudo_user", ""), kept.get("label", ""))
    proof = IdentityProof(**kept[PROOF]) if PROOF in kept else None
    return SignedBy(account, entry.machine, proof)
