"""Debian's bind9, as a process of its own: never the machine's own name service."""

import os
import shutil
import subprocess
from pathlib import Path

from sandbox import process
from sandbox.dns.authority import Authority
from sandbox.dns.errors import NoBindError
from sandbox.logs import open_log

MISSING = "no bind9: script/bootstrap --full installs one"
# Where Debian puts it; not on every user's PATH.
ALSO_AT = Path("/usr/sbin/named")
CONFIGURATION = """
key "{key.name}" {{ algorithm {key.algorithm}; secret "{key.secret}"; }};
controls {{ }};
options {{
    directory "{folder}";
    listen-on port {port} {{ {host}; }};
    listen-on-v6 {{ none; }};
    pid-file none;
    session-keyfile none;
    managed-keys-directory "{folder}";
    recursion no;
    dnssec-validation no;
    notify no;
}};
zone "{origin}" {{
    type primary;
    file "{folder}/zone";
    allow-query {{ any; }};
    allow-transfer {{ key "{key.name}"; }};
    allow-update {{ key "{key.name}"; }};
}};
"""


class Bind9(Authority):
    """A real bind9 on a zone of its own."""

    name = "bind9"

    def _launch(self) -> subprocess.Popen[bytes]:
        named = program()
        (self.folder / "zone").write_text(self.zone)
        configuration = self.folder / "named.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(
            CONFIGURATION.format(folder=self.folder, host=self.host, port=self.port, origin=self.origin, key=self.key)
        )
        with open_log(self.log) as log:
            argv: list[str | Path] = [named, "-g", "-n", "1", "-c", configuration]
            return process.spawn(argv, cwd=self.folder, env=dict(os.environ), stdout=log)


def is_installed() -> bool:
    """Return whether this machine has bind9."""
    return shutil.which("named") is not None or ALSO_AT.exists()


def program() -> str:
    """Return the server's program. Raises NoBindError."""
    if not is_installed():
        raise NoBindError
    return shutil.which("named") or str(ALSO_AT)
