"""Addresses of a video that play without a login, for a while: on a television, a projector, in another program.

Nothing is stored. A link is signed for one address, one version of one file, and its owner as the owner is now: it ends
with its time, with the file, with the row, when the owner is switched off, and when the owner's password changes.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.signing import BadSignature, Signer

from apps.media.storage import StoredFile
from config.clock import database_now

# Longer than any song may be, with pauses to practise.
LIFE = timedelta(hours=2)
SALT = "apps.media.links"


@dataclass(frozen=True)
class MediaLink:
    """The part of a link after the address."""

    expires: int  # seconds since 1970, by the clock of the database
    signature: str

    @property
    def query(self) -> str:
        return urlencode({"expires": self.expires, "signature": self.signature})

    @property
    def expires_at(self) -> datetime:
        return datetime.fromtimestamp(self.expires, tz=UTC)


def make_link(address: str, file: StoredFile, owner: AbstractBaseUser) -> MediaLink:
    """Return a link to this file at this address, valid from now on."""
    expires = int((database_now() + LIFE).timestamp())
    return MediaLink(expires, Signer(salt=SALT).signature(_signed(address, file, owner, expires)))


def is_valid(link: MediaLink, address: str, file: StoredFile, owner: AbstractBaseUser) -> bool:
    """Return whether the link was made for this file at this address and its time is not over."""
    try:
        # It also takes what was signed with a SECRET_KEY that is being replaced.
        Signer(salt=SALT).unsign(f"{_signed(address, file, owner, link.expires)}:{link.signature}")
    except BadSignature:
        return False
    return database_now().timestamp() < link.expires


def _signed(address: str, file: StoredFile, owner: AbstractBaseUser, expires: int) -> str:
    # The hash of a session changes with the password.
    return repr((address, file.name, file.version, file.size, owner.pk, owner.get_session_auth_hash(), expires))
