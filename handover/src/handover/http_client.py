"""The HTTP client for every request that ``handover`` sends.

Each request to a system of the pair carries a mark, in ``User-Agent`` and in ``X-Handover``. Whoever counts the
requests of people leaves such a request out. A mark holds for one host and a short time: it has the time, a random
number, and a keyed digest of both and the host. Clients do not have the key, so they cannot hide behind it.
"""

import hashlib
import hmac
import re
import secrets
import ssl
import time
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import version

import httpx

AGENT = f"handover/{version('django-handover')}"
MARK_HEADER = "X-Handover"
# Time in seconds (hexadecimal), a random number, the digest.
MARK = re.compile(rb"own:([0-9a-f]{8,10})-([0-9a-f]{16})-([0-9a-f]{32})\b")
_DIGEST_LENGTH = 32
# Shorter than any server keeps an idle connection: a request on one that the server just closes would fail.
KEPT_S = 0.5


def own_mark(key: bytes, host: str, at_s: float | None = None) -> str:
    """Return a mark for requests of the toolkit.

    Parameters
    ----------
    key
        Only the toolkit has it.
    host
        The host and the port that the request is sent to; see :func:`host_of`.
    at_s
        When it is sent, in seconds since 1970; now if it is not given.
    """
    said = f"{int(time.time() if at_s is None else at_s):08x}-{secrets.token_hex(8)}"
    return f"own:{said}-{mark_digest(key, host, said)}"


def mark_digest(key: bytes, host: str, said: str) -> str:
    """Return the digest that ends a mark.

    Parameters
    ----------
    key, host
        As of :func:`own_mark`.
    said
        The time and the random number of the mark.
    """
    return hmac.new(key, f"own request {host} {said}".encode(), hashlib.sha256).hexdigest()[:_DIGEST_LENGTH]


def host_of(url: str | httpx.URL) -> str:
    """Return the host of an address, with its port unless that is the scheme's own.

    Examples
    --------
    >>> host_of("https://Example.org:443/page"), host_of("http://127.0.0.1:8000")
    ('example.org', '127.0.0.1:8000')
    """
    return httpx.URL(url).netloc.decode()


def marked(headers: Mapping[str, str], mark: str) -> dict[str, str]:
    """Return headers with a mark; it follows the agent that they name, which a system may look at."""
    agents = [value for name, value in headers.items() if name.lower() == "user-agent"]
    others = {name: value for name, value in headers.items() if name.lower() != "user-agent"}
    return {**others, "User-Agent": f"{agents[-1] if agents else AGENT} ({mark})", MARK_HEADER: mark}


def _marking(key: bytes) -> Callable[[httpx.Request], None]:
    """Return what marks each request just before it is sent, unless it has a mark already."""

    def mark(request: httpx.Request) -> None:
        if MARK_HEADER not in request.headers:
            own = marked(request.headers, own_mark(key, host_of(request.url)))
            for name in ("User-Agent", MARK_HEADER):
                request.headers[name] = own[name]

    return mark


def http_client(
    *,
    timeout_s: float,
    base_url: str = "",
    headers: Mapping[str, str] | None = None,
    at_once: int = 100,
    key: bytes | None = None,
) -> httpx.Client:
    """Return a client that asks the server itself: it ignores the proxies of the environment.

    A gate, a proof or a rollback judges a system by its answers; a proxy could answer in its place. Redirects are not
    followed. A connection that was idle for half a second is not used again.

    Parameters
    ----------
    timeout_s
        Limit for connecting, and for each wait for data, in seconds.
    base_url
        Address that relative paths are appended to.
    headers
        Sent with every request.
    at_once
        Limit for the number of connections; the default is that of httpx.
    key
        Marks every request as the toolkit's own; without it they have no mark.

    Returns
    -------
    httpx.Client
        It trusts the machine's certificates, or those in the file that SSL_CERT_FILE names.
    """
    return httpx.Client(
        base_url=base_url,
        headers={"User-Agent": AGENT, **(headers or {})},
        event_hooks={"request": [_marking(key)] if key else []},
        timeout=timeout_s,
        trust_env=False,
        verify=_certificates(),
        limits=httpx.Limits(max_connections=at_once, keepalive_expiry=KEPT_S),
    )


def get(url: str, *, timeout_s: float, key: bytes | None = None) -> httpx.Response:
    """Send one GET request over a connection of its own.

    Parameters
    ----------
    url
        The address.
    timeout_s, key
        As of :func:`http_client`.
    """
    with http_client(timeout_s=timeout_s, key=key) as client:
        return client.get(url)


@cache
def _certificates() -> ssl.SSLContext:
    # Read once, which takes 40 ms. OpenSSL itself reads SSL_CERT_FILE and SSL_CERT_DIR, so `trust_env` is not needed.
    return ssl.create_default_context()
