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


def ip_of(request: HttpRequest) -> str | None:
    """Return the address if it is one; a server on a socket of the machine knows none."""
    try:
        # A database takes no zone, as in fe80::1%eth0.
        return str(ipaddress.ip_address(address_of(request).partition("%")[0]))
    except ValueError:
        return None


def device_name(request: HttpRequest) -> str:
    """Return the User-Agent, cut to a length and printable."""
    agent = request.headers.get("User-Agent", "")
    return "".join(character for character in agent if character.isprintable())[:DEVICE_LENGTH]
