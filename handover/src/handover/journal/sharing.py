"""The key of the journal on another machine: a folder there gets a copy, compares every entry, and seals with it."""

from pathlib import Path

from handover.config.config import Config
from handover.errors import Refused
from handover.journal.journal import opened
from handover.journal.key import share_key
from handover.journal.seal import key_name, said_of, sealed_by
from handover.private_files import read_private
from handover.troubles import why_unreadable
from handover.wording import counted


def bring_key(config: Config, path: Path) -> str:
    """Keep a copy of another machine's key in this folder; return what it compared, one line.

    Parameters
    ----------
    config, path
        The pair, and the copy.

    Raises
    ------
    Refused
        The file cannot be read, or its key sealed no entry of the journal.
    """
    try:
        key = read_private(path)
    except OSError as error:
        message = f"{path} was not read: {why_unreadable(error)}. Nothing was changed."
        raise Refused(f"{message} Copy .handover/key of the other machine there.", code="HO512") from error
    with opened(config) as journal:
        journal.connection()
        names = set(map(sealed_by, journal.of_database()))
    if key_name(key) not in names:
        message = (
            f"{path} sealed no entry of this journal, so it was not kept: it is the key of another one, or no key."
        )
        raise Refused(f"{message} Copy .handover/key from the machine that status names.", code="HO512")
    kept = share_key(config.root, key)
    with opened(config) as journal:
        journal.connection()
        number = len(journal.of_database())
        left = said_of(journal.seals)
    found = left or f"{counted(number, 'entry', 'entries')} of the journal are as they were written."
    return f"The key is kept in {kept.relative_to(config.root)}; remove {path}. {found}"
