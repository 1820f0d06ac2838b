"""Whether a system is alive, can write, and carries load, before people are sent to it."""

import math
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from handover.config.config import Config
from handover.config.cutover import WarmUp
from handover.errors import ConfigurationError, HandoverError, Refused
from handover.http_client import get, http_client
from handover.journal.own_requests import own_key
from handover.probe.client import probe
from handover.side import Side

ANSWER_WITHIN_S = 10.0
OK = 200


def alive(config: Config, side: Side) -> dict[str, Any]:
    """Ask for its health.

    Raises
    ------
    Refused
        It does not answer 200.
    """
    url = address(config, side) + config.system(side).health
    began = time.monotonic()
    try:
        answer = get(url, timeout_s=ANSWER_WITHIN_S, key=own_key(config))
    except httpx.HTTPError as error:
        raise Refused(f"the {side} is dead: {url}: {type(error).__name__}: {error}.", code="HO582") from error
    if answer.status_code != OK:
        message = f"the {side} is not well: {url} answers {answer.status_code}; expected {OK}."
        raise Refused(message, code="HO582")
    return {"url": url, "took_s": round(time.monotonic() - began, 3)}


def can_write(config: Config) -> dict[str, Any]:
    """Let the original make a row with its own code and take it back.

    Raises
    ------
    Refused
        It cannot, or no probe is declared.
    """
    wanted = config.rollback.write
    if wanted is None:
        message = "handover.toml does not say how to see that the original can write; nothing was changed."
        raise Refused(f"{message} Declare it: [rollback.write] model and fields", code="HO583")
    try:
        with probe("the original", config.system(Side.ORIGINAL), config.root, act_on={}) as agent:
            agent.load("write_probe")
            seen = dict(agent.ask("write_probe", model=wanted.model, fields=wanted.fields))
    except HandoverError as error:
        raise Refused(f"the original cannot write: {error}", code="HO583") from error
    if not seen["written"] or seen["left"]:
        message = f"the original's row of {wanted.model} was {'left behind' if seen['left'] else 'not there again'}."
        raise Refused(message, code="HO583")
    return {"model": wanted.model, **seen}


def warm_up(config: Config, side: Side) -> dict[str, Any]:
    """Send it load and see that it carries that.

    Raises
    ------
    Refused
        A request failed, or they were too slow.
    """
    wanted = config.rollback.warm_up
    base = address(config, side)
    urls = [base + wanted.paths[number % len(wanted.paths)] for number in range(wanted.requests)]
    with (
        http_client(timeout_s=ANSWER_WITHIN_S, key=own_key(config)) as client,
        ThreadPoolExecutor(wanted.at_once) as pool,
    ):
        results = list(pool.map(lambda url: _timed(client, url), urls))
    return _load_carried(side, wanted, results)


def _timed(client: httpx.Client, url: str) -> tuple[str, float]:
    began = time.monotonic()
    try:
        answer = client.get(url)
    except httpx.HTTPError as error:
        return f"{url}: {type(error).__name__}", 0.0
    trouble = f"{url}: {answer.status_code}" if answer.status_code >= httpx.codes.BAD_REQUEST else ""
    return trouble, time.monotonic() - began


def _load_carried(side: Side, wanted: WarmUp, results: list[tuple[str, float]]) -> dict[str, Any]:
    troubles = [trouble for trouble, _ in results if trouble]
    if troubles:
        message = f"the {side} does not carry load: {len(troubles)} of {len(results)} requests failed ({troubles[0]})."
        raise Refused(message, code="HO584")
    p95_ms = 1000 * sorted(took for _, took in results)[math.ceil(0.95 * len(results)) - 1]
    if p95_ms > wanted.p95_ms:
        message = f"the {side} is slow under load: 95 % within {p95_ms:.0f} ms; at most {wanted.p95_ms:.0f} expected."
        raise Refused(message, code="HO584")
    return {"requests": len(results), "at_once": wanted.at_once, "p95_ms": round(p95_ms, 1)}


def address(config: Config, side: Side) -> str:
    """Return where a system answers.

    Raises
    ------
    ConfigurationError
        It is not declared.
    """
    url = config.system(side).base_url
    if url is None:
        raise ConfigurationError(f"handover.toml: [{side}] has no base_url, so it cannot be asked. Add it.")
    return url.rstrip("/")
