"""Where the running systems answer."""

import os

from handover.config.config import Config
from handover.side import Side

VARIABLES: dict[Side, str] = {Side.ORIGINAL: "HANDOVER_ORIGINAL_URL", Side.BACKEND: "HANDOVER_BACKEND_URL"}


def base_urls(config: Config) -> dict[Side, str]:
    """Return the address of each system that has one: from the environment, else from ``handover.toml``."""
    systems = {"original": config.original, "backend": config.backend}
    found = {side: os.environ.get(variable) or "" for side, variable in VARIABLES.items()}
    for side, system in systems.items():
        found[side] = found[side] or (system.base_url if system and system.base_url else "")  # type: ignore[index]
    return {side: url.rstrip("/") for side, url in found.items() if url}
