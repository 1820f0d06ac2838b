"""Make a new cluster in another folder, then rename it, so that an unfinished cluster is never used."""

import json
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from sandbox import process
from sandbox.lock import locked
from sandbox.postgres.account import Account
from sandbox.postgres.binaries import major
from sandbox.postgres.data_folder import PASSWORDS, full_disk_told
from sandbox.postgres.errors import DiskFullError, StartFailedError

SUPERUSER = "postgres"
# `owner` is what the administrator of a managed PostgreSQL is: it makes roles and databases, it is no superuser.
# `backend_app` is made by `handover adopt`; here it only gets the password that it shall have.
ROLES = (SUPERUSER, "owner", "original_app", "backend_app")
CREATE_ROLES = """\
CREATE ROLE owner LOGIN CREATEROLE CREATEDB PASSWORD '{owner}';
GRANT pg_monitor TO owner;
CREATE ROLE original_app LOGIN PASSWORD '{original_app}';
GRANT original_app TO owner WITH ADMIN OPTION;
"""
INITDB = (
    f"--username={SUPERUSER}",
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--no-instructions",
)
# The built-in C.UTF-8 is the same on every machine, whatever locales that machine has.
BUILTIN_LOCALE = ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
MACHINE_LOCALE = ("--locale=C.UTF-8",)
BUILTIN_SINCE = 17
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}  # initdb would copy the machine's time zone


def create(folder: Path, programs: Path, account: Account, *, durable: bool) -> None:
    """Make a cluster with its roles in ``folder``, which is missing or empty.

    Raises DiskFullError or StartFailedError, and then leaves nothing.
    """
    _make_parents(folder.parent)
    with locked(folder.parent):
        if (folder / "PG_VERSION").exists():
            return  # another process made it while this one waited
        for left in folder.parent.glob(f".{folder.name}.sandbox-new-*"):
            shutil.rmtree(left, ignore_errors=True)  # by an interrupted run
        aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.sandbox-new-", dir=folder.parent))
        try:
            os.chown(aside, account.uid, account.gid)
            with full_disk_told(aside):
                data = _initialise(aside, programs, account, durable=durable)
            data.rename(folder)
        except _ProgramFailedError as error:
            raise _explain(folder, error) from None
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        if durable:
            _sync(folder.parent)


class _ProgramFailedError(Exception):
    def __init__(self, program: str, output: str) -> None:
        self.program, self.output = program, output
        super().__init__(program)


def _initialise(aside: Path, programs: Path, account: Account, *, durable: bool) -> Path:
    passwords = {role: secrets.token_urlsafe(24) for role in ROLES}
    data, pwfile = aside / "data", aside / "password"
    _write_private(pwfile, passwords[SUPERUSER], account)
    sync = () if durable else ("--no-sync",)
    locale = BUILTIN_LOCALE if int(major()) >= BUILTIN_SINCE else MACHINE_LOCALE
    _run([programs / "initdb", f"--pgdata={data}", f"--pwfile={pwfile}", *INITDB, *locale, *sync], account)
    # Over standard input, to a server without clients: no password in a command line, log or socket.
    options = ("-c", "exit_on_error=on", "-c", "log_min_error_statement=panic")
    single: list[str | Path] = [programs / "postgres", "--single", "-D", str(data), *options, "postgres"]
    _run(single, account, CREATE_ROLES.format(**passwords))
    _write_private(data / PASSWORDS, json.dumps(passwords, indent=1), account)
    return data


def _run(argv: Sequence[str | Path], account: Account, stdin: str = "") -> None:
    child = process.spawn(
        argv,
        cwd=Path("/"),
        env=ENVIRONMENT,
        user=account.user,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        on_parent_death=signal.SIGKILL,  # what it wrote so far is swept by the next run
    )
    try:
        output, _ = child.communicate(stdin.encode())
    finally:
        if child.returncode is None:
            process.stop(child, timeout_s=10)
    if child.returncode != 0:
        raise _ProgramFailedError(Path(argv[0]).name, output.decode(errors="replace"))


def _explain(folder: Path, error: _ProgramFailedError) -> Exception:
    if "No space left on device" in error.output:
        return DiskFullError(folder, shutil.disk_usage(folder.parent).free >> 20)
    return StartFailedError(folder, error.program, error.output)


def _write_private(path: Path, text: str, account: Account) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        os.fchown(descriptor, account.uid, account.gid)
        file.write(text)
        file.flush()
        os.fsync(descriptor)


def _make_parents(folder: Path) -> None:
    if not folder.is_dir():
        _make_parents(folder.parent)
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)  # whatever the umask: the server's user must get through


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
