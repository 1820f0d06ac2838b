"""What a person owns, and so what pages must show."""

import hashlib
from dataclasses import dataclass, field

import httpx

PARTIAL, WHOLE = 206, 200


@dataclass
class Possessions:
    """Choreographies by id, how many are on their way, tasks, and what their videos hold.

    ``saved`` maps an id to its title (empty where the system chose it), ``videos`` an id to its video's file (empty
    where the page did not tell its name).
    """

    saved: dict[str, str] = field(default_factory=dict)
    videos: dict[str, str] = field(default_factory=dict)
    tasks: list[str] = field(default_factory=list)
    on_their_way: int = 0
    _digests: dict[tuple[str, int, int], str] = field(default_factory=dict)

    def count(self, number: int, least: int, most: int) -> str:
        """Return what is wrong with a number of choreographies."""
        return "" if least <= number <= most else f"{number} choreographies instead of {least}"

    def bytes_of(self, video: str, first: int, last: int, answer: httpx.Response) -> str:
        """Return what is wrong with an answer to a request for a part of a video."""
        if answer.status_code == PARTIAL:
            if not answer.headers.get("content-range", "").startswith(f"bytes {first}-{last}/"):
                return f"bytes {first}-{last} asked, {answer.headers.get('content-range')} answered"
            part = answer.content
        else:
            part = answer.content[first : last + 1]
        if len(part) != last + 1 - first:
            return f"{len(part)} bytes instead of {last + 1 - first}"
        digest = hashlib.sha256(part).hexdigest()
        known = self._digests.setdefault((video, first, last), digest)
        return "" if known == digest else "other bytes than before"
