"""The journal itself: an entry goes to the database, then to the copy, and only then is anything done."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import Connection, sql
from psycopg.types.json import Jsonb

from handover.config.config import Config, database_url
from handover.errors import HandoverError, Refused
from handover.journal.belonging import is_of
from handover.journal.copy import JournalCopy
from handover.journal.delivery import delivering
from handover.journal.differing import differing
from handover.journal.entry import COPY, LATE, JournalEntry, new_entry
from handover.journal.key import known_keys, sealing_key
from handover.journal.seal import ACCEPTED, PAUSE, SEAL, SealedChain, SealState, accept_words, said_of
from handover.missing_right import membership, remedied
from handover.troubles import database_trouble

SCHEMA = "handover"
# The database has no journal.
NO_JOURNAL = "HO502"
LOCK = 0x68616E646F766572  # "handover": one entry after another
CONNECT_WITHIN_S = 5
# Long enough for a busy database, short enough for an operator who waits.
LOCK_TIMEOUT_MS, STATEMENT_TIMEOUT_MS = 5000, 15000
_COLUMNS = "seq, id::text, at, who, machine, kind, body"
_READ = f"SELECT {_COLUMNS} FROM handover.journal WHERE seq > %s ORDER BY seq"  # noqa: S608 - the constant above
_LAST_PAUSE = """
    SELECT kind, who, machine, at FROM handover.journal WHERE kind IN ('pause', 'lift') ORDER BY seq DESC LIMIT 1
"""
# What the database would give back: numbers and texts of a body as it keeps them.
_NEXT = """
    SELECT coalesce(max(seq), 0) + 1, coalesce(%s, clock_timestamp()), %s::jsonb FROM handover.journal
"""
_ADD = f"""
    INSERT INTO handover.journal ({_COLUMNS.replace("::text", "")}) VALUES (%s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (id) DO NOTHING RETURNING {_COLUMNS}
"""  # noqa: S608


class JournalError(HandoverError):
    """The journal's database does not answer, or refuses."""

    code = "HO500"


class Journal:
    """The journal of one pair; made by :func:`opened`.

    Attributes
    ----------
    copy
        On this machine.
    trouble
        Why the database is not used; empty when it is.
    on_added
        Called after each entry that was added.
    """

    def __init__(self, config: Config, *, copy_alone: bool = False) -> None:
        self.config, self.copy = config, JournalCopy(config.root)
        self.copy_alone = copy_alone
        self._connection: Connection[Any] | None = None
        self._read: list[JournalEntry] = []  # of the database, where nothing is ever changed
        self._chain = SealedChain(lambda: known_keys(config.root))
        self._is_ours = False  # whether the copy was seen to be of this database
        self.on_added: Callable[[], None] = lambda: None
        self.trouble = "it was not asked: --copy-alone" if copy_alone else ""
        if not copy_alone:
            with suppress(JournalError):
                self.connection()

    def connection(self) -> Connection[Any]:
        """Return the session in the database, opened again when it broke.

        Raises
        ------
        JournalError
            The database does not answer.
        Refused
            It has no journal.
        """
        if self.copy_alone:
            raise JournalError(f"the journal's database is not used: {self.trouble}")
        if self._connection is None or self._connection.closed:
            self._connection = None
            self._connection = self._connect()
        return self._connection

    def _connect(self) -> Connection[Any]:
        try:
            connection = connect(self.config)
        except psycopg.Error as error:
            self.trouble = database_trouble(error)
            raise JournalError(_down(self.trouble)) from error
        self.trouble = ""
        if not is_there(connection):
            name = connection.info.dbname
            connection.close()
            self.trouble = "it has no journal"
            raise Refused(f"{name} has no journal. Make one: handover init-journal --apply", code=NO_JOURNAL)
        return connection

    def close(self) -> None:
        """End the session."""
        if self._connection is not None:
            self._connection.close()

    def entries(self) -> list[JournalEntry]:
        """Return every entry, those that only the copy has at the end; of the copy alone when the database is down.

        Raises
        ------
        JournalError
            The database and the copy contradict each other.
        Refused
            The copy is of another journal.
        """
        copied = self.copy.entries()
        try:
            stored = self._stored()
        except JournalError:
            return copied
        known = {e.id for e in stored}
        self._must_be_of_this_database(copied, known)
        _must_agree(self.copy, stored, copied, self.seals.digest)
        if self.seals.broken:
            raise self._not_as_written()
        self.copy.must_be_as_told({e.id: e.body[COPY] for e in stored if COPY in e.body})
        return stored + [e for e in copied if e.id not in known]

    @property
    def seals(self) -> SealState:
        """What the seals of the entries say that were read from the database."""
        return self._chain.state

    def of_database(self) -> list[JournalEntry]:
        """Return the entries of the database as they are, compared with nothing.

        Raises
        ------
        JournalError
            The database does not answer.
        """
        return list(self._stored())

    def require(self) -> None:
        """Raise unless the database answers and every entry there is known to be as it was written.

        Raises
        ------
        JournalError
            The database does not answer, an entry was changed, or one cannot be compared.
        """
        self.entries()
        self._stored()
        if not self.seals.compared:
            raise self._not_as_written()

    def _not_as_written(self) -> JournalError:
        code = "HO511" if self.seals.broken else "HO512"
        return JournalError(said_of(self.seals), code=code)

    def only_in_copy(self) -> list[JournalEntry]:
        """Return the entries that have not reached the database."""
        copied = self.copy.entries()  # read first: another process adds an entry to the database, then to the copy
        with suppress(JournalError):
            known = {e.id for e in self._stored()}
            return [e for e in copied if e.id not in known]
        return [e for e in copied if e.seq is None]

    def catch_up(self) -> list[JournalEntry]:
        """Bring database and copy to the same entries; return those that the database had been missing."""
        late = []
        copied = self.copy.entries()
        with suppress(JournalError):
            self._must_be_of_this_database(copied, {e.id for e in self._stored()})
        for missing in self.only_in_copy():
            body = {name: value for name, value in missing.body.items() if name != SEAL}
            late += self._insert(replace(missing, body={**body, LATE: True}), at=missing.at)
        known = {e.id for e in self.copy.entries() if e.seq is not None}
        self.copy.add(*(e for e in self._stored() if e.id not in known))
        return late

    def add(self, kind: str, body: Mapping[str, Any], *, after_the_fact: bool = False) -> JournalEntry:
        """Add an entry to the database and to the copy.

        Parameters
        ----------
        kind, body
            See :class:`handover.journal.entry.JournalEntry`.
        after_the_fact
            What it tells has happened already, so the copy holds it even when the database does not answer.

        Raises
        ------
        JournalError
            The database does not accept the entry, so the action must not begin.
        Refused
            The copy is of another journal.
        """
        copied = self.copy.entries()
        with suppress(JournalError):  # what is to be added meets the same, and decides
            self._must_be_of_this_database(copied, {e.id for e in self._stored()})
        new = new_entry(kind, body)
        told = replace(new, body={**new.body, COPY: self.copy.told()})
        try:
            stored = self._insert(told, at=None)
        except JournalError as error:
            if not (after_the_fact or self.copy_alone):
                raise
            self.trouble = self.trouble or str(error)
            stored = [new]
        self.copy.add(*stored)
        self.on_added()
        return stored[0]

    def add_pause(self, body: Mapping[str, Any]) -> list[JournalEntry]:
        """Add a pause to the database alone and without a seal, when the copy or the seals cannot be read or made.

        Parameters
        ----------
        body
            See :class:`handover.journal.entry.JournalEntry`.

        Returns
        -------
        list
            The entry as the database has it.

        Raises
        ------
        JournalError
            The database does not accept it.
        """
        return self._insert(new_entry(PAUSE, body), at=None, seals=False)

    def accept(self, body: Mapping[str, Any]) -> None:
        """Add the entry that accepts the journal of the database as it is; the copy follows with the next command.

        Parameters
        ----------
        body
            Why, and what was wrong.

        Raises
        ------
        JournalError
            The database does not accept it.
        """
        self._insert(new_entry(ACCEPTED, body), at=None, compares=False)

    def now(self) -> datetime:
        """Return the time by the database's clock, or by this machine's when only the copy is used.

        Raises
        ------
        JournalError
            The database does not answer.
        """
        if self.copy_alone:
            return datetime.now(UTC)
        with self._asking() as connection:
            row = connection.execute("SELECT clock_timestamp()").fetchone()
        assert row is not None  # noqa: S101 - a SELECT without FROM has one row
        return row[0]  # type: ignore[no-any-return]

    def _must_be_of_this_database(self, copied: Sequence[JournalEntry], known: Set[str]) -> None:
        self._is_ours = self._is_ours or is_of(self.copy, copied, known, self.connection().info.dbname)

    def _stored(self) -> list[JournalEntry]:
        last = self._read[-1].seq if self._read else 0
        with self._asking() as connection:
            for row in connection.execute(_READ, [last]).fetchall():
                entry = _entry(row)
                self._chain.follow(entry)
                self._read.append(entry)
        return self._read

    def _insert(
        self, new: JournalEntry, *, at: datetime | None, seals: bool = True, compares: bool = True
    ) -> list[JournalEntry]:
        with self._asking() as connection, connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
            self._stored()
            if seals and compares and not self.seals.compared:
                raise self._not_as_written()
            row = connection.execute(_NEXT, [at, Jsonb(new.body)]).fetchone()
            assert row is not None  # noqa: S101 - an aggregate has one row
            entry = replace(new, seq=row[0], at=row[1], body=row[2])
            if seals:
                entry = self._chain.sealed(entry, *sealing_key(self.config.root))
            values = [entry.seq, entry.id, entry.at, entry.who, entry.machine, entry.kind, Jsonb(entry.body)]
            return [_entry(row) for row in connection.execute(_ADD.encode(), values)]

    @contextmanager
    def _asking(self) -> Iterator[Connection[Any]]:
        connection = self.connection()
        try:
            yield connection
        except psycopg.Error as error:
            self.trouble = database_trouble(error)
            raise JournalError(_down(self.trouble)) from error


@contextmanager
def opened(config: Config, *, copy_alone: bool = False) -> Iterator[Journal]:
    """Open the journal; without its database the copy is read.

    Raises
    ------
    Refused
        The database has no journal.
    """
    journal = Journal(config, copy_alone=copy_alone)
    try:
        with delivering(config) as journal.on_added:
            yield journal
    finally:
        journal.close()


def connect(config: Config) -> Connection[Any]:
    """Return a session that acts as the journal's owner, with limits on how long anything may take."""
    # Times are read in this style, whatever the role's is.
    limits = f"-c lock_timeout={LOCK_TIMEOUT_MS} -c statement_timeout={STATEMENT_TIMEOUT_MS} -c datestyle=ISO"
    connection = psycopg.connect(
        database_url(config),
        autocommit=True,
        connect_timeout=CONNECT_WITHIN_S,
        application_name="handover journal",
        options=limits,
    )
    try:
        if is_there(connection):
            with remedied(membership(config.journal.role, of=connection.info.user)):
                connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(config.journal.role)))
    except psycopg.Error:
        connection.close()
        raise
    return connection


def last_pause(connection: Connection[Any]) -> str:
    """Return by which account, where and since when everything is paused; empty when it is not."""
    row = connection.execute(_LAST_PAUSE).fetchone()
    return f"paused by {row[1]} on {row[2]} since {row[3]:%F %T %Z}" if row and row[0] == "pause" else ""


def is_there(connection: Connection[Any]) -> bool:
    """Say whether the database has a journal."""
    row = connection.execute("SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = %s)", [SCHEMA]).fetchone()
    return row is not None and bool(row[0])


def _entry(row: tuple[Any, ...]) -> JournalEntry:
    seq, id_, at, who, machine, kind, body = row
    return JournalEntry(kind, body if isinstance(body, dict) else json.loads(body), who, machine, at, seq, id_)


def _must_agree(copy: JournalCopy, stored: list[JournalEntry], copied: list[JournalEntry], digest: str) -> None:
    """Raise if the database and the copy hold one entry in two forms, or the database lost one between two others."""
    there = {entry.id: entry for entry in stored}
    found = [text for entry in copied if entry.id in there for text in _differing(there[entry.id], entry)]
    places = {entry.seq or 0 for entry in stored}
    found += [
        f"entry {seq} is missing in the database" for seq in range(1, max(places, default=0)) if seq not in places
    ]
    if found:
        message = f"the database and {copy.path} do not hold the same journal: {'; '.join(found[:3])}."
        why = "One of them was changed by hand. Nothing was done."
        todo = f"Find out who changed it. Keep the copy, and read the entries; then go on with {accept_words(digest)}"
        raise JournalError(f"{message} {why} {todo}", code="HO511")


def _differing(stored: JournalEntry, copied: JournalEntry) -> Iterator[str]:
    # An entry that came later than to the copy has another place, and with it another seal.
    added = (LATE, COPY, SEAL) if stored.body.get(LATE) or copied.seq is None else (LATE, COPY)
    for name in ("kind", "who", "machine", "body"):
        mine, theirs = getattr(stored, name), getattr(copied, name)
        if name == "body":
            mine, theirs = ({k: v for k, v in body.items() if k not in added} for body in (mine, theirs))
        if mine != theirs:
            yield from (f"entry {stored.seq} ({stored.kind}): {text}" for text in differing(name, mine, theirs))


def _down(why: str) -> str:
    message = f"the journal's database does not answer, or refuses: {why}"
    todo = "No action was begun without its entry. `handover status` reads the copy and says what may be done."
    return f"{message} {todo}"
