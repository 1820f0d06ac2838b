"""Errors of a system: the message, the place in its own code, and what to do."""

import re
from pathlib import Path

from handover.config.config import System
from handover.errors import ProbeError

FRAME = re.compile(r'^ +File "(?P<file>[^"]+)", line (?P<line>\d+)(?:, in .*)?\n(?: {4}(?P<code>.*)\n)?', re.MULTILINE)
NOT_ITS_OWN = ("/site-packages/", "/dist-packages/", "handover-agent", "<frozen ", "/lib/python")
KEPT_LINES = 4


def last_words(said: str) -> str:
    """Return the error at the end of a traceback, and the place in the system's own code where it arose.

    Examples
    --------
    >>> print(last_words('Traceback (…):\\n  File "/srv/a.py", line 3, in <module>\\n    x\\nNameError: no x\\n'))
    NameError: no x
    at /srv/a.py, line 3: x
    """
    frames = list(FRAME.finditer(said))
    if not frames:
        return said.strip()
    after = said[frames[-1].end() :].splitlines()
    words = [line for line in after if line.strip() and not line.startswith("    ")][:KEPT_LINES]
    own = [frame for frame in frames if not any(part in frame["file"] for part in NOT_ITS_OWN)]
    where = [f"at {f['file']}, line {f['line']}: {f['code'] or ''}".rstrip(": ") for f in own[-1:]]
    return "\n".join([*(words or ["an error without words"]), *where])


def error_line(error: ProbeError) -> str:
    """Return the line that says what a system raised; of a message of one line, that line."""
    first, *more = str(error).strip().splitlines()
    return more[0] if more else first


def explained(words: str, system: System, folder: Path) -> tuple[str, str]:
    """Return why a system does not start, and what to do about it.

    Parameters
    ----------
    words
        The end of its error.
    system, folder
        The system as ``handover.toml`` declares it, and its folder on this machine.
    """
    missing = re.match(r"ModuleNotFoundError: No module named '([^']+)'", words)
    program = " ".join(system.python)
    if missing and missing[1] == "django":
        what = f"its interpreter {program!r} has no Django"
        return what, "Name that of its virtual environment: `python` in handover.toml."
    if missing and f"{system.settings}.".startswith(f"{missing[1]}."):
        what = f"there is no settings module {system.settings!r} in {folder}"
        return what, "Correct `settings` or `path` in handover.toml."
    if re.match(r"(?:FileNotFound|NotADirectory|Permission)Error: .*" + re.escape(repr(str(folder))), words):
        what = f"its folder {folder} is not there, or is closed to it"
        return what, "Correct `path` in handover.toml; it is a path on the machine where the interpreter runs."
    return words, "Mend it, or its environment in handover.toml. To see more, run `manage.py check` there."
