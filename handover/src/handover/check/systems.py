"""Both systems are asked at the same time. One whose code raises is a finding; one that falls silent is an error."""

import secrets
import subprocess
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from handover.config.config import Config, System
from handover.errors import RaisedError
from handover.finding import Finding
from handover.probe.client import Probe, probe
from handover.schema.models import Description
from handover.side import Side


@dataclass(frozen=True)
class SystemAnswer:
    """The answer of one system: its description and the open dialogue, or the finding that its code raises."""

    name: Side
    probe: Probe | None
    description: Description | None
    finding: Finding | None


PendingAnswers = tuple[Future[SystemAnswer], ...]


@contextmanager
def asking(config: Config, sides: Iterable[Side] = Side) -> Iterator[PendingAnswers]:
    """Ask systems, usually both, to describe themselves, each in a thread; their dialogues stay open until the end."""
    key = secrets.token_hex(32)  # both get the same, so equal secrets have equal fingerprints
    systems = {side: config.system(side) for side in sides}
    dialogues = _Dialogues()
    with ExitStack() as stack, ThreadPoolExecutor(len(systems)) as pool:
        # The dialogues are closed after the threads have ended, whatever happens in between.
        try:
            yield tuple(
                pool.submit(_ask, stack, dialogues, config, name, system, key) for name, system in systems.items()
            )
        except BaseException:
            dialogues.end()  # a failure or Ctrl-C does not wait for a system that is silent
            raise


class _Dialogues:
    """The interpreters that were started. One that starts after the end is ended at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._started: list[subprocess.Popen[bytes]] = []
        self._over = False

    def add(self, process: subprocess.Popen[bytes]) -> None:
        with self._lock:
            self._started.append(process)
            if self._over:
                process.kill()

    def end(self) -> None:
        with self._lock:
            self._over = True
            for process in self._started:
                process.kill()


def _ask(stack: ExitStack, dialogues: _Dialogues, config: Config, name: Side, system: System, key: str) -> SystemAnswer:
    names = [config.index.setting] if config.index else []
    try:
        dialogue = stack.enter_context(probe(f"the {name}", system, config.root, begun=dialogues.add))
        described = Description.of(f"the {name}", dialogue.ask("describe", key=key, names=names))
    except RaisedError as error:
        words = str(error).partition("\n")[2].strip()
        first, _, todo = words.partition("\n")
        found = f"does not start: {first}"
        return SystemAnswer(
            name,
            None,
            None,
            Finding(
                code="HO104",
                where=system.settings,
                found=found,
                expected="nothing of it was compared",
                todo=todo,
                hurts=name,
            ),
        )
    return SystemAnswer(name, dialogue, described, None)
