"""The plan of a switch: its facts, its checksum, and its file."""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from handover.config.config import Config
from handover.cutover.attempt import ATTEMPT, FIRST, EndedAttempt
from handover.cutover.dns_plan import DnsPlan
from handover.cutover.dns_record import digest
from handover.cutover.share_plan import SharePlan
from handover.errors import Refused
from handover.journal.key import folder_key, known_keys, sealing_key
from handover.private_files import private_folder, read_private, write_private
from handover.troubles import why_unreadable

FOLDER = Path(".handover/plans")
SHORT = 12
OF_ANOTHER_ATTEMPT = "HO551"
DNS = "dns"
PlanFacts = DnsPlan | SharePlan


@dataclass(frozen=True, kw_only=True)
class CutoverPlan:
    """What a switch to the backend changes, in one of the ways to move people.

    Attributes
    ----------
    facts
        What changes, from what to what; which facts there are depends on the way.
    attempt
        Which attempt of the move it is made for: see :mod:`handover.cutover.attempt`.
    read_only
        How the original is kept from writing meanwhile; empty when it is not.
    """

    facts: PlanFacts
    attempt: int = FIRST
    read_only: str = ""

    @property
    def way(self) -> str:
        """The way to move people that it was made for."""
        return DNS if isinstance(self.facts, DnsPlan) else self.facts.way

    @cached_property
    def checksum(self) -> str:
        """The SHA-256 of everything else, in hexadecimal: it names the plan that was reviewed."""
        return digest(self._facts())

    def as_json(self) -> dict[str, Any]:
        """Return it as its file and the journal hold it."""
        return {**self._facts(), "checksum": self.checksum}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "CutoverPlan":
        """Return the plan that a file or the journal holds; one that names no way is a plan for the DNS record.

        Raises
        ------
        KeyError, TypeError
            It is no plan.
        """
        facts = DnsPlan if values.get("way", DNS) == DNS else SharePlan
        return cls(
            facts=facts.from_json(values),
            attempt=int(values.get(ATTEMPT, FIRST)),
            read_only=values.get("read_only", ""),
        )

    def _facts(self) -> dict[str, Any]:
        """Return everything but the checksum, under the keys that plans on disk have."""
        # Not in a plan of the first attempt, so that one of an older version keeps its checksum.
        attempt = {} if self.attempt == FIRST else {ATTEMPT: self.attempt}
        read_only = {"read_only": self.read_only} if self.read_only else {}
        return {**self.facts.as_json(), **attempt, **read_only}


def save(config: Config, plan: CutoverPlan) -> Path:
    """Write a plan and return its file."""
    path = config.root / FOLDER / f"{plan.checksum[:SHORT]}.json"
    private_folder(path.parent)
    values = {**plan.as_json(), "signature": _signature(sealing_key(config.root)[1], plan.checksum)}
    write_private(path, json.dumps(values, indent=2, ensure_ascii=False) + "\n")
    return path


def _signature(key: bytes, checksum: str) -> str:
    """Return the keyed digest that only this folder's key can make: an edited plan has another."""
    return hmac.new(key, f"plan {checksum}".encode(), hashlib.sha256).hexdigest()


def _is_signed_here(config: Config, signature: str, checksum: str) -> bool:
    """Say whether a key of this folder made a signature; without one, no key is needed to say no."""
    if not signature:
        return False
    keys = known_keys(config.root).values() or [folder_key(config.root)]
    return any(hmac.compare_digest(signature.encode(), _signature(key, checksum).encode()) for key in keys)


def load(config: Config, name: str) -> CutoverPlan:
    """Return a plan by its file, or by at least the first 12 characters of its checksum.

    Raises
    ------
    Refused
        There is no such plan, it is not as it was written, or it was not made in this folder.
    """
    asked = re.fullmatch(f"[0-9a-f]{{{SHORT},64}}", name)
    path = config.root / FOLDER / f"{name[:SHORT]}.json" if asked else Path(name)
    try:
        values = _object(read_private(path))
        signature, checksum = str(values.pop("signature", "")), str(values.pop("checksum"))
        plan = CutoverPlan.from_json(values)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        if asked and isinstance(error, FileNotFoundError):
            raise _no_such(name) from error
        # The words of Python about any other text say nothing of a plan.
        why = why_unreadable(error) if isinstance(error, OSError | KeyError) else "it is no JSON object of a plan"
        message = f"{name} is no plan: {why}. A plan is named by its file, or by {SHORT} characters"
        raise Refused(f"{message} of its checksum or more. Make one: handover cutover plan", code="HO576") from error
    # Of the file as it is, so that a key that was added by hand counts as well.
    if digest(values) != checksum or (asked and not checksum.startswith(name[:SHORT])):
        wanted = name[:SHORT] if asked else checksum[:SHORT]
        message = f"{path} is not as it was written: its checksum is {digest(values)[:SHORT]}, not {wanted}."
        raise Refused(f"{message} Nothing was applied. Make a new plan: handover cutover plan", code="HO576")
    if not _is_signed_here(config, signature, checksum):
        message = f"{path} was edited after it was written, or was made in another folder: the key of this folder"
        todo = "Nothing was applied. Make a new plan: handover cutover plan"
        raise Refused(f"{message} did not sign it. {todo}", code="HO576")
    if asked and not checksum.startswith(name):
        raise _no_such(name, checksum)
    return plan


def _object(text: bytes) -> dict[str, Any]:
    values = json.loads(text)
    if not isinstance(values, dict):
        raise TypeError(type(values).__name__)
    return values


def _no_such(name: str, alike: str = "") -> Refused:
    message = f"no plan has the checksum {name}. Nothing was applied."
    todo = f"One that begins alike has {alike}." if alike else "Correct it, or make a plan: handover cutover plan"
    return Refused(f"{message} {todo}", code="HO576")


def newest(config: Config) -> CutoverPlan | None:
    """Return the plan that was written last, or None."""
    found = sorted((config.root / FOLDER).glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
    return load(config, str(found[-1])) if found else None


def check_attempt(plan: CutoverPlan | None, ended: Sequence[EndedAttempt]) -> None:
    """Raise unless a plan is of the present attempt; nothing to do without a plan.

    Raises
    ------
    Refused
        It is of an attempt that ended with a rollback, or of one that this journal does not know.
    """
    if trouble := attempt_trouble(plan, ended):
        raise Refused(trouble, code=OF_ANOTHER_ATTEMPT)


def attempt_trouble(plan: CutoverPlan | None, ended: Sequence[EndedAttempt]) -> str:
    """Return why a plan is not of the present attempt, and what to do; empty when it is, or there is none."""
    present = len(ended) + FIRST
    if plan is None or plan.attempt == present:
        return ""
    known = FIRST <= plan.attempt < present
    why = str(ended[plan.attempt - FIRST]) if known else f"the journal knows {len(ended)} that ended"
    message = f"plan {plan.checksum[:SHORT]} is of attempt {plan.attempt}; now is attempt {present}: {why}."
    todo = "Nothing was applied. Make a new plan, and have it read and signed: handover cutover plan"
    return f"{message} {todo}"
