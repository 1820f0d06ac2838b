"""Real requests through the balancer: which system answers them, and whether that fits the share that was set."""

import math
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import httpx

from handover.config.switch import ALL_PCT, ToldBy
from handover.http_client import get
from handover.side import Side

AT_ONCE = 8
# How far a share may be from what was set before it counts as another share: half to double, and what chance allows.
# Balancers choose by a hash of the person, so small shares are never exact.
FACTOR, SIGMAS = 2.0, 3.0


@dataclass(frozen=True)
class Sampled:
    """How many answers each side gave; ``troubles`` are requests without an answer that tells, and why."""

    answers: Mapping[Side, int]
    troubles: tuple[str, ...] = ()

    def __add__(self, other: "Sampled") -> "Sampled":
        both = {side: self.answers[side] + other.answers[side] for side in Side}
        return Sampled(both, (*self.troubles, *other.troubles))

    @property
    def requests(self) -> int:
        """How many answers tell which side gave them."""
        return sum(self.answers.values())

    def __str__(self) -> str:
        said = f"{self.answers[Side.BACKEND]} of {self.requests} sampled requests reached the backend"
        return f"{said}; {len(self.troubles)} failed: {self.troubles[0]}" if self.troubles else said


def take_sample(url: str, told_by: ToldBy, number: int, *, timeout_s: float) -> Sampled:
    """Send requests as new visitors, each over a connection of its own; return which side answered how often.

    Parameters
    ----------
    url, told_by
        Where people reach the balancer, and how an answer tells which system gave it.
    number
        How many requests.
    timeout_s
        Limit for each wait, in seconds.
    """
    one = partial(_one, url.rstrip("/") + told_by.path, told_by, timeout_s)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = Counter(pool.map(one, range(number)))
    troubles = tuple(sorted(what for what in found.elements() if what not in set(Side)))
    return Sampled({side: found[side] for side in Side}, troubles)


def _one(url: str, told_by: ToldBy, timeout_s: float, _: int) -> str:
    """Return the side that answers, or why that is not known."""
    try:
        answer = get(url, timeout_s=timeout_s)
    except httpx.HTTPError as error:
        return f"{url}: {type(error).__name__}: {error}"
    if answer.status_code >= httpx.codes.BAD_REQUEST:
        return f"{url} answers {answer.status_code}"
    said = answer.headers.get(told_by.header, "") if told_by.header else answer.text
    sides = [side for side in Side if side.of(told_by) in said]
    if len(sides) != 1:
        where = f"its header {told_by.header} is {said!r}" if told_by.header else f"its body begins {said[:80]!r}"
        return f"{url} does not tell which system answered: {where}; see [switch.told_by]"
    return sides[0]


def misfit(sampled: Sampled, backend_pct: float) -> str:
    """Return why a sample does not fit a share; empty when it fits.

    Examples
    --------
    >>> misfit(Sampled({Side.ORIGINAL: 100, Side.BACKEND: 0}), 0)
    ''
    >>> misfit(Sampled({Side.ORIGINAL: 20, Side.BACKEND: 80}), 10)
    '80 of 100 sampled requests reached the backend; at most 29 fit 10 %'
    """
    if sampled.troubles or not sampled.requests:
        return str(sampled) if sampled.requests or sampled.troubles else "no request was sampled"
    share = backend_pct / ALL_PCT
    low, high = _bounds(sampled.requests, share)
    found = sampled.answers[Side.BACKEND]
    if found < low:
        return f"{sampled}; at least {low} fit {backend_pct:g} %"
    return f"{sampled}; at most {high} fit {backend_pct:g} %" if found > high else ""


def _bounds(number: int, share: float) -> tuple[int, int]:
    """Return how many answers of the backend fit a share: none at 0, all at 1, and between them some of each side."""
    if share in (0, 1):
        return (0, 0) if not share else (number, number)
    noise = SIGMAS * math.sqrt(number * share * (1 - share))
    low = max(number * share / FACTOR - noise, number - FACTOR * number * (1 - share) - noise, 1)
    high = min(number * share * FACTOR + noise, number - number * (1 - share) / FACTOR + noise, number - 1)
    return math.ceil(low), math.floor(high)
