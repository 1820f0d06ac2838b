"""The HTTP client for every request that ``handover`` sends."""

import ssl
from collections.abc import Mapping
from functools import cache

import httpx


def http_client(
    *, timeout_s: float, base_url: str = "", headers: Mapping[str, str] | None = None, at_once: int = 100
) -> httpx.Client:
    """Return a client that asks the server itself: it ignores the proxies of the environment.

    A gate, a proof or a rollback judges a system by its answers; a proxy could answer in its place. Redirects are not
    followed.

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

    Returns
    -------
    httpx.Client
        It trusts the machine's certificates, or those in the file that SSL_CERT_FILE names.
    """
    return httpx.Client(
        base_url=base_url,
        headers=headers,
        timeout=timeout_s,
        trust_env=False,
        verify=_certificates(),
        limits=httpx.Limits(max_connections=at_once),
    )


def get(url: str, *, timeout_s: float) -> httpx.Response:
    """Send one GET request over a connection of its own."""
    with http_client(timeout_s=timeout_s) as client:
        return client.get(url)


@cache
def _certificates() -> ssl.SSLContext:
    # Read once, which takes 40 ms. OpenSSL itself reads SSL_CERT_FILE and SSL_CERT_DIR, so `trust_env` is not needed.
    return ssl.create_default_context()
