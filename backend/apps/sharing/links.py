"""Secret links: who has one sees the choreography without an account.

A link is 256 bits, worked out from a random value of its row and ``SECRET_KEY``: so its owner can copy it again, and a
thief of the database cannot. It is found by a keyed hash of itself.
"""

import base64
import secrets

from django.utils.crypto import constant_time_compare, salted_hmac

from apps.sharing.models import Share


def make_link(share: Share) -> None:
    """Give the share a new link; the old one is dead once the row is saved."""
    share.link_nonce = secrets.token_hex(32)
    share.link_mark = mark_of(_secret(share.link_nonce))


def drop_link(share: Share) -> None:
    share.link_nonce = share.link_mark = None


def secret_of(share: Share) -> str | None:
    """Return the secret part of the link; None without one, and for one that was made with another ``SECRET_KEY``."""
    if not share.link_nonce or not share.link_mark:
        return None
    secret = _secret(share.link_nonce)
    return secret if constant_time_compare(mark_of(secret), share.link_mark) else None


def mark_of(secret: str) -> str:
    """Return the keyed hash by which a link is found: the time of the look-up tells nothing about a link."""
    return salted_hmac("apps.sharing.links.mark", secret, algorithm="sha256").hexdigest()


def _secret(nonce: str) -> str:
    digest = salted_hmac("apps.sharing.links.secret", nonce, algorithm="sha256").digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
