"""One person's browser: cookies, connections that are kept, a DNS cache; every request is written down."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpcore
import httpx

from sandbox.clients.diary import Diary, Visit, now
from sandbox.clients.resolver import Connecting, Resolver

ANSWERED_WITHIN_S = 30.0
CONNECTIONS = 6  # as many as browsers keep to one host
MOST_REDIRECTS = 5
LOGIN_PAGES = ("/login", "/auth/login/")
# A kept connection that the server closed meanwhile: browsers send the same once more, whatever the method, as long as
# no answer has begun. On a connection of its own, or when an answer has begun, the request has failed.
STALE = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)
NOT_STALE = {"connection.connect_tcp.complete", "http11.receive_response_headers.complete"}
REDIRECTS = (301, 302, 303, 307, 308)

Check = Callable[[httpx.Response], str]


@dataclass
class Tab:
    """An open page, and the system that served it."""

    system: str


class Transport(httpx.AsyncHTTPTransport):
    """httpx's transport, on connections to where a resolver says."""

    def __init__(self, connecting: Connecting) -> None:
        super().__init__(verify=False)
        self._pool = httpcore.AsyncConnectionPool(
            max_connections=CONNECTIONS,
            max_keepalive_connections=CONNECTIONS,
            keepalive_expiry=300.0,
            network_backend=connecting,
        )


class Browser:
    """Sends requests to ``url``, whose host it resolves by itself.

    ``systems`` names the system behind each address; a balancer before both names it in ``X-Served-By``.
    What a request must be answered with is said with it; everything
    else, and no answer, is a failed request. A request on a kept connection that breaks before an answer begins is sent
    once more, as browsers do; that is written down, too.
    """

    def __init__(self, person: str, url: str, resolver: Resolver, systems: Mapping[str, str], diary: Diary) -> None:
        self.person = person
        self.url = url
        self.systems = systems
        self.diary = diary
        self.logged_in = False
        self.last_system = ""
        self.lost_sessions = 0
        self._connecting = Connecting(resolver)
        self._http = httpx.AsyncClient(
            transport=Transport(self._connecting), timeout=ANSWERED_WITHIN_S, trust_env=False
        )

    async def close(self) -> None:
        """Close its connections."""
        await self._http.aclose()

    @property
    def token(self) -> str:
        """The CSRF token that a script reads from the cookie."""
        return self._http.cookies.get("csrftoken") or ""

    async def ask(
        self,
        tab: Tab,
        step: str,
        method: str,
        path: str,
        *,
        expect: tuple[int, ...] = (200,),
        check: Check | None = None,
        handled: Mapping[str, int] | None = None,
        **sent: Any,
    ) -> httpx.Response | None:
        """Send a request from a tab; return the answer, or None when that is a failure.

        ``handled`` names, for a system that may answer, a status that the page has an answer to.
        """
        began = time.monotonic()
        headers = {"Referer": self.url, **sent.pop("headers", {})}
        if method not in {"GET", "HEAD"}:
            headers["Origin"] = self.url
        answer, error, retried = await self._send(method, urljoin(self.url, path), headers=headers, **sent)
        by = self._who(answer)
        lost = self._leads_to_login(path, answer)
        fell_back = answer is not None and bool(handled) and (handled or {}).get(by) == answer.status_code
        failed = error or ("logged out" if lost else "" if fell_back else _wrong(answer, expect, check))
        if lost:
            self.logged_in = False
            self.lost_sessions += 1
        if by:
            self.last_system = by
        status, ms = answer.status_code if answer else 0, (time.monotonic() - began) * 1000
        self.diary.write(
            Visit(now(), self.person, tab.system, by, step, method, path, status, round(ms, 2), failed, retried, lost,
                  fell_back)
        )  # fmt: skip
        return None if failed else answer

    async def open(
        self,
        tab: Tab,
        step: str,
        path: str,
        *,
        check: Check | None = None,
        handled: Mapping[str, int] | None = None,
        method: str = "GET",
        **sent: Any,
    ) -> httpx.Response | None:
        """Go to a page as a click does, wherever it leads; the first request comes from ``tab``."""
        of_each: dict[str, Any] = {"expect": (200, *REDIRECTS), "check": _of_page(check), "handled": handled}
        for _ in range(MOST_REDIRECTS):
            answer = await self.ask(tab, step, method, path, **of_each, **sent)
            if answer is None or answer.status_code not in REDIRECTS:
                return answer
            path, method, sent = answer.headers["location"], "GET", {}
        return None

    async def _send(self, method: str, url: str, **sent: Any) -> tuple[httpx.Response | None, str, bool]:
        retried = False
        while True:  # until a connection of its own, at the latest
            events: set[str] = set()
            try:
                return await self._http.request(method, url, extensions={"trace": _note(events)}, **sent), "", retried
            except httpx.HTTPError as error:
                if not isinstance(error, STALE) or events & NOT_STALE:
                    return None, _named(error), retried
                retried = True

    def _who(self, answer: httpx.Response | None) -> str:
        if answer is None:
            return ""
        served_by = answer.headers.get("x-served-by", "")
        if served_by in self.systems.values():  # a balancer says which system it has asked
            return str(served_by)
        address = self._connecting.addresses[answer.extensions["network_stream"]]
        return self.systems.get(address, address)

    def _leads_to_login(self, path: str, answer: httpx.Response | None) -> bool:
        if answer is None or not self.logged_in or urlsplit(path).path in LOGIN_PAGES:
            return False
        target = urlsplit(answer.headers.get("location", "")).path
        return answer.status_code == HTTPStatus.UNAUTHORIZED or target in LOGIN_PAGES


def _note(events: set[str]) -> Callable[[str, object], Awaitable[None]]:
    """Return what httpcore tells the events of a request to."""

    async def note(event: str, _: object) -> None:
        events.add(event)

    return note


def _of_page(check: Check | None) -> Check | None:
    """Return a check of the page at the end of redirects."""
    return check and (lambda answer: "" if answer.status_code in REDIRECTS else check(answer))


def _wrong(answer: httpx.Response | None, expect: tuple[int, ...], check: Check | None) -> str:
    assert answer is not None  # noqa: S101 - without one there is an error
    if answer.status_code not in expect:
        return f"{answer.status_code} instead of {' or '.join(map(str, expect))}"
    return check(answer) if check else ""


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ")
