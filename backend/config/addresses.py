"""Addresses of things with a UUID: Django works out the form of each once in a process, and not for each row."""

import uuid
from functools import cache

from django.urls import get_script_prefix, reverse

_PLACE = uuid.UUID(int=0)


def address_of(name: str, key: uuid.UUID) -> str:
    """Return the address of this name that has the key as its one part that varies."""
    return _form(name, get_script_prefix()).replace(str(_PLACE), str(key))


@cache
def _form(name: str, _prefix: str) -> str:
    return reverse(name, args=[_PLACE])
