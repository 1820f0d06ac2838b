"""Make a backup of the running product; for the gate also restore it, compare, and keep that as evidence."""

import fcntl
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from handover.backup.content import Content
from handover.backup.database import dump, restored_for_trial
from handover.backup.manifest import DUMP, is_whole, seal, verified
from handover.backup.media import FileCopies, file_source
from handover.backup.programs import BackupError
from handover.backup.search_documents import index_of, write_documents
from handover.config.config import Config, from_environment
from handover.errors import Refused
from handover.journal.evidence import Recorder, recording
from handover.private_files import open_private, private_folder

UNFINISHED, LOCK = ".making-", ".lock"
RESTORE_SERVER = "a server to restore on, and a role that makes databases"


@dataclass(frozen=True)
class MadeBackup:
    """A whole backup: its folder, its manifest's checksum, what it holds, and what the manifest says."""

    folder: Path
    sha256: str
    content: Content
    facts: dict[str, Any]


def make_backup(config: Config, *, say: Callable[[str], None]) -> MadeBackup:
    """Back up the database, the files and the search index while both systems write.

    The folder appears under its name when it is whole; an interrupted backup leaves nothing that looks like one.

    Raises
    ------
    BackupError
        A part could not be read or written.
    """
    place = place_of_backups(config)
    private_folder(place)
    with _alone(place):
        remove_unfinished(place, say)
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{secrets.token_hex(2)}"
        unfinished = place / f"{UNFINISHED}{name}"
        private_folder(unfinished)
        say(f"backing up into {place / name}")
        try:
            content, facts = _parts(config, unfinished, say)
            digest = seal(unfinished, {**facts, "name": name, "handover": version("django-handover")})
            unfinished.rename(place / name)
        except BaseException:
            shutil.rmtree(unfinished)
            raise
        _to_disk(place)
    return MadeBackup(place / name, digest, content, facts)


def _parts(config: Config, folder: Path, say: Callable[[str], None]) -> tuple[Content, dict[str, Any]]:
    began = datetime.now(UTC)
    facts: dict[str, Any] = {"files": None}
    with ExitStack() as stack:
        copies, columns = None, []
        if config.backup.objects:
            agent = stack.enter_context(file_source(config))
            older = tuple(reversed(whole_backups(config)))
            copies = FileCopies(agent, folder, config.backup.ignore, older)
            columns = [(table, column) for table, column in agent.ask("file_columns")]
            copies.copy(copies.before, say)
        say("dumping the database")
        dumped = dump(config, folder, columns)
        if copies:
            copies.copy(copies.after, say)
            facts["files"] = copies.finish(dumped.named)
    facts["search"] = _search(config, folder)
    times = {"began_at": began.isoformat(), "ended_at": datetime.now(UTC).isoformat()}
    return dumped.content, {**facts, **times, "database": dumped.place, "content": dumped.content.plain()}


def _search(config: Config, folder: Path) -> dict[str, Any]:
    index = index_of(config)
    if index is None:
        return {"left_out": "handover.toml declares no search index"}
    name, variable = index
    url = os.environ.get(variable or "")
    if not url:
        return {"left_out": f"{variable or 'url_env of the index'} is not set"}
    return {"index": name, "documents": write_documents(url, name, folder)}


def prove_backup(config: Config, made: MadeBackup, *, say: Callable[[str], None], attempt: int = 1) -> dict[str, Any]:
    """Read a backup again, restore it into an empty database, and compare; return the summary of the evidence.

    Parameters
    ----------
    config
        The pair.
    made
        The backup that was just made.
    say
        Receives a line of progress.
    attempt
        Which attempt of the move it is evidence for.

    Raises
    ------
    BackupError
        It cannot be restored, or the copy differs; there is no evidence then, the backup stays.
    """
    server = restore_server(config)
    with recording(config, "backup", attempt=attempt) as recorder:
        verified(made.folder)
        say("restoring into an empty database")
        differing = made.content.differing(_copy(config, made, server, say))
        files = made.facts["files"] or {}
        differing += [f"file {name} was overwritten" for name in files.get("overwritten_meanwhile", ())]
        _record(recorder, made)
        if differing:
            lines = "\n       ".join(differing[:20])
            message = f"the restored copy is not what was backed up:\n       {lines}"
            raise BackupError(f"{message}\n       The files stay in {made.folder}. Find out why, then make another.")
    return recorder.summary


def _copy(config: Config, made: MadeBackup, server: str, say: Callable[[str], None]) -> Content:
    try:
        return restored_for_trial(config, made.folder / DUMP, server, say=say)
    except BackupError as error:
        kept = f"A backup was made, it is in {made.folder}; it was not tried to the end, so it is no evidence."
        raise BackupError(f"{error.args[0]}\n       {kept}") from error


def restore_server(config: Config) -> str:
    """Return the URL of the server that a backup is tried on."""
    return from_environment(config.backup.restore_url_env, RESTORE_SERVER)


def _record(recorder: Recorder, made: MadeBackup) -> None:
    for name, (rows, checksum) in made.content.tables.items():
        recorder.line("tables", {"table": name, "rows": rows, "checksum": checksum})
    files = made.facts["files"] or {}
    recorder.summary |= {
        "folder": str(made.folder),
        "manifest_sha256": made.sha256,
        "restored": True,
        "differing": [],
        "tables": len(made.content.tables),
        "rows": made.content.rows,
        "objects": files.get("files", 0),
        # People delete while others back up: that is no difference, but it is told.
        "objects_deleted_meanwhile": files.get("deleted_meanwhile", 0),
    }


def place_of_backups(config: Config) -> Path:
    """Return the folder that holds the backups."""
    return config.root / config.backup.folder


def whole_backups(config: Config) -> list[Path]:
    """Return the folders of the whole backups, the oldest first."""
    place = place_of_backups(config)
    return sorted(folder for folder in place.iterdir() if is_whole(folder)) if place.is_dir() else []


def too_old(config: Config, keep: int, *, one_more: bool = False) -> list[Path]:
    """Return the whole backups that are older than the newest.

    Parameters
    ----------
    config
        The pair.
    keep
        How many of the newest stay.
    one_more
        Whether a backup will be made before.
    """
    older = whole_backups(config)
    return older[: max(len(older) + one_more - keep, 0)]


def remove_old(config: Config, keep: int) -> list[Path]:
    """Remove all whole backups but the newest; return what was removed."""
    old = too_old(config, keep)
    with _alone(place_of_backups(config)):
        for folder in old:
            # Renamed first: half of a backup must not look like a whole one.
            dying = folder.rename(folder.with_name(f"{UNFINISHED}{folder.name}"))
            shutil.rmtree(dying)
    return old


def remove_unfinished(place: Path, say: Callable[[str], None]) -> None:
    """Remove what interrupted backups left; only while no other backup is made."""
    for folder in sorted(place.glob(f"{UNFINISHED}*")):
        say(f"removing {folder.name}, which an interrupted command left")
        shutil.rmtree(folder)


def words(facts: dict[str, Any]) -> Iterator[str]:
    """Yield what a backup holds and what it does not, for people."""
    content, files, search = Content.of(facts["content"]), facts["files"], facts["search"]
    yield f"database   {len(content.tables)} tables, {content.rows} rows, as at {facts['database']['at']}"
    if files is None:
        yield "files      none: [backup] objects is false"
    else:
        yield f"files      {files['files']}, {files['bytes']} bytes; {files['linked']} shared with older backups"
        if files["deleted_meanwhile"] or files["came_meanwhile"]:
            yield (
                f"           meanwhile {files['came_meanwhile']} came and {files['deleted_meanwhile']} were deleted, "
                f"of which a row still names {files['deleted_meanwhile_and_kept']}, so they are kept"
            )
        if files["overwritten_meanwhile"]:
            yield f"           overwritten meanwhile, kept as they were last: {len(files['overwritten_meanwhile'])}"
        if missing := files["rows_name_missing_files"]:
            yield f"           {len(missing)} files are named by rows and were not there, for example {missing[0]}"
    yield (
        f"search     {search['documents']} documents of {search['index']}"
        if "index" in search
        else f"search     not in the backup: {search['left_out']}"
    )


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    with open_private(place / LOCK, "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(f"another backup is being made in {place}. Wait for it, then run again.") from None
        yield


def _to_disk(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
