"""Devices for people."""

from django import template
from django.utils.translation import gettext

register = template.Library()

# The first that is found; the order matters: Edge and Opera call themselves Chrome, and Chrome calls itself Safari.
_BROWSERS = {"Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "Chrome": "Chrome", "Safari": "Safari"}
_SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Mac OS": "Mac",
    "Linux": "Linux",
}


@register.filter
def device(user_agent: str) -> str:
    """Return what a User-Agent says, in few words: “Firefox on Linux”."""
    browser = next((name for mark, name in _BROWSERS.items() if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS.items() if mark in user_agent), "")
    if browser and system:
        return gettext("{} on {}").format(browser, system)
    return browser or system or user_agent[:40] or gettext("Unknown device")
