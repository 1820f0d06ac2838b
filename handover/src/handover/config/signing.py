"""Who may sign, and how a signer is proven: the section ``[signing]``, and the signers of a gate."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from handover.config.section import Section

ProofKind = Literal["ssh", "oidc"]


class Signer(Section):
    """Who may sign as one role.

    Attributes
    ----------
    accounts
        Accounts of the operating system; any when there are none.
    identities
        Principals of ``allowed_signers``, or identities of tokens; any that is proven when there are none.
    proof
        Whether a signature needs an SSH key, a token of OIDC, or ``any`` of the two.
    """

    accounts: tuple[str, ...] = ()
    identities: tuple[str, ...] = ()
    proof: ProofKind | Literal["none", "any"] = "none"

    @model_validator(mode="after")
    def _identities_are_proven(self) -> "Signer":
        if self.identities and self.proof == "none":
            message = 'identities without a proof are free text; add proof = "ssh", "oidc" or "any"'
            raise ValueError(message)
        return self


class Oidc(Section):
    """The issuer whose identity tokens prove a signer.

    Attributes
    ----------
    issuer, audience
        What a token must name.
    claim
        Which of a token's claims is the identity.
    jwks
        File with the issuer's public keys, relative to ``handover.toml``; if none, the issuer is asked for them.
    max_age_s
        How long ago a token may have been issued, in seconds.
    """

    issuer: str = Field(pattern=r"^(https://|http://127\.0\.0\.1[:/])")
    audience: str = Field(min_length=1)
    claim: str = "email"
    jwks: Path | None = None
    max_age_s: float = Field(default=900.0, gt=0)


class Signing(Section):
    """How a signer is proven.

    Attributes
    ----------
    allowed_signers
        File of OpenSSH with the principals and their public keys, relative to ``handover.toml``.
    oidc
        The issuer of identity tokens.
    """

    allowed_signers: Path | None = None
    oidc: Oidc | None = None
