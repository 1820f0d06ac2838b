"""Calls of the kernel that the standard library does not offer."""

from __future__ import annotations

import ctypes
import os
from typing import Any

# <linux/prctl.h>
FLAGS = {"no new privileges": (38, 1, 0, 0, 0)}

_libc = ctypes.CDLL(None, use_errno=True)


def call(number: int, *arguments: Any) -> int:
    """Call the kernel.

    Parameters
    ----------
    number
        Number of the call on this machine.
    *arguments
        Numbers, pointers of ctypes, or None.

    Raises
    ------
    OSError
        The kernel refused.
    """
    return _checked(_libc.syscall(ctypes.c_long(number), *map(_word, arguments)))


def set_flag(name: str) -> None:
    """Set a flag of this process that cannot be taken back.

    Parameters
    ----------
    name
        One of ``FLAGS``.

    Raises
    ------
    OSError
        The kernel refused.
    """
    _checked(_libc.prctl(*map(_word, FLAGS[name])))


def _word(value: Any) -> Any:
    # A number takes a whole register; ctypes would pass half of one.
    return ctypes.c_long(value) if isinstance(value, int) else value


def _checked(answer: int) -> int:
    if answer < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return answer
