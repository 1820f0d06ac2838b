"""Where the running systems answer."""

import os

from handover.config.config import Config
from handover.side import Side

VARIABLES: dict[Side, str] = {Side.ORIGINAL: "HANDOVER_ORIGINAL_URL", Side.BACKEND: "HANDOVER_BACKEND_URL"}


def base_urls(config: Config) -> dict[Side, str]:
    """Return the address of each system that has one, from the environment, else from ``handover.toml``."""
    found: dict[Side, str] = {}
    for side, variable in VARIABLES.items():
        system = side.of(config)
        url = os.environ.get(variable) or (system and system.base_url)
        if url:
            found[side] = url.rstrip("/")
    return found
