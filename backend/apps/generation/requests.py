"""What is asked for, as a job keeps it: ``song``, ``difficulty``, ``energy``, ``style``, ``seed``, ``auto_save``,
``corrections``, and ``swap`` where one move of another task is replaced. ``request_id`` names the request in the log.

Jobs of older versions know neither style nor corrections, and their seed was 0 unless it was given.
"""

import secrets
from typing import Any

MOST_SEED = 2**31 - 1
# What a request means that leaves it out. A seed that was not given is chosen here: asked again, it is another dance.
UNSAID = {"energy": None, "style": None, "seed": None, "auto_save": True, "corrections": None, "swap": None}
# The seed that older versions took.
OLD_SEED = 0


def completed(wishes: dict[str, Any]) -> dict[str, Any]:
    """Return the request that these wishes are, with a seed; ``seed_chosen`` says that it was chosen here."""
    request = UNSAID | wishes
    chosen = request["seed"] is None
    seed = secrets.randbelow(MOST_SEED + 1) if chosen else request["seed"]
    return request | {"seed": seed, "seed_chosen": chosen}


def is_same(request: dict[str, Any], wishes: dict[str, Any]) -> bool:
    """Return whether these wishes were asked for with this request of a job."""
    kept, wanted = UNSAID | request, UNSAID | wishes
    chosen = kept.pop("seed_chosen", None)
    kept.pop("request_id", None)
    if chosen or (chosen is None and wanted["seed"] is None and kept["seed"] == OLD_SEED):
        kept["seed"] = None
    return kept == wanted
