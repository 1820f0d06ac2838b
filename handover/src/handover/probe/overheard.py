"""What a system prints while it is asked: shown on standard error, without secrets, and not without end."""

import codecs
import os
import sys
import threading
from typing import IO

from handover.troubles import without_secrets
from handover.wording import printable

CHUNK_BYTES = 1 << 16
LINE_CHARACTERS, SHOWN_CHARACTERS = 2000, 1 << 16
# A grandchild may keep the pipe open for ever.
END_WITHIN_S = 1.0


class Overheard:
    """Reads a system's standard error until it ends, so that the system never waits for a reader."""

    def __init__(self, name: str, pipe: IO[bytes]) -> None:
        # A place of its own: the pipe is closed with the process, and a grandchild may write on.
        self._name, self._place, self._left = name, os.dup(pipe.fileno()), SHOWN_CHARACTERS
        self._thread = threading.Thread(target=self._read, name=f"what {name} prints", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Wait until everything that was printed is shown."""
        self._thread.join(END_WITHIN_S)

    def _read(self) -> None:
        try:
            self._show_all()
        finally:
            os.close(self._place)

    def _show_all(self) -> None:
        text, decoder = "", codecs.getincrementaldecoder("utf-8")("replace")
        while chunk := os.read(self._place, CHUNK_BYTES):
            *lines, text = (text + decoder.decode(chunk)).split("\n")
            for line in lines:
                self._show(line)
            text = text[: LINE_CHARACTERS + 1]  # the rest of a line without end is not kept
        if text:
            self._show(text)

    def _show(self, line: str) -> None:
        if self._left <= 0:
            return
        short = line if len(line) <= LINE_CHARACTERS else line[:LINE_CHARACTERS] + " …"
        self._left -= len(short) + 1
        print(printable(without_secrets(short.rstrip("\r"))), file=sys.stderr)  # noqa: T201 - people read it there
        if self._left <= 0:
            print(f"… {self._name} prints more, which is not shown", file=sys.stderr)  # noqa: T201
