"""Seconds for people."""

import math
from typing import Any

from django import template

register = template.Library()


@register.filter
def minutes(seconds: Any) -> str:
    """Return ``204.4`` as ``3:24``; nothing for what is no length, as in some old rows."""
    if not isinstance(seconds, int | float) or not math.isfinite(seconds) or seconds <= 0:
        return ""
    whole, rest = divmod(round(seconds), 60)
    return f"{whole}:{rest:02}"
