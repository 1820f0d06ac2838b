"""Hooks: executables of the team at named points. JSON goes in over standard input, the exit code comes back.

Exit 0: done. Exit 3: refused, the command stops and says the hook's words. Anything else, and no end within the time
limit: failed. What a hook prints is kept in the journal, at most a few thousand characters of it.
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from handover.config.config import Config
from handover.config.cutover import HookPoint
from handover.errors import HandoverError, Refused
from handover.journal.key import KEY_VARIABLE
from handover.secret_words import remember_secret
from handover.troubles import without_secrets
from handover.wording import page_address

REFUSED = 3
KEPT_CHARACTERS = 4000
PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
# Loaded here: between fork and exec there must be no import.
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class HookError(HandoverError):
    """A hook failed, or did not end in time."""

    code = "HO580"


@dataclass(frozen=True)
class HookResult:
    """A hook that ended well; ``output`` is what it printed, ``seconds`` how long it took."""

    output: str
    seconds: float


def run(config: Config, point: HookPoint, facts: Mapping[str, Any]) -> HookResult | None:
    """Run the hook of a point; None when no hook is declared.

    Parameters
    ----------
    config, point
        The pair, and the point that is reached.
    facts
        What the hook reads as JSON from its standard input, besides the point.

    Raises
    ------
    Refused
        It ended with 3.
    HookError
        It could not be started, failed, or did not end in time.
    """
    argv = config.hooks.at.get(point)
    return None if argv is None else execute(config, point, argv, facts)


def execute(config: Config, name: str, argv: tuple[str, ...], facts: Mapping[str, Any]) -> HookResult:
    """Run an executable of the hooks' folder; it ends and fails as with :func:`run`.

    Parameters
    ----------
    config, name
        The pair, and what to call the hook.
    argv
        The executable, relative to the hooks' folder, and its arguments.
    facts
        As of :func:`run`.
    """
    program = config.root / config.hooks.folder / argv[0]
    for variable, value in os.environ.items():  # a hook has them, so it may print them
        remember_secret(variable, value)
    began = time.monotonic()
    try:
        process = subprocess.Popen(
            [str(program), *argv[1:]],
            cwd=config.root,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={name: value for name, value in os.environ.items() if name != KEY_VARIABLE},  # a hook signs nothing
            start_new_session=True,  # so that what it started ends with it
            preexec_fn=_dies_with(os.getpid()),  # noqa: PLW1509 - one call of C, no import, no lock
        )
    except OSError as error:
        message = f"the hook {name} could not be started: {program}: {error.strerror}."
        raise HookError(f"{message} It must be there and executable.") from error
    try:
        output, _ = process.communicate(
            json.dumps({"point": name, **facts}, default=str), timeout=config.hooks.timeout_s
        )
    except subprocess.TimeoutExpired:
        message = f"the hook {name} did not end within {config.hooks.timeout_s:g} s and was killed."
        raise HookError(f"{message} Run {program} by hand to see what it waits for.") from None
    finally:
        _end(process)
    kept = without_secrets(output.strip()[-KEPT_CHARACTERS:])
    if process.returncode == REFUSED:
        raise Refused(f"the hook {name} refused: {kept or 'it gave no reason'}", code="HO581")
    if process.returncode:
        message = f"the hook {name} failed with status {process.returncode}: {kept or 'it printed nothing'}."
        raise HookError(f"{message} The exit codes: {page_address('reference/hooks')}")
    return HookResult(kept, time.monotonic() - began)


def cannot_run(config: Config, program: str) -> str:
    """Return why an executable of the hooks' folder cannot be run; empty when it can."""
    path = config.root / config.hooks.folder / program
    return "" if os.access(path, os.X_OK) else f"{path} is not there or not executable; chmod +x"


def _dies_with(parent: int) -> Callable[[], None] | None:
    """Return what a child does first so that Linux kills it with this process: resuming runs the hook again."""
    if _LIBC is None:
        return None
    libc = _LIBC

    def child() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it was killed before it could be named
            os._exit(1)

    return child


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    for pipe in (process.stdin, process.stdout):  # what the hook started may hold the other end
        with suppress(BrokenPipeError):
            pipe.close()  # type: ignore[union-attr]  # both were asked for
