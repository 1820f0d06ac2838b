"""Plain messages for unforeseen errors: of the database, of a file, by a key press, or by a defect of the toolkit."""

import errno
import os
import re
import sys
import tempfile
import traceback
from pathlib import Path

from handover.errors import HandoverError, MissingExtraError
from handover.secret_words import masked, remember_secret

URL = "the URL in the environment variable {0}"
SHARED_DATABASE = "that [database] url_env names"

# Messages of PostgreSQL and its driver when no connection is made, and their meaning. The first that matches counts.
CONNECTING = (
    (r'server certificate for "([^"]*)".* does not match host name "([^"]*)"',
     "the server's certificate is for {0}, and the URL names the host {1}",
     "Name the host in {url} as the certificate does, or have one issued for {1}; sslmode=verify-ca compares no name"),
    (r"certificate verify failed",
     "the server's certificate is not of the authority that sslrootcert names, or has run out",
     "Let sslrootcert in {url} name the file of the server's authority, or renew the certificate"),
    (r'root certificate file "([^"]*)" does not exist|could not read root certificate file "([^"]*)"',
     "the file of the server's authority, {0}, is not there or is no certificate",
     "Put the authority's certificate there, or name another file with sslrootcert in {url}"),
    (r"server does not support SSL",
     "the server offers no TLS, and the URL asks for it",
     "Switch TLS on in the server (ssl = on), or correct host and port in {url}"),
    (r"pg_hba\.conf (?:entry|rejects connection) for (.+), no encryption",
     "the server admits no such connection without TLS: {0}",
     "Put sslmode=verify-full and sslrootcert into {url}, or add a line to the server's pg_hba.conf"),
    (r"password authentication failed for user (.+)|fe_sendauth: no password supplied",
     "the database does not accept the password of {0}", "Correct the password in {url}"),
    (r"role (\S+) is not permitted to log in",
     "the role {0} may not log in", "As an administrator: ALTER ROLE {0} LOGIN; or name another role in the URL"),
    (r"role (\S+) does not exist", "the server has no role {0}", "Correct the role in {url}"),
    (r"database (\S+) does not exist", "the server has no database {0}", "Correct the database's name in {url}"),
    (r"permission denied for database (\S+)",
     "the role may not connect to the database {0}", "As an administrator: GRANT CONNECT ON DATABASE {0} TO the role"),
    (r"database (\S+) is not currently accepting connections",
     "the database {0} takes no connections", "As an administrator: ALTER DATABASE {0} ALLOW_CONNECTIONS true"),
    (r"no pg_hba.conf entry for (.+)",
     "the server admits no such connection: {0}", "Add a line to its pg_hba.conf, or correct the URL"),
    (r"too many (?:clients|connections)|remaining connection slots",
     "the server takes no more connections", "End some, or raise max_connections or the role's limit; then run again"),
    (r"the database system is (starting up|shutting down|in recovery mode|not accepting connections)",
     "the database server is {0}", "Run again when it is up"),
    (r"failed to resolve host '([^']*)'",
     "the database's host {0!r} is unknown here", "Correct the host in {url}"),
    (r"Connection refused|No such file or directory|[Tt]ime(?:out|d out)|unreachable|No route to host",
     "the database does not answer{where}", "Start its server, or correct host and port in {url}"),
    (r"server closed the connection|connection is (?:closed|lost|bad)|SSL connection has been closed|EOF detected"
     r"|consuming input failed|sending query|Connection reset|no connection to the server",
     "the connection to the database was cut in the middle", "Check that the server runs, then run again"),
)  # fmt: skip

# The same by PostgreSQL's error codes, which are the same in every language.
BY_STATE = {
    "28P01": "password authentication failed for user the role",
    "3D000": "",
    "53300": "too many connections",
    "57P01": "server closed the connection",
    "57P02": "server closed the connection",
    "57P03": "the database system is not accepting connections",
}
# Where the statement that gives the right is not known; `handover.missing_right` names it elsewhere.
OTHER_ROLE = (
    "Give the role this right, or name a role in the URL that has it; of what the check reads, `handover doctor` names"
    " the GRANT that is missing"
)
IN_THE_MIDDLE = {
    "57014": (
        "the database cancelled a statement: {said}",
        "It took too long, or an administrator ended it: run again",
    ),
    "55P03": ("a table is locked by another session: {said}", "Run again when that session has ended"),
    "40P01": ("two sessions waited for each other (a deadlock): {said}", "Nothing was changed; run again"),
    "25006": ("the database takes no writes: {said}", "Name the primary server in the URL, not a standby"),
    "42501": ("the role may not do this: {said}", OTHER_ROLE),
    "53100": ("the database server's disk is full: {said}", "Make room there, then run again"),
    "53200": ("the database server has no memory left: {said}", "Run again when it is less busy"),
}

# Packages that a small installation leaves out, and the extra of django-handover that brings each.
EXTRAS = {"hypothesis": "prove", "octodns": "dns", "dns": "dns", "jwt": "oidc"}
DISTRIBUTIONS = {"octodns": "octoDNS", "dns": "dnspython", "jwt": "PyJWT"}

PREFIX = re.compile(r"^(?:connection failed: )?(?:connection to server at .*? failed: )?(?:FATAL|ERROR):\s*")

FILES = {
    errno.ENOSPC: ("cannot be written: the disk is full", "Make room, then run again"),
    errno.EDQUOT: ("cannot be written: the quota is used up", "Make room, then run again"),
    errno.EROFS: ("cannot be written: the file system is read-only", "Run from a folder that may be written"),
    errno.EACCES: ("may not be opened by this account", "Correct its rights, or run as the account that owns it"),
    errno.EPERM: ("may not be changed by this account", "Correct its rights, or run as the account that owns it"),
    errno.ENOENT: ("does not exist", "Correct its path, or make it"),
    errno.EISDIR: ("is a folder, and a file was expected", "Name a file"),
    errno.ENOTDIR: ("lies below something that is no folder", "Correct the path"),
    errno.EMFILE: ("could not be opened: this process has too many open files", "Raise `ulimit -n`, then run again"),
}


class DatabaseTroubleError(HandoverError):
    """The database is gone, refuses, or the connection was cut."""

    code = "HO004"


class FileTroubleError(HandoverError):
    """A file or a folder cannot be read or written."""

    code = "HO250"


class InterruptedCommandError(HandoverError):
    """Ctrl-C ended the command."""

    code = "HO251"
    exit_code = 130


class DefectError(HandoverError):
    """The toolkit has a defect."""

    code = "HO252"


# The driver reads times in one style alone.
_STYLE = re.compile(r"with DateStyle '([^']*)'")


def as_handover_error(error: BaseException) -> HandoverError:
    """Return an error that no command foresaw as an error of the toolkit, with what to do and without a traceback."""
    driver = sys.modules.get("psycopg")  # without it there was no connection
    if driver is not None and isinstance(error, driver.Error):
        return DatabaseTroubleError(database_trouble(error))
    if isinstance(error, KeyboardInterrupt):
        message = "interrupted before the end; the output is not complete."
        return InterruptedCommandError(f"{message} Run it again. During the switch, first: handover status")
    if isinstance(error, OSError):
        return FileTroubleError(file_trouble(error))
    if isinstance(error, UnicodeError):
        return FileTroubleError(f"a file is not UTF-8 text: {error}. Save it as UTF-8, then run again.")
    if isinstance(error, ModuleNotFoundError) and (missing := missing_extra(error.name or "")):
        return missing
    style = _STYLE.search(str(error)) if isinstance(error, NotImplementedError) else None
    return DatabaseTroubleError(_other_times(style[1])) if style else _defect(error)


def _other_times(style: str) -> str:
    message = f"the database writes times as DateStyle {style!r} has it, and they are read as ISO has them."
    todo = "Set PGDATESTYLE=ISO in the environment of handover, or: ALTER ROLE … SET datestyle = ISO, for its role."
    return f"{message} {todo} Then run again."


def missing_extra(module: str) -> MissingExtraError | None:
    """Return the error for a missing module of an extra; None if no extra has it.

    Examples
    --------
    >>> print(missing_extra("hypothesis.strategies"))
    HO008  this command needs hypothesis, which is not installed. Install it: pip install 'django-handover[prove]'
    """
    package = module.partition(".")[0]
    if package not in EXTRAS:
        return None
    name = DISTRIBUTIONS.get(package, package)
    message = f"this command needs {name}, which is not installed."
    return MissingExtraError(f"{message} Install it: pip install 'django-handover[{EXTRAS[package]}]'")


def database_trouble(error: Exception, variable: str = SHARED_DATABASE) -> str:
    """Return the message of the database or its driver, and what to do, without a secret.

    Parameters
    ----------
    error
        What the driver raised.
    variable
        The environment variable that the URL was read from, if it is not the one of the shared database.
    """
    said = _first_line(error)
    state = getattr(error, "sqlstate", None)
    if state in IN_THE_MIDDLE:
        what, todo = IN_THE_MIDDLE[state]
        return f"{what.format(said=said)}. {getattr(error, 'remedy', todo)}."
    for text in (str(error), BY_STATE.get(state or "", "")):
        for pattern, what, todo in CONNECTING:
            if found := re.search(pattern, text):
                names = [name.strip().rstrip(",;") for name in found.groups() if name] or ["the role"]
                where = _where(text)
                return f"{what.format(*names, where=where)}. {todo.format(*names, url=URL.format(variable))}."
    return f"the database refused: {said}. Correct that, then run again."


def file_trouble(error: OSError) -> str:
    """Return which file or folder cannot be used, why, and what to do."""
    name = str(error.filename) if error.filename is not None else "a file, or the output,"
    what, todo = _file(error)
    return f"{name} {what}. {todo}."


def why_unreadable(error: Exception) -> str:
    """Return why something could not be read, as a clause for a message that names it."""
    if isinstance(error, OSError):
        return f"it {_file(error)[0]}"
    if isinstance(error, KeyError):
        return f"it has no {error}"
    return _first_line(error)


def without_secrets(text: str) -> str:
    """Return a text without the password of any URL in it, and without the secrets that this process was given.

    Examples
    --------
    >>> without_secrets("postgresql://owner:hunter2@db:5432/live is down")
    'postgresql://owner:…@db:5432/live is down'
    """
    without = re.sub(r"(\w+://[^\s:/@]*:)[^\s/@]+(?:@[^\s/@]+)*(?=@)", r"\1…", text)
    return masked(re.sub(r"(\bpassword\s*=\s*)('[^']*'|[^\s'&]+)", r"\1…", without))


def _file(error: OSError) -> tuple[str, str]:
    other = (f"cannot be used: {error.strerror or error}", "Correct that, then run again")
    return FILES.get(error.errno or 0, other)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return re.sub(r"\[Errno -?\d+\] ", "", PREFIX.sub("", lines[0])).rstrip(".")


def _where(text: str) -> str:
    found = re.search(r'at "([^"]*)"(?: \([^)]*\))?, port (\d+)', text) or re.search(r'on socket "([^"]*)"()', text)
    return f" at {found[1]}{f', port {found[2]}' if found[2] else ''}" if found else ""


def _defect(error: BaseException) -> DefectError:
    """Write the traceback to a file, for the report of the defect."""
    # Whatever failed may hold secrets that nothing has read until now.
    for name, value in os.environ.items():
        remember_secret(name, value)
    try:
        with tempfile.NamedTemporaryFile("w", prefix="handover-", suffix=".txt", delete=False) as file:
            file.write(without_secrets("".join(traceback.format_exception(error))))
        kept = f"the traceback is in {file.name}"
    except OSError:
        kept = "no file could be written for the traceback"
    last = traceback.extract_tb(error.__traceback__)[-1:]
    where = "".join(f" in {Path(frame.filename).name}, line {frame.lineno}" for frame in last)
    said = (str(error).strip().splitlines() or [""])[0]
    message = f"handover itself failed{where}: {type(error).__name__}: {said}."
    return DefectError(f"{message} This is a defect of handover. Report it; {kept}.")
