"""The settings that an evolution began with: what it made has these names, so they stay until its end."""

from typing import Any

from handover.config.evolve import EvolveSettings
from handover.errors import Refused
from handover.evolve.context import EvolveContext
from handover.evolve.position import start_entry

_NAMES = ("old_schema", "new_schema", "shared_schema")
_ROLES = ("old_roles", "carrying_roles")
OTHERS = "HO655"


def kept_settings(settings: EvolveSettings) -> dict[str, Any]:
    """Return what the journal keeps of the section ``[evolve]`` when an evolution starts."""
    return {name: getattr(settings, name) for name in (*_NAMES, *_ROLES)}


def check_kept_settings(context: EvolveContext) -> None:
    """Raise when ``handover.toml`` names other schemas than at the start, or lacks a role of clients.

    Raises
    ------
    Refused
        What a command looks at would not be what the start made.
    """
    kept = start_entry(context.journal.entries(), context.name).body["preflight"].get("settings", {})
    for name, then in kept.items():
        now = getattr(context.config.evolve, name)
        if (name in _NAMES and now != then) or (name in _ROLES and not set(then) <= set(now)):
            said = ", ".join(then) if name in _ROLES else then
            message = f"{context.name} started with [evolve] {name}: {said}; handover.toml has another value now."
            raise Refused(f"{message} Nothing was done. Put it back until the evolution has ended.", code=OTHERS)
