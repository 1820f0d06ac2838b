"""A multiple of the measured peak, sent to the backend at that rate whether it keeps up or not."""

import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from handover.config.config import Config
from handover.config.cutover import Load
from handover.cutover.health import ANSWER_WITHIN_S, address
from handover.errors import ConfigurationError
from handover.http_client import http_client
from handover.journal.evidence import recording
from handover.journal.own_requests import own_key
from handover.side import Side


def carry(config: Config, *, say: Callable[[str], None], attempt: int = 1) -> dict[str, Any]:
    """Send the load; return what came back, which is evidence even when requests failed.

    Requests are due at fixed times from the beginning, so a backend that slows down does not slow the load down; its
    answers then come late, and what is carried is counted until the last of them.

    Parameters
    ----------
    config
        The pair.
    say
        Receives a line of progress.
    attempt
        Which attempt of the move it is evidence for.

    Raises
    ------
    ConfigurationError
        No load is declared.
    """
    wanted = config.load
    if wanted is None:
        message = "handover.toml declares no [load], so the peak is not known."
        raise ConfigurationError(f"{message} Add peak_per_s, measured and paths.")
    number = math.ceil(wanted.peak_per_s * wanted.factor * wanted.seconds)
    say(f"{number} requests in {wanted.seconds:g} s: {wanted.factor:g} x the peak of {wanted.peak_per_s:g}/s")
    with recording(config, "load", attempt=attempt) as recorder:
        results, took = _send(address(config, Side.BACKEND), wanted, number, own_key(config))
        troubles = [trouble for trouble, _ in results if trouble]
        for trouble in sorted(set(troubles)):
            recorder.line("troubles", {"trouble": trouble, "times": troubles.count(trouble)})
        latencies = sorted(latency for _, latency in results)
        recorder.summary |= {
            "requests": number,
            "failed": len(troubles),
            "peak_per_s": wanted.peak_per_s,
            "measured": wanted.measured,
            "carried_per_s": (number - len(troubles)) / took,
            "p50_ms": 1000 * latencies[number // 2],
            "p95_ms": 1000 * latencies[math.ceil(0.95 * number) - 1],
            "took_s": took,
        }
    return recorder.summary


def _send(base: str, wanted: Load, number: int, key: bytes) -> tuple[list[tuple[str, float]], float]:
    began = time.monotonic()
    rate = number / wanted.seconds

    def one(index: int) -> tuple[str, float]:
        due = began + index / rate
        time.sleep(max(due - time.monotonic(), 0))
        path = wanted.paths[index % len(wanted.paths)]
        try:
            answer = client.get(base + path)
        except httpx.HTTPError as error:
            return f"{path}: {type(error).__name__}", time.monotonic() - due
        failed = answer.status_code >= httpx.codes.BAD_REQUEST
        # Measured from when it was due, not from when a thread was free: people would wait that long.
        return f"{path}: {answer.status_code}" if failed else "", time.monotonic() - due

    with (
        http_client(timeout_s=ANSWER_WITHIN_S, at_once=wanted.at_once, key=key) as client,
        ThreadPoolExecutor(wanted.at_once) as pool,
    ):
        results = list(pool.map(one, range(number)))
    return results, max(time.monotonic() - began, wanted.seconds)
