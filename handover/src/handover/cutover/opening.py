"""Open a night: this process is registered, the journal is open, the lease is held."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from handover.config.config import Config
from handover.cutover.run import Night
from handover.errors import Refused
from handover.journal.journal import Journal, JournalError, opened
from handover.journal.lease import held
from handover.journal.processes import registered


@contextmanager
def night(
    config: Config,
    command: str,
    *,
    say: Callable[[str], None],
    copy_alone: bool = False,
    at: Callable[[str], None] = lambda _: None,
) -> Iterator[Night]:
    """Give what a command needs to act.

    Raises
    ------
    Refused
        Another operator holds the lease, or there is no journal.
    JournalError
        The database does not answer, and ``copy_alone`` was not chosen.
    """
    with registered(config.root, command), opened(config, copy_alone=copy_alone) as journal:
        if copy_alone:
            require_copy(journal)
        else:
            journal.connection()
        with held(config, command, copy_alone=copy_alone) as lease:
            yield Night(config, journal, lease, say, at=at)


def require_copy(journal: Journal) -> None:
    """Raise unless this machine has a copy of the journal, and its database is really down.

    Raises
    ------
    Refused
        There is no copy, or the database answers.
    """
    if not journal.copy.entries():
        message = f"{journal.copy.path} is not there or empty: nobody knows where the move is."
        raise Refused(f"{message} Run on the machine that began it.", code="HO508")
    try:
        with opened(journal.config) as other:
            other.connection()
    except (JournalError, Refused):
        return
    message = (
        "the journal's database answers, so the copy alone is not enough: another operator may have written there."
    )
    raise Refused(f"{message} Leave --copy-alone out.", code="HO508")
