"""Restore a backup into an empty place, and compare what is there afterwards with what was backed up."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict

from handover.backup.content import Content, content
from handover.backup.database import dump_version, restore_dump, structure, structure_differing
from handover.backup.manifest import DUMP, FILES, ROLES, STRUCTURE, read_files, verified
from handover.backup.media import write_files
from handover.backup.programs import BackupError
from handover.backup.roles import give_database_its_own, make_roles, missing_roles
from handover.backup.search_documents import is_empty, restore_documents
from handover.config.config import Config
from handover.errors import Refused
from handover.schema.owners import granted
from handover.troubles import database_trouble

CODE = "HO562"
INDEX = "index"  # the part of a backup, as ``--without`` names it
# Everything that people or programs made; what extensions brought with them is not looked at.
_MADE = """
SELECT count(*) FROM pg_depend d RIGHT JOIN (
    SELECT oid, 'pg_class'::regclass AS kind, relnamespace AS schema FROM pg_class
    UNION ALL SELECT oid, 'pg_proc'::regclass, pronamespace FROM pg_proc
    UNION ALL SELECT oid, 'pg_type'::regclass, typnamespace FROM pg_type
    UNION ALL SELECT oid, 'pg_namespace'::regclass, oid FROM pg_namespace WHERE nspname <> 'public'
) o ON d.objid = o.oid AND d.classid = o.kind AND d.deptype = 'e'
  JOIN pg_namespace n ON n.oid = o.schema
 WHERE d.objid IS NULL AND nspname !~ '^pg_' AND nspname <> 'information_schema'
"""
MAJOR = 10_000
INTERRUPTED = "An interrupted restore leaves it like this, too."


@dataclass(frozen=True)
class EmptyPlace:
    """Where a backup goes.

    Attributes
    ----------
    url
        The empty database, as a role that may make objects and roles there.
    variable
        The environment variable that holds the URL.
    folders
        An empty or missing folder for each place of files, "" for the default storage.
    index_url
        The server of the search index.
    without
        Parts that are left out on purpose: ``files``, ``index``, or the setting of a folder.
    """

    url: str
    variable: str
    folders: Mapping[str, Path] = field(default_factory=dict)
    index_url: str | None = None
    without: frozenset[str] = frozenset()


@dataclass(frozen=True)
class RestorePlan:
    """What a restore would do: the backup's manifest, the roles to make, the places of files, the index."""

    facts: dict[str, Any]
    needed: dict[str, Any]
    missing: list[str]
    places: list[str]
    index: str | None

    def words(self, place: EmptyPlace) -> Iterator[str]:
        """Yield the plan, a line each."""
        rows = Content.of(self.facts["content"]).rows
        name = conninfo_to_dict(place.url)["dbname"]
        yield f"Would restore {rows} rows, as at {self.facts['database']['at']}, into the empty database {name}."
        for role in self.missing:
            yield f"Would make the role {role}, which this server lacks."
        yield from (
            f"Would write the files of {one or 'the storage'} into {place.folders[one]}." for one in self.places
        )
        if self.index:
            yield f"Would fill the search index {self.index}."
        yield from (f"Leaves out: {part}." for part in sorted(place.without))


def plan_restore(config: Config, backup: Path, place: EmptyPlace) -> RestorePlan:
    """Look at a backup and at the place that it shall go to; change nothing.

    Parameters
    ----------
    config
        The pair.
    backup
        The folder of the backup.
    place
        Where it shall go.

    Raises
    ------
    DamagedBackupError
        The backup is not whole.
    Refused
        The place is not empty, is too old, a part of the backup has no place, or a place is named that it has not.
    """
    facts = verified(backup)
    found = sorted({one["place"] for one in read_files(backup)})
    _check_names(config, found, place)
    needed = json.loads((backup / ROLES).read_text())
    try:
        with psycopg.connect(place.url) as connection:
            _check_database(connection, facts["database"])
            missing = missing_roles(connection, needed)
    except psycopg.Error as error:
        raise BackupError(f"no database to restore into: {database_trouble(error, place.variable)}") from error
    places = _places(found, place)
    return RestorePlan(facts, needed, missing, places, _index(facts, place))


def _check_database(connection: Connection[Any], source: dict[str, Any]) -> None:
    name = connection.info.dbname
    (made,) = connection.execute(_MADE).fetchone() or (1,)
    if made:
        message = f"the database {name} is not empty: {made} objects are in it. A backup goes into an empty one only."
        raise _refused(f"{message} {INTERRUPTED} Then drop the database first. {_create(source)}")
    if connection.info.server_version // MAJOR < source["server_version"] // MAJOR:
        ours, theirs = (one // MAJOR for one in (connection.info.server_version, source["server_version"]))
        message = f"the server is PostgreSQL {ours}; the backup was made of {theirs}, which an older one cannot hold."
        raise _refused(f"{message} Restore on a server of version {theirs} or newer.")
    row = connection.execute(
        "SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database()"
    ).fetchone()
    if row != (source["encoding"],):
        raise _refused(f"the database {name} has another encoding than the backup. {_create(source)}")


def _create(source: dict[str, Any]) -> str:
    options = f"ENCODING '{source['encoding']}' LC_COLLATE '{source['collate']}' LC_CTYPE '{source['ctype']}'"
    return f"Make one: CREATE DATABASE restored TEMPLATE template0 {options};"


def _check_names(config: Config, found: list[str], place: EmptyPlace) -> None:
    """Refuse a folder for, or the leaving out of, what the backup does not hold: the name may be misspelled."""
    own = [one for one in found if one]
    parts = [FILES, INDEX, *own]
    for option, given, names in (
        ("--folder", [one for one in place.folders if one], own),
        ("--without", place.without, parts),
    ):
        for one in sorted(set(given) - set(names)):
            known = f"{option} takes here: {', '.join(names)}." if names else f"Leave {option} out."
            if one in (*config.backup.folders, *config.backup.storages):
                where = "they are in the storage, or there were none" if "" in found else "there were none"
                raise _refused(f"this backup has no files of {one} of its own: {where}. {known}")
            raise _refused(f"{option} {one}: the backup has nothing of that name. {known}")


def _places(found: list[str], place: EmptyPlace) -> list[str]:
    wanted = [one for one in found if (one or FILES) not in place.without]
    for one in wanted:
        option = f"--folder {one}=FOLDER" if one else "--media FOLDER"
        if one not in place.folders:
            message = f"the backup holds files of {one or 'the storage'}, and no folder is named for them."
            raise _refused(f"{message} Name one: {option}. Or leave them out: --without {one or FILES}.")
        folder = place.folders[one]
        if folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
            message = f"{folder} is no empty folder, and files go into an empty one only."
            raise _refused(f"{message} Name another: {option}. {INTERRUPTED} Then remove the folder first.")
    return wanted


def _index(facts: dict[str, Any], place: EmptyPlace) -> str | None:
    name: str | None = facts["search"].get("index")
    if name is None or INDEX in place.without:
        return None
    if place.index_url is None:
        message = f"the backup holds the search index {name}, and no server is named for it."
        raise _refused(f"{message} Name one: --index URL_ENV. Or leave it out: --without {INDEX}.")
    if not is_empty(place.index_url, name):
        message = f"the search index {name} is not empty, and documents go into an empty one only."
        raise _refused(
            f"{message} Delete it, name another server: --index URL_ENV, or leave it out: --without {INDEX}."
        )
    return name


def _refused(message: str) -> Refused:
    return Refused(f"{message} Nothing was changed.", code=CODE)


def restore_backup(
    config: Config, backup: Path, place: EmptyPlace, plan: RestorePlan, *, say: Callable[[str], None]
) -> dict[str, Any]:
    """Restore a backup as planned, then compare; return how much of what was compared.

    Parameters
    ----------
    config
        The pair.
    backup
        The folder of the backup.
    place
        Where it goes.
    plan
        What :func:`plan_restore` returned for both.
    say
        Receives a line of progress.

    Raises
    ------
    BackupError
        A part could not be restored, or differs afterwards.
    """
    name = str(conninfo_to_dict(place.url)["dbname"])
    say(f"restoring the database into {name}")
    with psycopg.connect(place.url, autocommit=True) as connection:
        make_roles(connection, plan.needed, plan.missing, config)
    with granted(plan.needed["owners"], place.url, name):
        restore_dump(config, backup / DUMP, place.url)
    with psycopg.connect(place.url) as connection:
        give_database_its_own(connection, plan.needed)
        found = content(connection)
        version = connection.info.server_version
    say("comparing the database")
    differing = Content.of(plan.facts["content"]).differing(found)
    comparable = same_words(config, plan.facts["database"], version)
    if comparable:
        differing += structure_differing((backup / STRUCTURE).read_text(), structure(config, place.url))
    if differing:
        lines = "\n       ".join(differing[:20])
        message = f"the restored database is not what was backed up:\n       {lines}"
        raise BackupError(f"{message}\n       Let no system use {name}. Drop it, and find out why.")
    files = 0
    for one in plan.places:
        say(f"writing the files into {place.folders[one]}")
        files += write_files(backup, one, place.folders[one])
    documents = restore_documents(backup, place.index_url, plan.index) if plan.index and place.index_url else 0
    counts = {"tables": len(found.tables), "rows": found.rows, "files": files, "documents": documents}
    return {**counts, "structure_compared": comparable}


def same_words(config: Config, source: dict[str, Any], server_version: int) -> bool:
    """Return whether two structures can be compared: another version of PostgreSQL writes the same in other words.

    Parameters
    ----------
    config
        The pair.
    source
        The database that was backed up, as the manifest has it.
    server_version
        The version of the server that it was restored on.
    """
    if server_version // MAJOR != source["server_version"] // MAJOR:
        return False
    return dump_version(config) == str(source["pg_dump"])
