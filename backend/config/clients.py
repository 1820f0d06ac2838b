"""The client of a request: its address and what it calls itself."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest

DEVICE_LENGTH = 200


def address_of(request: HttpRequest) -> str:
    """Return the address as the outermost of our own proxies saw it, or that of the connection."""
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
    trusted = settings.TRUSTED_PROXIES
    seen: str = hops[-trusted] if trusted and len(hops) >= trusted else request.META.get("REMOTE_ADDR", "")
    return seen


def ip_of(request: HttpRequest) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the address if it is one; a server on a socket of the machine knows none.

    A server that listens for both kinds shows IPv4 clients as ::ffff:192.0.2.1; they have their own addresses here.
    """
    try:
        # A database takes no zone, as in fe80::1%eth0.
        address = ipaddress.ip_address(address_of(request).partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def ip_text_of(request: HttpRequest) -> str | None:
    """Return the address as a database takes it."""
    address = ip_of(request)
    return str(address) if address else None


def device_name(request: HttpRequest) -> str:
    """Return the User-Agent, cut to a length and printable."""
    agent = request.headers.get("User-Agent", "")
    return "".join(character for character in agent if character.isprintable())[:DEVICE_LENGTH]
