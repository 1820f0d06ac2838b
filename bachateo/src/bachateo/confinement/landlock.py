"""Landlock: the files that this process may read and write, held by the kernel (Linux 5.13 and later)."""

from __future__ import annotations

import ctypes
import os
import stat
from collections.abc import Iterable, Sequence

from bachateo.confinement.calls import call, set_flag

# <linux/landlock.h>. The numbers of the three calls are the same on every machine.
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
ASK_VERSION = 1
PATH_BENEATH = 1
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = (1 << bit for bit in range(4))
TRUNCATE = 1 << 14
# Rights on files that each version of Landlock knows: all of them are taken, then some are given back.
FILE_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
# To listen and to connect by TCP; to reach the sockets and the processes of others.
TCP_SINCE, TCP_RIGHTS = 4, 0b11
SCOPE_SINCE, SCOPES = 6, 0b11


class Ruleset(ctypes.Structure):
    """What is taken from the process: ``struct landlock_ruleset_attr``."""

    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scopes", ctypes.c_uint64))


class PathRule(ctypes.Structure):
    """What is given back below one path: ``struct landlock_path_beneath_attr``."""

    _pack_ = 1
    _fields_ = (("rights", ctypes.c_uint64), ("folder", ctypes.c_int32))


def version() -> int:
    """Return the version of Landlock that the kernel offers, 0 without."""
    try:
        return call(CREATE_RULESET, None, 0, ASK_VERSION)
    except OSError:
        return 0


def restrict(reads: Sequence[str], writes: Sequence[str]) -> bool:
    """Leave this thread, and those that it starts, only these files.

    Parameters
    ----------
    reads, writes
        As for :func:`bachateo.confinement.confine`.

    Returns
    -------
    bool
        False if the kernel has no Landlock, and nothing was done.
    """
    known = version()
    if not known:
        return False
    taken = max(rights for since, rights in FILE_RIGHTS.items() if since <= known)
    asked = Ruleset(taken, TCP_RIGHTS * (known >= TCP_SINCE), SCOPES * (known >= SCOPE_SINCE))
    # Older kernels know a shorter structure.
    length = 8 if known < TCP_SINCE else 16 if known < SCOPE_SINCE else 24
    ruleset = call(CREATE_RULESET, ctypes.byref(asked), length, 0)
    _give_back(ruleset, reads, (READ_FILE | READ_DIR) & taken)
    _give_back(ruleset, writes, (READ_FILE | WRITE_FILE | TRUNCATE) & taken)
    set_flag("no new privileges")
    call(RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)
    return True


def _give_back(ruleset: int, paths: Iterable[str], rights: int) -> None:
    for path in paths:
        try:
            opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue  # it is not there, so nothing of it can be read
        is_folder = stat.S_ISDIR(os.fstat(opened).st_mode)
        rule = PathRule(rights if is_folder else rights & ~READ_DIR, opened)
        call(ADD_RULE, ruleset, PATH_BENEATH, ctypes.byref(rule), 0)
        os.close(opened)
