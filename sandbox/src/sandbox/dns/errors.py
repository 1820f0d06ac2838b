"""What can go wrong with a name server."""

from pathlib import Path

import dns.rcode

from sandbox.errors import SandboxError


class NoBindError(SandboxError):
    """There is no bind9 on this machine."""

    code = "SB010"

    def __init__(self) -> None:
        super().__init__(
            "bind9 is not installed: no program named `named` was found. Install it (script/bootstrap --full does,\n"
            "       as root with apt), or use the sandbox's own server, which answers the same."
        )


class NameServerFailedError(SandboxError):
    """A name server ended, or did not answer in time."""

    code = "SB011"

    def __init__(self, name: str, what: str, log: Path) -> None:
        last = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        super().__init__(f"{name} {what}; it must answer for its zone. The end of {log}:\n{last}")


class ZoneRefusedError(SandboxError):
    """The text of a zone cannot be served."""

    code = "SB012"

    def __init__(self, origin: str, why: str) -> None:
        super().__init__(f"the zone {origin} cannot be served: {why}. Correct its records.")


class FaultUnknownError(SandboxError):
    """An unknown fault was asked for."""

    code = "SB013"

    def __init__(self, line: str) -> None:
        super().__init__(
            f"no fault {line!r}; expected `well`, `servfail`, `silent`, `slow SECONDS` or `unapplied`,\n"
            "       and after it, where only some are meant: queries, updates or transfers."
        )


class UpdateRefusedError(SandboxError):
    """The server refused a dynamic update."""

    code = "SB014"

    def __init__(self, rcode: dns.rcode.Rcode, name: str) -> None:
        self.rcode = rcode
        super().__init__(
            f"{name} answered {rcode.name} to an update; expected NOERROR. The zone is as it was:\n"
            "       look at the key, the zone's name and the update's prerequisites."
        )
