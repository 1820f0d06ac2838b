"""The account of the machine that the server runs as: ours, or ``nobody`` when we are root."""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Account:
    """The user that runs the server; PostgreSQL refuses to run as root."""

    name: str
    uid: int
    gid: int
    switch: bool  # whether a child has to change to it

    @classmethod
    def current(cls) -> "Account":
        """Return the account for servers that this process starts."""
        if os.geteuid() != 0:
            return cls(owner_name(os.geteuid()), os.geteuid(), os.getegid(), switch=False)
        entry = pwd.getpwnam("nobody")
        return cls(entry.pw_name, entry.pw_uid, entry.pw_gid, switch=True)

    @property
    def user(self) -> str | None:
        """The user for `sandbox.process.spawn`."""
        return self.name if self.switch else None

    def barred_from(self, path: Path) -> Path | None:
        """Return the first part of ``path``, from the root on, that the account cannot pass, if any.

        Folders need the x bit; a file at the end needs r and x. Missing parts are no obstacle.
        """
        for part in (*reversed(path.parents), path):
            try:
                status = part.stat()
            except FileNotFoundError:
                return None
            except PermissionError:
                return part.parent
            if not self._may_pass(part, status):
                return part
        return None

    def _may_pass(self, part: Path, status: os.stat_result) -> bool:
        needed = os.X_OK if stat.S_ISDIR(status.st_mode) else os.R_OK | os.X_OK
        if not self.switch:
            return os.access(part, needed)
        shift = 6 if status.st_uid == self.uid else 3 if status.st_gid == self.gid else 0
        return (status.st_mode >> shift) & needed == needed


def owner_name(uid: int) -> str:
    """Return the name of a user, or the number when it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
