"""A person accepts the journal of the database as it is, after it was found to be other than what was written."""

from dataclasses import dataclass

from handover.config.config import Config
from handover.cutover.next_step import AT_REST
from handover.cutover.position import Position, position_of
from handover.cutover.status import people_reach
from handover.errors import HandoverError, Refused
from handover.journal.install import put_copy_aside
from handover.journal.journal import Journal, opened
from handover.journal.key import FolderKeyError
from handover.journal.seal import SHORT, said_of

NOT_ACCEPTED = "HO513"


@dataclass(frozen=True)
class Acceptance:
    """What a person accepts: the beginning of the ``digest`` that was shown, why, and the ``state`` that holds."""

    digest: str
    because: str
    state: str = ""


def accept_journal(config: Config, said: Acceptance) -> list[str]:
    """Go on with the journal of the database as it is; return what was done, a line each.

    Parameters
    ----------
    config, said
        The pair, and what a person accepts.

    Raises
    ------
    Refused
        Nothing is wrong with the journal, it is not what the person has seen, or the name servers say another state.
    """
    with opened(config) as journal:
        journal.connection()
        entries = journal.of_database()
        position = position_of(entries)
        copy_trouble = _copy_trouble(journal)
        wrong = [one for one in (said_of(journal.seals), copy_trouble, position.conflict) if one]
        if not wrong:
            raise Refused("the journal is as it was written; there is nothing to accept.", code=NOT_ACCEPTED)
        if len(said.digest) < SHORT or not journal.seals.digest.startswith(said.digest):
            message = (
                f"{said.digest!r} is not the journal as it is: {journal.seals.digest[:SHORT]}. Nothing was changed."
            )
            raise Refused(f"{message} Read it again: handover status", code=NOT_ACCEPTED)
        _check_state(config, position, said.state)
        done = put_copy_aside(config.root) if copy_trouble else []
        body = {"because": said.because, "digest": journal.seals.digest, "wrong": wrong}
        journal.accept({**body, "state": said.state} if said.state else body)
    return [*done, f"The journal of the database is accepted as it is, with {len(entries)} entries."]


def _copy_trouble(journal: Journal) -> str:
    """Return why the copy of this machine must be put aside; empty when it need not."""
    try:
        journal.entries()
    except FolderKeyError:
        raise
    except HandoverError as error:
        return str(error)
    return ""


def _check_state(config: Config, position: Position, state: str) -> None:
    if position.conflict and not state:
        message = f"journal entries contradict each other: {position.conflict}. Nothing was changed."
        raise Refused(f"{message} Say which state holds: --state {'|'.join(AT_REST)}", code=NOT_ACCEPTED)
    if not state:
        return
    known = next((one for one in AT_REST if one == state), None)
    if known is None:
        message = f"{state!r} is no state at rest; those are {', '.join(AT_REST)}. Nothing was changed."
        raise Refused(message, code=NOT_ACCEPTED)
    people, agrees, _ = people_reach(config, Position(state=known))
    if agrees is not True:
        message = f"in the state {state} the name servers do not say so: people reach {people}. Nothing was changed."
        raise Refused(f"{message} Name the state that holds.", code=NOT_ACCEPTED)
