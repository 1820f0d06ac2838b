"""Addresses of a video that play without a login, for a while: on a television, a projector, in another program.

Nothing is stored. A link is signed for one address, one version of one file, and its owner as the owner is now: it ends
with its time, with the file, with the row, when the owner is switched off, and when the owner's password changes.
"""

import hashlib
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
    file: str  # stands for the file as it was
    signature: str

    @property
    def query(self) -> str:
        return urlencode({"expires": self.expires, "file": self.file, "signature": self.signature})

    @property
    def expires_at(self) -> datetime:
        return datetime.fromtimestamp(self.expires, tz=UTC)


def make_link(address: str, file: StoredFile, owner: AbstractBaseUser) -> MediaLink:
    """Return a link to this file at this address, valid from now on."""
    expires, mark = int((database_now() + LIFE).timestamp()), _mark_of(file)
    return MediaLink(expires, mark, Signer(salt=SALT).signature(_signed(address, mark, owner, expires)))


def is_valid(link: MediaLink, address: str, owner: AbstractBaseUser) -> bool:
    """Return whether the link was made for this address and owner, and its time is not over.

    It is asked before anything is looked for: who has no valid link makes no work and no record.
    """
    try:
        # It also takes what was signed with a SECRET_KEY that is being replaced.
        Signer(salt=SALT).unsign(f"{_signed(address, link.file, owner, link.expires)}:{link.signature}")
    except BadSignature:
        return False
    return database_now().timestamp() < link.expires


def is_of(link: MediaLink, file: StoredFile) -> bool:
    """Return whether the link was made for this very file."""
    return link.file == _mark_of(file)


def _mark_of(file: StoredFile) -> str:
    return hashlib.sha256(repr((file.name, file.version, file.size)).encode()).hexdigest()[:16]


def _signed(address: str, mark: str, owner: AbstractBaseUser, expires: int) -> str:
    # The hash of a session changes with the password.
    return repr((address, mark, owner.pk, owner.get_session_auth_hash(), expires))
