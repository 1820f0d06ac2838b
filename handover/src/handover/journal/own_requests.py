"""The toolkit's own requests in a log, told from those of people by their marks.

The marks have a key of their own, made from the key that seals the journal: machines that share it know each other's
requests.
"""

import hashlib
import hmac
import time
from collections.abc import Iterable
from typing import Literal

from handover.config.config import Config
from handover.http_client import MARK, host_of, mark_digest
from handover.journal.key import sealing_key
from handover.side import Side

Asker = Literal["people", "own", "unknown mark"]
# Longer than a flow takes and a server waits before it writes its line; a mark that is copied later hides nothing.
HOLDS_S = 900.0
CLOCKS_DIFFER_S = 60.0


def own_key(config: Config) -> bytes:
    """Return the key of the marks; the key of the journal is made if there is none.

    Raises
    ------
    FolderKeyError
        It is missing, and the folder holds what it signed.
    """
    return hmac.new(sealing_key(config.root)[1], b"own requests", hashlib.sha256).digest()


class OwnRequests:
    """Tells the own requests among the lines of a log.

    A mark counts only for the host that it was made for, and only if it is not older than ``holds_s``.

    Attributes
    ----------
    own, unknown
        How many lines had a mark that counts, and one that does not.
    """

    def __init__(self, key: bytes, hosts: Iterable[str], *, holds_s: float = HOLDS_S) -> None:
        self._key, self._hosts, self._holds_s = key, tuple(hosts), holds_s
        self.own = self.unknown = 0

    def asker(self, line: bytes) -> Asker:
        """Return who sent the request of a line."""
        mark = MARK.search(line)
        if mark is None:
            return "people"
        if self._counts(*(part.decode() for part in mark.groups())):
            self.own += 1
            return "own"
        self.unknown += 1
        return "unknown mark"

    def _counts(self, at: str, number: str, digest: str) -> bool:
        age_s = time.time() - int(at, 16)
        if not -CLOCKS_DIFFER_S <= age_s <= self._holds_s:
            return False
        said = f"{at}-{number}"
        return any(hmac.compare_digest(mark_digest(self._key, host, said), digest) for host in self._hosts)


def own_requests(config: Config, side: Side, *, holds_s: float = HOLDS_S) -> OwnRequests:
    """Return what tells the own requests to one system.

    Parameters
    ----------
    config, side
        The pair, and the system whose log is read.
    holds_s
        How old a mark may be.
    """
    url = config.system(side).base_url
    return OwnRequests(own_key(config), [host_of(url)] if url else [], holds_s=holds_s)
