"""One entry of the journal, as a row and as a line of the copy."""

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from handover.journal.account import this_account

# In the body of an entry: which stream it is of; entries of the move have none.
STREAM = "stream"
# And what the journal adds to it, beside what happened.
LATE, COPY = "late", "copy"


@dataclass(frozen=True)
class JournalEntry:
    """Something that was decided, begun, done or seen.

    Attributes
    ----------
    kind
        What it is, for example ``action``; see :mod:`handover.runs.position` for those that change the state.
    body
        What a reader needs to know; never a secret.
    who, machine
        Whose account, with the name that HANDOVER_OPERATOR gives it, and where.
    at
        By the database's clock, or by this machine's for an entry that reached only the copy.
    seq
        Its place in the journal of the database, from 1; None while only the copy has it.
    id
        The same in the database and in the copy.
    """

    kind: str
    body: Mapping[str, Any]
    who: str
    machine: str
    at: datetime
    seq: int | None = None
    id: str = field(default_factory=lambda: str(uuid4()))

    def line(self) -> str:
        """Return it as a line of JSON."""
        return json.dumps(self.__dict__ | {"at": self.at.isoformat()}, ensure_ascii=False, default=str) + "\n"


def read_line(line: str) -> JournalEntry:
    """Return the entry of a line.

    Raises
    ------
    ValueError
        It is no entry.
    """
    try:
        values = json.loads(line)
        return JournalEntry(**values | {"at": datetime.fromisoformat(values["at"])})
    except (KeyError, TypeError) as error:
        raise ValueError(str(error)) from error


def new_entry(kind: str, body: Mapping[str, Any]) -> JournalEntry:
    """Return an entry of this account, on this machine, at this time."""
    return JournalEntry(kind, json.loads(json.dumps(dict(body), default=str)), operator(), machine(), datetime.now(UTC))


def operator() -> str:
    """Return who acts, for people: the account, with what the environment says beside it."""
    return str(this_account())


def machine() -> str:
    """Return this machine's name."""
    return socket.gethostname()
