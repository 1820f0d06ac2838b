"""One move of the record by the real command, while choreographies are being made."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sandbox.clients.figures import Cost, RecordMove, cost
from sandbox.errors import SandboxError
from sandbox.rehearsal.stage import EndedCommand, Stage
from sandbox.systems import ADDRESSES

MAKE_EVERY_S = 1.0
ASK_EVERY_S = 2.5
# A busy machine takes longer; the rehearsal waits for it.
PATIENCE_S = 600.0


class CommandRefusedError(SandboxError):
    """A command of the rehearsal ended otherwise than expected."""

    code = "SB021"

    def __init__(self, arguments: Sequence[str], ended: EndedCommand, *expect: int | str) -> None:
        expected = " or ".join(map(str, expect))
        super().__init__(
            f"handover {' '.join(arguments)} ended with {ended.status}; expected {expected}. "
            f"It said:\n{ended.out}{ended.err}"
        )


@dataclass(frozen=True)
class MoveCommand:
    """A move that was made: the command's words, and when everything happened."""

    ended: EndedCommand
    moved: RecordMove

    def until_now(self) -> "MoveCommand":
        """Return it with everything measured until now."""
        return replace(self, moved=replace(self.moved, until=time.time()))


def done(stage: Stage, *arguments: str, expect: tuple[int, ...] = (0,)) -> EndedCommand:
    """Run a command that must end as expected. Raises CommandRefusedError."""
    ended = stage.handover(*arguments)
    if ended.status not in expect:
        raise CommandRefusedError(arguments, ended, *expect)
    return ended


def until(
    stage: Stage,
    *arguments: str,
    expect: int = 0,
    words: str = "",
    between: Callable[[], None] = lambda: None,
) -> EndedCommand:
    """Run a command again and again until it ends as expected and says ``words``. Raises CommandRefusedError."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        ended = stage.handover(*arguments)
        if ended.status == expect and words in ended.out:
            return ended
        if time.monotonic() > deadline:
            raise CommandRefusedError(arguments, ended, f"{expect} and the words {words!r}" if words else expect)
        between()
        time.sleep(ASK_EVERY_S)


def move(
    stage: Stage, *arguments: str, to: str, ttl_s: float, songs: Sequence[str] = (), look_s: float = 0.0
) -> MoveCommand:
    """Run a command that moves the record to ``to``; go on measuring for ``look_s`` after the record has changed.

    ``songs`` no cache knows, so that each takes some seconds; they are made one after the other until the record has
    changed, so that tasks are in flight whenever that is.
    """
    before = "original" if to == "backend" else "backend"
    decided = time.time()
    with _making(stage, songs, to):
        ended = done(stage, *arguments)
    written = stage.record.changed_to(ADDRESSES[to], after=decided)
    time.sleep(max(0.0, written + look_s - time.time()))
    return MoveCommand(ended, RecordMove(before, to, decided, written, time.time(), ttl_s))


def cost_of(stage: Stage, made: MoveCommand) -> Cost:
    """Return what a move has cost people."""
    return cost(stage.people.entries(), made.moved)


class _making:  # noqa: N801 - used as a function in a with statement
    def __init__(self, stage: Stage, songs: Sequence[str], to: str) -> None:
        self._stage, self._songs, self._address = stage, list(songs), ADDRESSES[to]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._make, name="making")

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _make(self) -> None:
        while self._songs and not self._stop.wait(MAKE_EVERY_S):
            changes = self._stage.record.changes
            if changes and changes[-1][1] == (self._address,):
                return
            if self._stage.people.make(self._songs[0]):
                self._songs.pop(0)
