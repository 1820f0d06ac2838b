"""A right that a role lacks, with the statement that gives it, as it is known where the right is needed."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import errors

from handover.wording import identifier

AS_ADMINISTRATOR = "As an administrator: "


class MissingRightError(errors.InsufficientPrivilege):
    """The database refused a statement for want of a right; ``remedy`` says what gives it."""

    def __init__(self, said: str, remedy: str) -> None:
        super().__init__(said)
        self.remedy = remedy


@contextmanager
def remedied(remedy: str) -> Iterator[None]:
    """Say what gives the right that is missing in the block.

    Parameters
    ----------
    remedy
        A sentence without its full stop; empty if it is not known here.

    Raises
    ------
    MissingRightError
        The database refused a statement for want of a right.
    """
    try:
        yield
    except errors.InsufficientPrivilege as error:
        if not remedy:
            raise
        raise MissingRightError(str(error), remedy) from error


def membership(role: str, of: str) -> str:
    """Return what lets a role act as another.

    Examples
    --------
    >>> membership("handover_journal", of="reader")
    'As an administrator: GRANT "handover_journal" TO "reader"'
    """
    return f"{AS_ADMINISTRATOR}GRANT {identifier(role)} TO {identifier(of)}"


def attribute(name: str, of: str) -> str:
    """Return what gives a role an attribute, for example ``CREATEDB``.

    Examples
    --------
    >>> attribute("CREATEDB", of="Reader")
    'As an administrator: ALTER ROLE "Reader" CREATEDB'
    """
    return f"{AS_ADMINISTRATOR}ALTER ROLE {identifier(of)} {name}"
