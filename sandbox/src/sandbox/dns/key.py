"""The key that updates and zone transfers are signed with."""

import base64
import secrets
from dataclasses import dataclass, field
from pathlib import Path

import dns.name
import dns.tsig

ALGORITHM = "hmac-sha256"
SECRET_BYTES = 32


@dataclass(frozen=True)
class Key:
    """A TSIG key; ``secret`` is in base64, as name servers and their clients want it."""

    name: str
    secret: str = field(repr=False)
    algorithm: str = ALGORITHM

    @classmethod
    def new(cls, name: str = "handover.") -> "Key":
        """Make a new secret key."""
        return cls(name, base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode())

    @classmethod
    def read(cls, file: Path) -> "Key":
        """Read a key from a file of one line: name, algorithm, secret."""
        name, algorithm, secret = file.read_text().split()
        return cls(name, secret, algorithm)

    def write(self, file: Path) -> None:
        """Write the key to a new file that only its owner reads."""
        file.touch(mode=0o600, exist_ok=False)
        file.write_text(f"{self.name} {self.algorithm} {self.secret}\n")

    def tsig(self) -> dns.tsig.Key:
        """Return the key as dnspython has it."""
        return dns.tsig.Key(self.name, self.secret, self.algorithm)

    def keyring(self) -> dict[dns.name.Name, dns.tsig.Key]:
        """Return a key ring that holds this key only."""
        return {dns.name.from_text(self.name): self.tsig()}
