"""The proof by an identity token of OpenID Connect: signed by the declared issuer, for us, and just issued."""

import json
import time
from typing import Any

import httpx
import jwt

from handover.config.config import Config
from handover.config.signing import Oidc
from handover.cutover.signer import NOT_PROVEN, IdentityProof
from handover.errors import ConfigurationError, Refused
from handover.http_client import get
from handover.secret_words import remember_secret

# Keys of two parts: the issuer keeps one of them. With a shared secret, or without a key, everybody could sign.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
LEEWAY_S, ANSWER_WITHIN_S = 30.0, 10.0
EMAIL, OK = "email", 200


def prove_by_token(config: Config, token: str) -> IdentityProof:
    """Return whose token it is; the token itself is kept nowhere.

    Raises
    ------
    ConfigurationError
        No issuer is declared.
    Refused
        The token is not of that issuer, not for us, too old, or names no verified identity.
    """
    remember_secret("TOKEN", token)
    oidc = config.signing.oidc
    if oidc is None:
        message = "handover.toml does not say whose identity tokens count."
        raise ConfigurationError(f"{message} Declare [signing.oidc]: issuer and audience")
    claims = _claims(config, oidc, token)
    age_s = time.time() - claims["iat"]
    if age_s > oidc.max_age_s:
        raise _refusal(f"it was issued {age_s:.0f} s ago; at most {oidc.max_age_s:.0f} s")
    identity = claims.get(oidc.claim)
    if not isinstance(identity, str) or not identity:
        raise _refusal(f"it has no claim {oidc.claim!r}, which [signing.oidc] claim names as the identity")
    if oidc.claim == EMAIL and claims.get("email_verified") is not True:
        raise _refusal("its issuer does not say that the e-mail is verified; choose another: [signing.oidc] claim")
    return IdentityProof("oidc", identity, oidc.issuer)


def _claims(config: Config, oidc: Oidc, token: str) -> dict[str, Any]:
    try:
        keys = jwt.PyJWKSet.from_dict(_key_set(config, oidc))
        key = _key_of(keys, jwt.get_unverified_header(token).get("kid"))
        return dict(
            jwt.decode(
                token,
                key,
                algorithms=list(ALGORITHMS),
                audience=oidc.audience,
                issuer=oidc.issuer,
                leeway=LEEWAY_S,
                options={"require": ["exp", "iat", "aud", "iss", "sub"]},
            )
        )
    except (jwt.PyJWTError, TypeError, ValueError) as error:
        raise _refusal(str(error)) from error


def _key_of(keys: jwt.PyJWKSet, name: str | None) -> jwt.PyJWK:
    """Return the issuer's key that a token names; one without a name needs an issuer with one key."""
    found = [key for key in keys.keys if key.key_id == name] if name else list(keys.keys)
    if len(found) != 1:
        raise _refusal(f"{len(found)} keys of the issuer fit the token's key {name!r}; expected one")
    return found[0]


def _key_set(config: Config, oidc: Oidc) -> dict[str, Any]:
    """Return the issuer's public keys, from the declared file or from the issuer."""
    if oidc.jwks is not None:
        path = config.root / oidc.jwks
        try:
            return dict(json.loads(path.read_text()))
        except (OSError, ValueError) as error:
            message = f"{path} holds no keys: {error}; [signing.oidc] jwks names it."
            raise ConfigurationError(f"{message} Write the issuer's JWKS there, or leave jwks out.") from error
    about = _json(f"{oidc.issuer.rstrip('/')}/.well-known/openid-configuration")
    if about.get("issuer") != oidc.issuer:
        raise _refusal(f"{oidc.issuer} calls itself {about.get('issuer')!r}")
    address = str(about.get("jwks_uri", ""))
    if not address.startswith(("https://", "http://127.0.0.1:")):
        raise _refusal(f"the keys of {oidc.issuer} are at {address!r}; expected an address with https")
    return _json(address)


def _json(url: str) -> dict[str, Any]:
    try:
        answer = get(url, timeout_s=ANSWER_WITHIN_S)
        if answer.status_code == OK:
            return dict(answer.json())
        said = f"it answers {answer.status_code}"
    except (httpx.HTTPError, ValueError, TypeError) as error:
        said = f"{type(error).__name__}: {error}"
    raise _refusal(f"the keys of its issuer are not to be had at {url}: {said}")


def _refusal(why: str) -> Refused:
    message = f"the identity token does not count: {why}. Nothing was signed."
    return Refused(f"{message} Get a new token of the declared issuer, then sign again.", code=NOT_PROVEN)
