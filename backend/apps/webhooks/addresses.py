"""Where a webhook may lead: to a public address, as it is when it is called.

A host is resolved once for each call, every one of its addresses is looked at, and the connection goes to one that was:
a name whose answer changes in between gains nothing. Redirects are not followed.
"""

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

LONGEST_URL = 2000
LOWEST_FREE_PORT = 1024
# IPv6 addresses that stand for an IPv4 address behind a translator: 64:ff9b::7f00:1 may be 127.0.0.1. And two that some
# versions of Python take for public.
NEVER = [
    ipaddress.ip_network(text)
    for text in ("::/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16", "fec0::/10", "192.0.0.0/24")
]
# Public by their numbers; clouds answer there with their secrets.
METADATA = {ipaddress.ip_address("168.63.129.16")}

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class ForbiddenTargetError(Exception):
    """A webhook must not lead there; the message is for its owner."""


@dataclass(frozen=True)
class Target:
    """A URL that may be called, taken apart."""

    is_https: bool
    host: str
    port: int
    path: str


def target_of(url: str) -> Target:
    """Take a URL apart. Raises ForbiddenTargetError unless it may be called."""
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise ForbiddenTargetError(f"A URL has at most {LONGEST_URL} printable ASCII characters, and no space.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ForbiddenTargetError("This is no URL. Write one like https://example.com/hook.") from error
    schemes = {"https", "http"} if settings.WEBHOOK_PLAIN_HTTP else {"https"}
    if parts.scheme not in schemes or not parts.hostname:
        raise ForbiddenTargetError("The URL must begin with https:// and name a host.")
    if "@" in parts.netloc or "\\" in url:
        raise ForbiddenTargetError("The URL must name no user and no password. The signature says who sends.")
    port = (443 if parts.scheme == "https" else 80) if port is None else port
    if port not in {80, 443} and port < LOWEST_FREE_PORT:
        raise ForbiddenTargetError(f"The port is {port}; it must be 443, 80, or one above {LOWEST_FREE_PORT - 1}.")
    return Target(parts.scheme == "https", parts.hostname, port, _path(parts))


def _path(parts: SplitResult) -> str:
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def address_of(target: Target) -> str:
    """Return the address to connect to. Raises ForbiddenTargetError if one of the host's is not public."""
    try:
        answers = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ForbiddenTargetError(f"The host {target.host} has no address.") from error
    found = [str(answer[4][0]) for answer in answers]
    for text in found:
        if not is_allowed(ipaddress.ip_address(text.partition("%")[0])):
            raise ForbiddenTargetError(f"{target.host} leads to an address that is not public.")
    if not found:
        raise ForbiddenTargetError(f"The host {target.host} has no address.")
    return found[0]


def is_allowed(address: Address) -> bool:
    """Return whether a webhook may lead to an address."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return is_allowed(address.ipv4_mapped)
    if any(address in ipaddress.ip_network(network) for network in settings.WEBHOOK_PRIVATE_NETWORKS):
        return True
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and address not in METADATA
        and not any(address in network for network in NEVER)
    )
