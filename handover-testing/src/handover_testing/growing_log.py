"""An access log that grows while a test runs."""

import threading
from collections.abc import Callable
from pathlib import Path

from handover.config.config import Config
from handover.http_client import host_of, own_mark
from handover.journal.own_requests import own_key
from handover.side import Side

PERSON = '::1 - - [24/Nov/2026:13:00:00 +0000] "GET / HTTP/1.1" 200 0 "-" "Fox"\n'


def own_line(config: Config, side: Side) -> str:
    """Return the line that a request of the toolkit to a system leaves."""
    url = config.system(side).base_url
    assert url
    return PERSON.replace("Fox", own_mark(own_key(config), host_of(url)))


class GrowingLog:
    """A log that gets a line 500 times a second until the block ends."""

    def __init__(self, path: Path, line: Callable[[], str]) -> None:
        self._path, self._line, self._over = path, line, threading.Event()
        self._path.touch()
        self._thread = threading.Thread(target=self._write)

    def _write(self) -> None:
        with self._path.open("a", buffering=1) as file:
            while not self._over.wait(0.002):
                file.write(self._line())

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
