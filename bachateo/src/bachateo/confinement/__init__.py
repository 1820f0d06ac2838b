"""Takes from a process what a decoder does not need: other files, sockets, other processes.

It uses only the standard library, since every limited child imports it.
"""

from __future__ import annotations

from collections.abc import Sequence

from bachateo.confinement import landlock, seccomp


def confine(reads: Sequence[str], writes: Sequence[str]) -> list[str]:
    """Confine this process for the rest of its life, as far as its kernel can do that.

    Parameters
    ----------
    reads
        Files and folders that it may still read.
    writes
        Files that it may still write; they exist already.

    Returns
    -------
    list of str
        What this kernel does not offer: ``Landlock``, ``seccomp``, both or nothing.

    Raises
    ------
    OSError
        The kernel offers it and refuses to apply it.
    """
    missing = []
    if not landlock.restrict(reads, writes):
        missing.append("Landlock")
    # Last: it refuses the calls that came before.
    if not seccomp.restrict():
        missing.append("seccomp")
    return missing
