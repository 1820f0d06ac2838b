"""One call of octoDNS's provider: with a limit of time, and with its last warning in the message when it fails."""

import logging
import queue
import threading
from collections.abc import Callable
from typing import TypeVar

from handover.errors import HandoverError

T = TypeVar("T")


class ProviderError(HandoverError):
    """The DNS provider failed, or did not answer in time.

    Attributes
    ----------
    is_silent
        Whether it did not answer in time: then it may still be at work.
    """

    code = "HO572"
    is_silent = False


class _LastWarning(logging.Handler):
    """Keeps the last warning of a thread: a provider that waits before it tries again says so in its log alone.

    What other threads say, such as one that another provider's package started, is not this call's.
    """

    def __init__(self, thread: str) -> None:
        super().__init__(logging.WARNING)
        self.text, self._thread = "", thread

    def emit(self, record: logging.LogRecord) -> None:
        if record.threadName == self._thread:
            self.text = record.getMessage().strip()


def within(timeout_s: float, provider: str, what: str, work: Callable[[], T]) -> T:
    """Run in a thread, since a provider that hangs must not hold up the switch; return what it returns.

    Parameters
    ----------
    timeout_s
        How long it may take, in seconds.
    provider, what
        Its name, and what could not be done, for the message.
    work
        What is done.

    Raises
    ------
    ProviderError
        It failed, or did not end in time.
    """
    results: queue.Queue[tuple[T | None, BaseException | None]] = queue.Queue()
    name = f"provider {provider}"
    warned = _LastWarning(name)

    def run() -> None:
        try:
            results.put((work(), None))
        except BaseException as error:  # noqa: BLE001 - it is raised again below
            results.put((None, error))

    logging.getLogger().addHandler(warned)
    try:
        threading.Thread(target=run, name=name, daemon=True).start()
        value, error = results.get(timeout=timeout_s)
    except queue.Empty:
        said = f" It said: {warned.text}." if warned.text else ""
        message = f"the provider {provider} could not {what} within {timeout_s:g} s.{said}"
        raise _silent(f"{message} Whether it did something is asked of the name servers: handover status") from None
    finally:
        logging.getLogger().removeHandler(warned)
    if isinstance(error, HandoverError):
        raise error
    if isinstance(error, Exception):
        message = f"the provider {provider} could not {what}: {type(error).__name__}: {error}"
        raise ProviderError(f"{message}. See what holds now: handover status") from error
    if error is not None:
        raise error
    return value  # type: ignore[return-value]


def _silent(message: str) -> ProviderError:
    error = ProviderError(message)
    error.is_silent = True
    return error
