"""Where the running systems answer."""

import os

from handover.config.config import Config, SideName

VARIABLES: dict[SideName, str] = {"original": "HANDOVER_ORIGINAL_URL", "backend": "HANDOVER_BACKEND_URL"}


def base_urls(config: Config) -> dict[SideName, str]:
    """Return the address of each system that has one: from the environment, else from ``handover.toml``."""
    systems = {"original": config.original, "backend": config.backend}
    found = {side: os.environ.get(variable) or "" for side, variable in VARIABLES.items()}
    for side, system in systems.items():
        found[side] = found[side] or (system.base_url if system and system.base_url else "")  # type: ignore[index]
    return {side: url.rstrip("/") for side, url in found.items() if url}
