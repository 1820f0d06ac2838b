"""Whether both systems keep their files in one place. If not, this is reported once, and nothing else is compared."""

import base64
from collections.abc import Mapping
from typing import Any

from handover.finding import Finding
from handover.probe.client import Probe
from handover.proof.storage.fields import FilePair
from handover.side import Side

NAME = "handover-place-{run}.mp4"


def kept_apart(pair: FilePair, agents: Mapping[Side, Probe], run: str, made: set[str]) -> Finding | None:
    """Return the finding that neither system finds what the other saved, or None.

    Parameters
    ----------
    pair, agents
        The field, and both systems.
    run
        Part of the names of saved files.
    made
        Receives the names that must be removed at the end.
    """
    stored: dict[Side, str] = {}
    for side in Side:
        content = base64.b64encode(side.encode()).decode()
        answer: dict[str, Any] = agents[side].ask(
            "store_save", name=NAME.format(run=f"{run}{side[0]}"), content=content, **pair.of(side)
        )
        stored[side] = answer["name"]
        made.add(answer["name"])
    for writer, reader in (tuple(Side), tuple(Side)[::-1]):
        if agents[reader].ask("store_exists", names=[stored[writer]], **pair.of(reader))[0]:
            return None
    places = " and ".join(f"the {side} in {pair.places[side].strip()!r}" for side in Side)
    found = f"keeps its files in two places: {places}; neither system finds a file that the other saved"
    todo = "Give both systems one folder or bucket, and the same prefix; then prove it again."
    return Finding(
        code="HO375",
        where=pair.where,
        found=found,
        expected="nothing else was compared",
        todo=todo,
        severity="breaking",
        hurts="both",
    )
