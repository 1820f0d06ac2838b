"""What accounts may do must be the same on both systems; each is asked by its own code."""

from collections.abc import Iterator
from typing import Any

from handover.errors import UnseenError
from handover.proof.accounts.identity import Identity, ProofAccount
from handover.proof.actor import Actor
from handover.side import Side

HOLDS = "an account may do the same on both"
SAME_ROWS = (
    "Give both the same app labels and model names, so that content types and permissions are the same rows, and "
    "authentication backends that answer has_perm() alike."
)


def compare_permissions(identity: Identity, maker: Actor, other: Actor, made: ProofAccount) -> None:
    """Grant permissions on the mapped models, and compare what each system lets the account do.

    Parameters
    ----------
    identity
        The run.
    maker, other
        The system that made the account and grants the permissions, and the other one.
    made
        The account.
    """
    granted = maker.one("grant", key=made.key, group=made.group, models=_models(identity, maker))
    if granted.raised:
        raise UnseenError(f"the {maker.side} cannot grant permissions: {granted.words}")
    here, there = _seen(identity, (maker, other), made.key)
    if granted.value is None and not here["permissions"] and not there["permissions"]:
        if identity.counts.pop("permissions", None) is not None:
            identity.note("accounts have no permissions of Django's in either system")
        return
    mine, theirs = set(here["permissions"]), set(there["permissions"])
    identity.counts["permissions"] += len(mine & theirs)
    lost, more = set(mine - theirs), set(theirs - mine)
    for name, one, two in _answers(identity, here, there):
        identity.counts["permissions"] += one and two
        if one != two:
            (lost if one else more).add(name)
    if lost:
        found = f"granted by the {maker.side} does not hold on the {other.side}: {', '.join(sorted(lost))}"
        identity.add_failure("HO388", "permission", found, HOLDS, SAME_ROWS, other.side)
    if more:
        identity.note(f"the {other.side} gives accounts of the {maker.side} more: {', '.join(sorted(more))}")


def _models(identity: Identity, actor: Actor) -> list[str]:
    return [getattr(pair, actor.side) for pair in identity.target.config.models]


def _seen(identity: Identity, both: tuple[Actor, Actor], key: object) -> list[dict[str, Any]]:
    answers = [actor.one("account", key=key, models=_models(identity, actor)) for actor in both]
    for answer in answers:
        if answer.raised:
            raise UnseenError(f"the permissions of an account cannot be read: {answer.words}")
    return [answer.value for answer in answers]


def _answers(identity: Identity, here: dict[str, Any], there: dict[str, Any]) -> Iterator[tuple[str, bool, bool]]:
    """Yield each permission on a mapped table with the answer of has_perm() in each system, under its own name."""
    for pair, mine, theirs in zip(identity.target.config.models, here["may"], there["may"], strict=True):
        for what in sorted(mine.keys() & theirs.keys()):
            yield f"{what} on {pair.table}", mine[what], theirs[what]


def compare_stored_grants(identity: Identity, limit: int) -> None:
    """Compare what stored accounts may do on each system."""
    original, backend = (identity.both[side] for side in Side)
    keys = original.one("granted", limit=limit).value or ()
    lost: dict[Side, set[str]] = {side: set() for side in Side}
    for key in keys:
        here, there = _seen(identity, (original, backend), key)
        for name, one, two in _answers(identity, here, there):
            identity.counts["permissions"] += one and two
            if one != two:
                lost[Side.BACKEND if one else Side.ORIGINAL].add(name)
    for side, names in lost.items():
        if names:
            found = f"held by stored accounts does not hold on the {side}: {', '.join(sorted(names))}"
            identity.add_failure("HO388", "permission", found, HOLDS, SAME_ROWS, side)
