"""Seals of the journal's entries in the database: each binds its entry and all entries before it.

A digest runs over all entries, in their order. Each entry that this version adds has a seal: the HMAC-SHA256 of the
digest so far, with a key of the journal. So an entry that is changed, removed, moved or inserted breaks the seals
behind it, whatever key made them, and a folder needs only a key of its own to see it.

Entries of older versions have no seal. They stand first, and the first seal covers them as they are. A pause needs no
seal: it can only stop what runs.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC

from handover.journal.entry import JournalEntry
from handover.wording import counted

SEAL = "seal"
# A person has looked at the journal as it was, and accepted it: seals before this entry count no more.
ACCEPTED = "accepted"
PAUSE = "pause"
SHORT = 12


@dataclass(frozen=True)
class SealState:
    """What the seals of a journal say.

    Attributes
    ----------
    digest
        The digest over all entries, in hexadecimal.
    older
        How many entries have no seal because an older version wrote them.
    foreign
        Entries at the end whose seals were made with a key that this folder does not have.
    unsealed
        Entries at the end without a seal, behind entries with one.
    broken
        The first entry whose seal is not that of the entries up to it; None when every seal is.
    """

    digest: str = ""
    older: int = 0
    foreign: tuple[JournalEntry, ...] = ()
    unsealed: tuple[JournalEntry, ...] = ()
    broken: JournalEntry | None = None

    @property
    def compared(self) -> bool:
        """Whether every entry is known to be as it was written, but for those of an older version."""
        return not (self.foreign or self.unsealed or self.broken)


class SealedChain:
    """Follows the entries of the database, one after another.

    Parameters
    ----------
    keys
        Returns the keys that this folder has, each by its name.
    """

    def __init__(self, keys: Callable[[], Mapping[str, bytes]]) -> None:
        self._keys = keys
        self._sealed = False
        self.state = SealState()

    def follow(self, entry: JournalEntry) -> None:
        """Take the next entry."""
        state = replace(self.state, digest=self.digest_with(entry))
        name = sealed_by(entry)
        if not name:
            self.state = self._without_seal(state, entry)
            return
        self._sealed = True
        key = self._keys().get(name)
        if key is None:
            self.state = state if entry.kind == PAUSE else replace(state, foreign=(*state.foreign, entry))
        elif not hmac.compare_digest(str(entry.body[SEAL].get("hmac")), seal_of(key, state.digest)):
            self.state = replace(state, broken=state.broken or entry)
        elif entry.kind == ACCEPTED:
            self.state = SealState(state.digest, state.older)
        else:  # it was made when every entry before it was known, and all had seals
            lost = state.unsealed[0] if state.unsealed else None
            self.state = replace(state, foreign=(), broken=state.broken or lost)

    def digest_with(self, entry: JournalEntry) -> str:
        """Return the digest over all entries so far and one more."""
        body = {name: value for name, value in entry.body.items() if name != SEAL}
        at = entry.at.astimezone(UTC).isoformat()
        facts = [entry.seq, entry.id, at, entry.who, entry.machine, entry.kind, body]
        text = json.dumps(facts, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(f"{self.state.digest} {text}".encode()).hexdigest()

    def sealed(self, entry: JournalEntry, name: str, key: bytes) -> JournalEntry:
        """Return the next entry with its seal.

        Parameters
        ----------
        entry
            As the database will give it back, with its place and its time.
        name, key
            The key that makes the seal.
        """
        seal = {"key": name, "hmac": seal_of(key, self.digest_with(entry))}
        return replace(entry, body={**entry.body, SEAL: seal})

    def _without_seal(self, state: SealState, entry: JournalEntry) -> SealState:
        if not self._sealed:
            return replace(state, older=state.older + 1)
        return state if entry.kind == PAUSE else replace(state, unsealed=(*state.unsealed, entry))


def seal_of(key: bytes, digest: str) -> str:
    """Return the seal that a key makes over a digest."""
    return hmac.new(key, f"journal {digest}".encode(), hashlib.sha256).hexdigest()


def sealed_by(entry: JournalEntry) -> str:
    """Return the name of the key that sealed an entry; empty for an entry without a seal."""
    seal = entry.body.get(SEAL)
    return str(seal.get("key", "")) if isinstance(seal, Mapping) else ""


def key_name(key: bytes) -> str:
    """Return the name by which a seal says which key made it; it does not give the key away."""
    return hmac.new(key, b"the name of this key", hashlib.sha256).hexdigest()[:16]


def accept_words(digest: str) -> str:
    """Return what a person types to go on with the database's entries as they are."""
    return f"what the database has: handover init-journal --accept {digest[:SHORT]} --because REASON"


def said_of(state: SealState) -> str:
    """Return what is wrong with the journal's entries, and what to do; empty when every entry was compared."""
    if state.compared:
        return ""
    accept = f"When you have read the entries, go on with {accept_words(state.digest)}"
    if state.broken:
        entry = state.broken
        what = f"the journal of the database is not as it was written: up to entry {entry.seq} ({_about(entry)})"
        return f"{what} an entry was changed, removed, moved or inserted. Nothing was done. Find out who did. {accept}"
    if state.unsealed:
        entry = state.unsealed[0]
        what = (
            f"entry {entry.seq} of the journal in the database ({_about(entry)}) has no seal: it was inserted by hand,"
        )
        return (
            f"{what} or an older version of handover wrote it. Nothing was done. Use one version everywhere. {accept}"
        )
    entry, number = state.foreign[0], counted(len(state.foreign), "entry", "entries")
    what = f"{number} of the journal in the database, from {entry.seq} ({_about(entry)}) on, cannot be compared here:"
    bring = f"Copy .handover/journal.key or else .handover/key from {entry.machine} into a file here, then:"
    todo = f"{bring} handover init-journal --journal-key FILE. Is the key lost? {accept}"
    return f"{what} this folder does not have the key that sealed them. Nothing was done. {todo}"


def _about(entry: JournalEntry) -> str:
    return f"{entry.kind} of {entry.who} on {entry.machine} at {entry.at:%F %T %Z}"
