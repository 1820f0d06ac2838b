"""Runs a journey: sends its requests one after another and compares the answers with what is expected."""

import re
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from handover.config.config import from_environment
from handover.config.journey import SAFE_METHODS, Journey, JourneyStep, which
from handover.config.templates import filled, filled_path
from handover.errors import ConfigurationError
from handover.http_client import AGENT, host_of, http_client, marked, own_mark
from handover.journeys.answers import StepAnswer, check
from handover.journeys.result import FailureKind, JourneyResult, StepResult
from handover.side import Side

TIMEOUT_S = 60.0
Store = Callable[[Side, str], tuple[str, bytes]]
MOST_REDIRECTS = 5


def run_journey(
    journey: Journey,
    base_urls: Mapping[Side, str],
    *,
    on: Side = Side.ORIGINAL,
    client: httpx.Client | None = None,
    root: Path = Path(),
    store: Store | None = None,
    run_name: str = "",
    say: Callable[[str], None] | None = None,
    key: bytes | None = None,
    after_write: Callable[[], None] | None = None,
) -> JourneyResult:
    """Run one journey, with cookies of its own.

    Parameters
    ----------
    journey
        A flow of ``handover.toml``.
    base_urls
        The address of each system; both may have the same one, as for people.
    on
        Which system the steps on ``either`` ask; those on ``other`` ask the other one.
    client
        Sends the requests, so that many runs share connections; several threads may use it. Its cookies stay
        unchanged. Without it, the run makes a client of its own.
    root
        Folder of ``handover.toml``, which files to send are relative to.
    store
        Lets a system save a file under a name; returns the name that the file got, and its bytes. Without it, a flow
        that stores is refused.
    run_name
        The value of ``{run}``; a new text if it is not given.
    say
        Receives a line of progress a step.
    key
        Marks the requests as the toolkit's own; the same mark for the whole run, as a system may bind a session to
        what the client calls itself.
    after_write
        Called after each step that may have changed something, before the next step.

    Returns
    -------
    JourneyResult
        A system that does not answer is a failure of the step that asked it, not an error.

    Raises
    ------
    ConfigurationError
        A system that the steps ask has no address, or a variable of the environment is not set.
    """
    if missing := sorted(journey.systems(on) - base_urls.keys()):
        message = f"the flow {journey.name!r} asks the {missing[0]}, whose address is not known."
        raise ConfigurationError(f"{message} Add base_url to [{missing[0]}] in handover.toml.")
    if journey.stores and store is None:
        message = f"the flow {journey.name!r} stores a file, which only the proof of storage can do"
        raise ConfigurationError(f"{message}; leave it out here.")
    with ExitStack() as stack:
        sender = client or stack.enter_context(http_client(timeout_s=TIMEOUT_S))
        run = _JourneyRun(journey, base_urls, on, sender, root, say or (lambda _: None), store, run_name)
        run.marks = {side: own_mark(key, host_of(url)) for side, url in base_urls.items()} if key else {}
        run.after_write = after_write or run.after_write
        return run.made()


class _NoAddressError(Exception):
    """What a step asks for is no address of a system."""


@dataclass
class _JourneyRun:
    journey: Journey
    base_urls: Mapping[Side, str]
    on: Side
    client: httpx.Client
    root: Path
    say: Callable[[str], None]
    store: Store | None
    run_name: str
    known: dict[str, Any] = field(default_factory=dict)
    secret: set[str] = field(default_factory=lambda: {"password"})
    kept: dict[str, bytes] = field(default_factory=dict)
    jars: dict[Side, httpx.Cookies] = field(default_factory=dict)
    marks: dict[Side, str] = field(default_factory=dict)
    after_write: Callable[[], None] = lambda: None

    def made(self) -> JourneyResult:
        self._learn_variables()
        self.jars = {side: httpx.Cookies() for side in self.base_urls}
        results: list[StepResult] = []
        for step in self.journey.steps:
            failed = any(result.failure for result in results)
            if failed and not self._can_clean_up(step):
                continue
            results.append(self._step(step))
            self.say(_line(results[-1]))
            if step.method not in SAFE_METHODS:
                self.after_write()
        return JourneyResult(self.journey.name, self.on, tuple(results))

    def _can_clean_up(self, step: JourneyStep) -> bool:
        return step.always and step.needs() <= self.known.keys() and step.same_as in {None, *self.kept}

    def _learn_variables(self) -> None:
        self.known = {"run": self.run_name or secrets.token_hex(4), "password": secrets.token_urlsafe(12)}
        for name, text in self.journey.variables.items():
            value = re.sub(r"\$\{(\w+)\}", self._from_environment(name), text)
            if value != text:
                self.secret.add(name)
            self.known[name] = filled(value, self.known)

    def _from_environment(self, name: str) -> Callable[[re.Match[str]], str]:
        purpose = f"the variable {name} of the flow {self.journey.name!r}"
        return lambda match: from_environment(match[1], purpose)

    def _step(self, step: JourneyStep) -> StepResult:
        side = which(step.on, self.on)
        if step.store:
            return self._stored(step, side)
        deadline = time.monotonic() + step.within_s
        tries = 0
        while True:
            tries += 1
            began = time.perf_counter()
            try:
                answer = StepAnswer(self._sent(step, side))
            except (httpx.HTTPError, OSError) as error:
                # Only the class of the error: its text may hold the address with the values of variables.
                failure = f"did not answer: {type(error).__name__}"
                return self._result(step, side, None, began, tries, failure, "silent")
            except _NoAddressError as error:
                return self._result(step, side, None, began, tries, str(error), "content")
            result = self._result(step, side, answer, began, tries)
            if not step.until or answer.status not in step.statuses or answer.ended(step.until):
                return self._checked(step, answer, result)
            if time.monotonic() + step.every_s > deadline:
                waited = " or ".join(f"{path} of {list(values)}" for path, values in step.until.items())
                seen = ", ".join(f"{path} is {answer.shown(path)}" for path in step.until)
                failure = f"did not come to an end: after {step.within_s:g} s {seen}; {waited} was expected"
                return self._result(step, side, answer, began, tries, failure, "unfinished")
            time.sleep(step.every_s)

    def _stored(self, step: JourneyStep, side: Side) -> StepResult:
        assert self.store  # noqa: S101 - `run` refused it
        began = time.perf_counter()
        name, content = self.store(side, str(filled(step.store, self.known)))
        said = {"name": name, "base": name.rpartition("/")[2]}
        self.known |= {variable: said[source] for variable, source in step.save.items()}
        if step.keep:
            self.kept[step.keep] = content
        return self._result(step, side, None, began, 1)

    def _checked(self, step: JourneyStep, answer: StepAnswer, result: StepResult) -> StepResult:
        failure = check(step, answer, self.known, self.kept)
        if failure is None:
            self.known |= answer.saved(step.save)
            if step.keep:
                self.kept[step.keep] = answer.response.content
            return result
        kind: FailureKind = "content" if answer.status in step.statuses else "status"
        return replace(result, failure=self._masked(failure), kind=kind)

    def _sent(self, step: JourneyStep, side: Side) -> httpx.Response:
        response = self._exchanged(self._request(step, side), side)
        for _ in range(MOST_REDIRECTS if step.follow else 0):
            following = response.next_request
            if following is None or following.url.netloc != response.url.netloc:
                break
            # Always GET, as browsers do; and with this run's cookies instead of the client's.
            headers = self._own({"User-Agent": AGENT}, side)
            response = self._exchanged(httpx.Request("GET", following.url, headers=headers), side)
        return response

    def _own(self, headers: dict[str, str], side: Side) -> dict[str, str]:
        return marked(headers, self.marks[side]) if side in self.marks else headers

    def _exchanged(self, request: httpx.Request, side: Side) -> httpx.Response:
        jar = self.jars[side]
        jar.set_cookie_header(request)
        response = self.client.send(request, follow_redirects=False)
        jar.extract_cookies(response)
        for name in self.journey.cookies:
            value = jar.get(name)
            for other in self.jars.keys() - {side}:
                self.jars[other].delete(name)
                if value is not None:
                    self.jars[other].set(name, value, domain=_cookie_domain(self.base_urls[other]))
        return response

    def _request(self, step: JourneyStep, side: Side) -> httpx.Request:
        base = self.base_urls[side].rstrip("/")
        headers = self._own({"User-Agent": AGENT, **filled(step.headers, self.known)}, side)
        if step.range:
            headers["Range"] = f"bytes={step.range[0]}-{step.range[1]}"
        token = self.jars[side].get(self.journey.csrf_cookie)
        if step.method not in SAFE_METHODS and token:
            headers |= {self.journey.csrf_header: token, "Referer": f"{base}/"}
        body: dict[str, Any] = {}
        if step.body is not None:
            body["json"] = filled(step.body, self.known)
        if step.form is not None:
            body["data"] = filled(step.form, self.known)
        if step.file is not None:
            content = (self.root / step.file.path).read_bytes()
            body["files"] = {step.file.field: (step.file.name, content, step.file.type)}
        # Not by the client's own `build_request`: it would add cookies of other runs.
        return httpx.Request(step.method, base + self._path(step), headers=headers, **body)

    def _path(self, step: JourneyStep) -> str:
        path = filled_path(step.path, self.known)
        # An address that a system gave may be a whole one, of either system.
        for base in self.base_urls.values():
            origin = "://".join(urlsplit(base)[:2])
            if path.startswith(f"{origin}/"):
                path = path.removeprefix(origin)
        if not path.startswith("/"):
            # Not what it became: that may be long, or a secret.
            message = f"cannot be asked: with its names filled in, {step.path} is no path of the systems"
            raise _NoAddressError(f"{message}; it has to begin with / or with the address of one of them")
        return path

    def _result(
        self,
        step: JourneyStep,
        side: Side,
        answer: StepAnswer | None,
        began: float,
        tries: int,
        failure: str | None = None,
        kind: FailureKind | None = None,
    ) -> StepResult:
        return StepResult(
            title=step.title,
            line=step.line,
            on=side,
            method=step.method,
            path=step.path,
            status=answer.status if answer else None,
            latency_ms=(time.perf_counter() - began) * 1000,
            tries=tries,
            failure=self._masked(failure),
            kind=kind,
        )

    def _masked(self, text: str | None) -> str | None:
        for name in self.secret:
            text = text and text.replace(str(self.known[name]), f"{{{name}}}")
        return text


def _cookie_domain(url: str) -> str:
    host = urlsplit(url).hostname or ""
    # The name that `http.cookiejar` gives to a host without a dot.
    return host if "." in host else f"{host}.local"


def _line(result: StepResult) -> str:
    status = result.failure or f"{result.status} in {result.latency_ms:.0f} ms"
    return f"{result.title}, on the {result.on}: {status}"
