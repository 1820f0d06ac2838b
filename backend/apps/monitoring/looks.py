"""Ask several things at once, and wait for each no longer than its time.

What does not answer may hang for long: a network disk, a server that keeps its connections and says nothing. Its thread
is left alone, and it is not asked again before that thread has come back.
"""

import contextvars
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass, field

Answer = Callable[[], str]


@dataclass(frozen=True)
class Look:
    """One thing to ask: how, and for how long at most."""

    ask: Answer
    limit_s: float


@dataclass
class Looks:
    """What is being asked now, by name."""

    asked: dict[str, Future[str]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answers(self, looks: Mapping[str, Look]) -> dict[str, str]:
        """Return what each answers, or that it did not in its time. Raises what a look raises."""
        began = time.monotonic()
        futures = {name: self._ask(name, look.ask) for name, look in looks.items()}
        return {
            name: _answer(future, looks[name].limit_s, left_s=looks[name].limit_s - (time.monotonic() - began))
            for name, future in futures.items()
        }

    def _ask(self, name: str, ask: Answer) -> Future[str]:
        with self.lock:
            asked = self.asked.get(name)
            if asked is not None and not asked.done():
                return asked
            self.asked[name] = future = Future[str]()
            context = contextvars.copy_context()
            threading.Thread(target=context.run, args=(_run, future, ask), name=f"look-{name}", daemon=True).start()
            return future


def _run(future: Future[str], ask: Answer) -> None:
    try:
        answer = ask()
    except BaseException as error:  # noqa: BLE001 - it is raised where the answer is awaited
        future.set_exception(error)
    else:
        future.set_result(answer)


def _answer(future: Future[str], limit_s: float, *, left_s: float) -> str:
    wait([future], timeout=max(left_s, 0))
    return future.result() if future.done() else f"no answer within {limit_s:g} s"
