"""seccomp: the calls that the kernel refuses to this process, as a program that the kernel runs before each call."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import sys
from dataclasses import dataclass

from bachateo.confinement.calls import call, set_flag
from bachateo.confinement.refused import REFUSED

# <linux/bpf_common.h> and <linux/seccomp.h>
LOAD, JUMP_EQUAL, JUMP_AT_LEAST, JUMP_BITS, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, REFUSE, KILL = 0x7FFF0000, 0x00050000, 0x80000000
SET_FILTER, ALL_THREADS = 1, 1
# Where the kernel puts what the program reads: the call, the machine, and each argument, its low half first.
CALL, MACHINE, ARGUMENT = 0, 4, 16
# Calls of x86_64 with this bit are those of another way to call it.
X32 = 0x40000000
THREAD = 0x00010000  # CLONE_THREAD of <sched.h>

Step = tuple[int, int, int, int]  # what to do, steps to jump over if true, if not, a number


@dataclass(frozen=True)
class Machine:
    """The numbers of one kind of processor."""

    audit: int
    column: int
    seccomp: int
    clone: int
    clone3: int
    kill: int
    tgkill: int
    prlimit: int


MACHINES = {
    "x86_64": Machine(0xC000003E, 1, seccomp=317, clone=56, clone3=435, kill=62, tgkill=234, prlimit=302),
    "aarch64": Machine(0xC00000B7, 2, seccomp=277, clone=220, clone3=435, kill=129, tgkill=131, prlimit=261),
}


class Instruction(ctypes.Structure):
    """One step of the program: ``struct sock_filter``."""

    _fields_ = (("code", ctypes.c_uint16), ("yes", ctypes.c_uint8), ("no", ctypes.c_uint8), ("k", ctypes.c_uint32))


class Program(ctypes.Structure):
    """The program: ``struct sock_fprog``."""

    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.POINTER(Instruction)))


def restrict() -> bool:
    """Refuse the calls of ``REFUSED`` to all threads of this process.

    Returns
    -------
    bool
        False if the kernel has no seccomp, or the processor is not one of ``MACHINES``; then nothing was done.
    """
    machine = MACHINES.get(platform.machine())
    # A 32-bit interpreter makes calls of another machine.
    if machine is None or sys.maxsize < 1 << 32:
        return False
    steps = program(machine, os.getpid())
    array = (Instruction * len(steps))(*(Instruction(*step) for step in steps))
    set_flag("no new privileges")
    try:
        call(machine.seccomp, SET_FILTER, ALL_THREADS, ctypes.byref(Program(len(steps), array)))
    except OSError as error:
        if error.errno in {errno.ENOSYS, errno.EINVAL}:
            return False
        raise
    return True


def program(machine: Machine, pid: int) -> list[Step]:
    """Return the program for a process.

    Parameters
    ----------
    machine
        Its processor.
    pid
        Its number: it may send signals to itself.
    """
    numbers = [entry[machine.column] for entry in REFUSED]
    refused = [number for number in numbers if isinstance(number, int)]
    return [
        (LOAD, 0, 0, MACHINE),
        (JUMP_EQUAL, 1, 0, machine.audit),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, CALL),
        (JUMP_AT_LEAST, 0, 1, X32),
        (RETURN, 0, 0, REFUSE | errno.EPERM),
        # The C library then makes threads by clone, whose arguments can be read here.
        (JUMP_EQUAL, 0, 1, machine.clone3),
        (RETURN, 0, 0, REFUSE | errno.ENOSYS),
        *_unless(machine.clone, [(LOAD, 0, 0, _low(0)), (JUMP_BITS, 1, 0, THREAD)]),
        *_unless(machine.kill, [(LOAD, 0, 0, _low(0)), (JUMP_EQUAL, 1, 0, pid)]),
        *_unless(machine.tgkill, [(LOAD, 0, 0, _low(0)), (JUMP_EQUAL, 1, 0, pid)]),
        # Limits may be read, not set: the third argument points to new ones.
        *_unless(
            machine.prlimit,
            [
                (LOAD, 0, 0, _low(2)),
                (JUMP_EQUAL, 0, 2, 0),
                (LOAD, 0, 0, _low(2) + 4),
                (JUMP_EQUAL, 1, 0, 0),
            ],
        ),
        *((JUMP_EQUAL, len(refused) - place, 0, number) for place, number in enumerate(refused)),
        (RETURN, 0, 0, ALLOW),
        (RETURN, 0, 0, REFUSE | errno.EPERM),
    ]


def _unless(number: int, allowed: list[Step]) -> list[Step]:
    """Refuse one call unless the last of these steps jumps over the refusal; every other call goes past them."""
    return [
        (JUMP_EQUAL, 0, len(allowed) + 2, number),
        *allowed,
        (RETURN, 0, 0, REFUSE | errno.EPERM),
        (RETURN, 0, 0, ALLOW),
    ]


def _low(argument: int) -> int:
    return ARGUMENT + 8 * argument
