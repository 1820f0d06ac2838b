"""Sends the same reads to both systems, and compares their answers."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from handover.config.config import Config, from_environment
from handover.errors import ConfigurationError
from handover.finding import Finding
from handover.http_client import http_client
from handover.journal.own_requests import own_key
from handover.parallel.comparison import ShadowAnswer, ShadowComparison, compare
from handover.parallel.reads import SAFE, Chosen, Read
from handover.parallel.traffic import base_urls
from handover.side import Side
from handover.wording import counted

SERVER_ERROR = 500
REFUSALS = (401, 403)
LOGIN = "login"


@dataclass(frozen=True)
class Shadowed:
    """The result of one read; ``finding`` is None when both systems answer alike."""

    read: Read
    times: int
    statuses: tuple[int | None, int | None]
    compared: ShadowComparison | None
    finding: Finding | None

    @property
    def counts(self) -> bool:
        """Whether content was compared: both systems answered, and neither only refused the reader."""
        return self.compared is not None and (self.finding is None or self.finding.severity == "breaking")


class ShadowClient:
    """Sends reads to both systems; closed by ``with``. Cookies in the answers are forgotten."""

    def __init__(self, config: Config) -> None:
        self._shadow = config.shadow
        self._urls = base_urls(config)
        if missing := [side for side in Side if side not in self._urls]:
            message = f"handover.toml has no base_url of the {missing[0]}, so it cannot be asked."
            raise ConfigurationError(f"{message} Add it to [{missing[0]}].")
        self._client = http_client(timeout_s=self._shadow.timeout_s, headers=_credentials(config), key=own_key(config))

    def __enter__(self) -> "ShadowClient":
        """Return itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """End the connections."""
        self._client.close()

    def compare(self, read: Read, times: int = 1) -> Shadowed:
        """Send one read twice to each system, by turns, and compare the answers."""
        if read.method not in SAFE:
            raise ValueError(f"{read.method} may change something and is not shadowed")
        answers: dict[Side, list[ShadowAnswer]] = {side: [] for side in Side}
        try:
            for side in (*Side, *Side):
                answers[side].append(self._ask(side, read))
        except _SilentError as silent:
            statuses = tuple(answers[side][0].status if answers[side] else None for side in Side)
            return Shadowed(read, times, statuses, None, _silence(read, silent))  # type: ignore[arg-type]
        compared = compare(answers[Side.ORIGINAL], answers[Side.BACKEND], self._shadow)
        first = answers[Side.ORIGINAL][0], answers[Side.BACKEND][0]
        return Shadowed(read, times, (first[0].status, first[1].status), compared, _judge(read, first, compared))

    def _ask(self, side: Side, read: Read) -> ShadowAnswer:
        url = self._urls[side].rstrip("/")
        try:
            answer = self._client.request(read.method, url + read.path)
        except httpx.HTTPError as error:
            raise _SilentError(side, type(error).__name__) from error
        self._client.cookies.clear()
        headers = {name.lower(): value.replace(url, "") for name, value in answer.headers.items()}
        return ShadowAnswer(answer.status_code, headers, answer.content.replace(url.encode(), b""))


class _SilentError(Exception):
    """A system gave no answer."""

    def __init__(self, side: Side, why: str) -> None:
        super().__init__(why)
        self.side, self.why = side, why


def compare_reads(
    config: Config, chosen: Chosen, *, say: Callable[[str], None], every: int = 100
) -> Iterator[Shadowed]:
    """Send every chosen read to both systems, and compare the answers.

    Parameters
    ----------
    config
        The pair.
    chosen
        The reads.
    say, every
        Receives a line of progress after so many reads.
    """
    with ShadowClient(config) as client:
        for number, (read, times) in enumerate(chosen.reads.items(), 1):
            yield client.compare(read, times)
            if number % every == 0:
                say(f"{number} of {counted(len(chosen.reads), 'read')} compared")


def _judge(read: Read, answers: tuple[ShadowAnswer, ShadowAnswer], compared: ShadowComparison) -> Finding | None:
    one, other = answers
    if compared.different:
        return _difference(read, one, other, compared)
    if one.status >= SERVER_ERROR:
        found = f"fails on both systems with {one.status}"
        return Finding(
            code="HO615",
            where=read.shown,
            found=found,
            expected="equal failures prove nothing",
            todo="Mend both.",
            severity="unseen",
            hurts="both",
        )
    if one.status in REFUSALS or LOGIN in one.headers.get("location", ""):
        todo = "Give a reader's session or token: [shadow] cookie_env, token_env."
        found = f"is refused by both systems ({one.status})"
        return Finding(
            code="HO616",
            where=read.shown,
            found=found,
            expected="only the refusal was compared",
            todo=todo,
            severity="unseen",
            hurts="both",
        )
    if "status" in compared.noise or (compared.noise and not compared.same):
        found = f"was only noise in {counted(len(compared.noise), 'place')}"
        if "status" in compared.noise:
            found = "has a status that changes from one answer of the same system to the next"
        todo = "Name what always differs: [shadow] ignore_json, ignore_text."
        return Finding(
            code="HO617",
            where=read.shown,
            found=found,
            expected="nothing was left to compare",
            todo=todo,
            severity="unseen",
            hurts="both",
        )
    return None


def _difference(read: Read, one: ShadowAnswer, other: ShadowAnswer, compared: ShadowComparison) -> Finding:
    if one.status != other.status:
        found = f"answers {one.status} on the original and {other.status} on the backend"
        return Finding(
            code="HO611",
            where=read.shown,
            found=found,
            expected="the same was expected",
            todo="Mend the backend, or exclude the path.",
        )
    headers = [place for place in compared.different if place.startswith("header ")]
    places = headers or compared.different
    more = f" and {len(compared.different) - 3} more" if len(compared.different) > len(places[:3]) > 2 else ""  # noqa: PLR2004
    found = f"differs in {', '.join(places[:3])}{more}"
    todo = "Mend the backend, or name what may differ: [shadow] headers, ignore_json, ignore_text, unordered."
    return Finding(
        code="HO612" if headers else "HO613", where=read.shown, found=found, expected="the same was expected", todo=todo
    )


def _silence(read: Read, silent: _SilentError) -> Finding:
    found = f"gets no answer from the {silent.side}: {silent.why}"
    return Finding(
        code="HO614",
        where=read.shown,
        found=found,
        expected="both must answer",
        todo="Check whether it runs.",
        severity="unseen",
        hurts=silent.side,
    )


def _credentials(config: Config) -> Mapping[str, str]:
    """Return the headers of a logged-in reader, from the environment."""
    shadow, headers = config.shadow, {}
    if shadow.cookie_env:
        headers["Cookie"] = from_environment(shadow.cookie_env, "the Cookie header of a reader for handover shadow")
    if shadow.token_env:
        token = from_environment(shadow.token_env, "the bearer token of a reader for handover shadow")
        headers["Authorization"] = f"Bearer {token}"
    return headers


def summary(chosen: Chosen, found: list[Shadowed]) -> dict[str, Any]:
    """Return the counts of a run."""
    noise = Counter(place for one in found if one.compared for place in one.compared.noise)
    return {
        "compared": sum(one.counts for one in found),
        "sent": len(found),
        "seen": sum(chosen.reads.values()),
        "different": sum(1 for one in found if one.finding and one.finding.severity == "breaking"),
        "not_compared": sum(1 for one in found if one.finding and one.finding.severity == "unseen"),
        "noise": sum(1 for one in found if one.compared and one.compared.noise),
        "noise_places": dict(noise.most_common(20)),
        "writes_refused": chosen.refused,
        "excluded": chosen.excluded,
        "beyond_limit": chosen.beyond,
        "unread_lines": chosen.unread,
    }
