"""Secrets of webhooks, and signatures as Standard Webhooks describes them (standardwebhooks.com)."""

import base64
import hashlib
import hmac
import secrets

from django.utils.crypto import salted_hmac

MARK = "whsec_"


def new_nonce() -> str:
    """Return a random value, of which a secret is made."""
    return secrets.token_hex(32)


def secret_of(nonce: str) -> str:
    """Return the secret as its owner gets it."""
    return MARK + base64.b64encode(_key(nonce)).decode()


def signature(nonce: str, *, message_id: str, timestamp_s: int, body: bytes) -> str:
    """Return one signature of a message."""
    signed = f"{message_id}.{timestamp_s}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(_key(nonce), signed, hashlib.sha256).digest()).decode()


def _key(nonce: str) -> bytes:
    return salted_hmac("apps.webhooks.signing", nonce, algorithm="sha256").digest()
