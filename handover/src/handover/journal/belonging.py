"""Whether the copy of a folder belongs to the journal of a database: that of another database must not be believed."""

from collections.abc import Sequence, Set

from handover.errors import Refused
from handover.journal.copy import JournalCopy
from handover.journal.entry import JournalEntry
from handover.wording import counted

ANOTHER = "HO514"


def is_of(copy: JournalCopy, copied: Sequence[JournalEntry], known: Set[str], database: str) -> bool:
    """Say whether the copy has an entry of a database's journal; False when that cannot be seen yet.

    Parameters
    ----------
    copy, copied
        The copy, and its entries. They were read before those of the database: what another process adds meanwhile is
        in the database first.
    known, database
        The entries of the database by their ids, and its name.

    Raises
    ------
    Refused
        The copy has entries of a database, and not one of them is in this one. A database that was restored lacks the
        newest of them; the first it has.
    """
    placed = [entry for entry in copied if entry.seq is not None]
    if not known or not placed:
        return False
    if any(entry.id in known for entry in placed):
        return True
    raise of_another_database(copy, database)


def of_another_database(copy: JournalCopy, database: str) -> Refused:
    """Return the refusal of a copy that has entries, none of which a database has.

    Parameters
    ----------
    copy, database
        The copy, and the name of the database.
    """
    entries, folder = copy.entries(), copy.path.parent
    begun = f"{counted(len(entries), 'line')} since {entries[0].at:%F %T %Z}"
    message = f"{copy.path} is the copy of another journal: {begun}, and {database} has none of them. Nothing was done."
    other = f"If it is of another database, put the folder aside: mv {folder} {folder}-of-the-other"
    lost = f"If {database} has lost its journal, restore the schema handover from a backup. Then run again."
    return Refused(f"{message} {other} -- {lost}", code=ANOTHER)
