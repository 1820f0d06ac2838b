"""Where commands print: results on standard output, progress on standard error.

Names of a database and words of a system may hold anything; none of it acts on the terminal.
"""

import json
import sys
from typing import Any

from rich.console import Console

from handover.wording import printable


class PlainConsole(Console):
    """A console on which no text acts: escape sequences and marks of direction are shown, not obeyed."""

    def print(self, *objects: Any, **options: Any) -> None:
        """Print texts, and other things of ``rich``."""
        super().print(*(printable(one) if isinstance(one, str) else one for one in objects), **options)


out = PlainConsole(highlight=False, markup=False, soft_wrap=True)
progress = PlainConsole(stderr=True, highlight=False, markup=False, soft_wrap=True)


def print_json(values: object, *, indent: int | None = 2) -> None:
    """Print values as JSON, which nothing may wrap; what is not printable is escaped, and stays the same value."""
    text = json.dumps(values, indent=indent, ensure_ascii=False, default=str)
    if not text.isprintable():
        text = "".join(c if c.isprintable() or c in "\n" else json.dumps(c)[1:-1] for c in text)
    print(text)  # noqa: T201 - see above


def print_whole(text: str, end: str = "\n") -> None:
    """Print a text that nothing may wrap; on a terminal without what would act on it, in a file byte for byte."""
    print(printable(text) if sys.stdout.isatty() else text, end=end)  # noqa: T201 - see above
