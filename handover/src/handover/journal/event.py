"""An event: an entry of the journal as the team's own tools get it."""

import json
from typing import Any

from handover.journal.entry import COPY, LATE, STREAM, JournalEntry
from handover.journal.seal import SEAL

SCHEMA = "handover.event/1"


def event_of(entry: JournalEntry, pair: str) -> dict[str, Any]:
    """Return the event of an entry.

    Parameters
    ----------
    entry
        Of the journal.
    pair
        What the team calls the move: the folder of ``handover.toml``.

    Returns
    -------
    dict
        ``schema``, ``id`` (a UUID, the same at every delivery), ``seq`` (its place in the journal; None while only the
        copy has it), ``at`` (ISO 8601, with its zone), ``pair``, ``stream`` (``move``, or the name of an evolution),
        ``kind``, ``who``, ``machine``, ``body``.
    """
    body = {key: value for key, value in entry.body.items() if key not in (COPY, LATE, SEAL)}
    stream = body.pop(STREAM, "") or "move"
    return {
        "schema": SCHEMA,
        "id": entry.id,
        "seq": entry.seq,
        "at": entry.at.isoformat(),
        "pair": pair,
        "stream": stream,
        "kind": entry.kind,
        "who": entry.who,
        "machine": entry.machine,
        "body": body,
    }


def line_of(event: dict[str, Any]) -> str:
    """Return an event as one line of JSON."""
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"), default=str)
