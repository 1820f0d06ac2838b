"""Several processes of both systems save files of one name at the same time: no file may be lost."""

import base64
import hashlib
import secrets
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from handover.finding import Finding
from handover.probe.client import Probe
from handover.proof.storage.fields import FilePair
from handover.side import Side
from handover.wording import counted

SAVES = {"small": 8, "full": 40}
THREADS = 2
ROUNDS = 6
BYTES = 2_000
EXAMPLES = 3


@dataclass
class Race:
    """A race of saves on one field.

    Attributes
    ----------
    pair, agents
        The field, and the processes that save, each with its system.
    run
        Part of the name, so that files left behind can be found.
    saved, overlapping
        How many files were saved, and how many of those while another process was saving one.
    made
        Names that must be removed at the end.
    """

    pair: FilePair
    agents: Sequence[tuple[Side, Probe]]
    run: str
    saved: int = 0
    overlapping: int = 0
    made: set[str] = field(default_factory=set)

    def findings(self, saves: int) -> Iterator[Finding]:
        """Yield what was lost, and whether no saves overlapped."""
        name = f"handover-race-{self.run}.mp4"
        entries: list[dict[str, Any]] = []
        # On a busy machine one process may end before the other begins: then both save more files.
        for more in range(ROUNDS):
            runs = self._round(name, saves << more)
            entries += [entry for run in runs for entry in run]
            self.overlapping += _overlapping(runs)
            if self.overlapping:
                break
        self.saved = len(entries)
        self.made = {entry["name"] for entry in entries}
        lost = [entry["name"] for entry in entries if not self._is_there(entry)]
        if lost or len(self.made) < len(entries):
            found = f"lost {counted(len(lost), 'file')} of {len(entries)} that several processes saved as {name!r}"
            expected = f"they got {counted(len(self.made), 'name')} ({', '.join(sorted(self.made)[:EXAMPLES])})"
            todo = "Let a save fail where an object is (if_generation_match=0, O_EXCL), and take another name."
            yield Finding(
                code="HO372",
                where=self.pair.where,
                found=found,
                expected=expected,
                todo=todo,
                severity="breaking",
                hurts="both",
            )
        if not self.overlapping:
            found = "was saved by one process at a time, so nothing is known about saves at the same time"
            yield Finding(
                code="HO373",
                where=self.pair.where,
                found=found,
                expected="",
                todo="Run again; with more saves: --full.",
                severity="unseen",
                hurts="both",
            )

    def _round(self, name: str, saves: int) -> list[list[dict[str, Any]]]:
        with ThreadPoolExecutor(len(self.agents)) as pool:
            return list(pool.map(lambda one: self._saves(one[0], one[1], name, saves), self.agents))

    def _saves(self, side: Side, agent: Probe, name: str, saves: int) -> list[dict[str, Any]]:
        contents = [base64.b64encode(secrets.token_bytes(BYTES)).decode() for _ in range(saves)]
        asked = {"name": name, "contents": contents, "threads": THREADS}
        run: list[dict[str, Any]] = agent.ask("store_race", **asked, **self.pair.of(side))
        return run

    def _is_there(self, entry: Mapping[str, Any]) -> bool:
        side, agent = self.agents[-1]
        seen = agent.ask("store_open", name=entry["name"], **self.pair.of(side))
        return bool(seen.get("sha256") == hashlib.sha256(base64.b64decode(entry["content"])).hexdigest())


def _overlapping(runs: Sequence[Sequence[Mapping[str, Any]]]) -> int:
    """Return how many saves began before one of another process ended, and ended after that one began."""
    return sum(
        any(_meet(entry, other) for theirs in runs if theirs is not run for other in theirs)
        for run in runs
        for entry in run
    )


def _meet(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return bool(one["began"] < other["ended"] and other["began"] < one["ended"])
