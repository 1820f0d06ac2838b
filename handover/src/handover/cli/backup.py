"""``handover backup``: the database, the files and the search index; for the gate also restored and compared."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import psycopg
import typer

from handover.backup.backup import (
    RESTORE_SERVER,
    MadeBackup,
    make_backup,
    place_of_backups,
    prove_backup,
    remove_old,
    restore_server,
    too_old,
    words,
)
from handover.backup.manifest import verified
from handover.backup.point_in_time import point_in_time
from handover.cli.console import out, progress
from handover.cli.options import DEFAULT_CONFIG, ApplyOption, ConfigOption
from handover.config.config import Config, database_url, load_config
from handover.cutover.attempt import attempt_of
from handover.cutover.evidence_gates import note_newest
from handover.journal.journal import is_there, opened
from handover.journal.processes import registered
from handover.troubles import database_trouble

Untried = Annotated[
    bool,
    typer.Option(
        "--untried", help="Do not restore it. Such a backup is no evidence for the gate, and reads no journal."
    ),
]
Verify = Annotated[Path | None, typer.Option("--verify", metavar="FOLDER", help="Read a backup again; change nothing.")]
Keep = Annotated[int | None, typer.Option("--keep", min=1, help="Afterwards remove all backups but the newest N.")]


def backup(
    config: ConfigOption = DEFAULT_CONFIG,
    apply: ApplyOption = False,
    untried: Untried = False,
    verify: Verify = None,
    keep: Keep = None,
) -> None:
    """Back up the database, the files and the search index; restore it into an empty database, and compare."""
    if verify is not None:
        facts = verified(verify)
        out.print("\n".join(words(facts)))
        out.print(f"{verify} is whole: every byte is as it was written on {facts['ended_at']}.")
        return
    pair = load_config(config)
    if not apply:
        out.print("\n".join(_plan(pair, untried=untried, keep=keep)))
        return
    with registered(pair.root, "backup"):
        made = make_backup(pair, say=progress.print) if untried else _tried(pair)
        old = remove_old(pair, keep) if keep else []
    out.print("\n".join(words(made.facts)))
    out.print("It was not restored, so nothing shows yet that it can be." if untried else "Restored, and equal.")
    out.print("\n".join([f"The backup is in {made.folder}", *(f"Removed {folder}" for folder in old)]))


def _tried(pair: Config) -> MadeBackup:
    restore_server(pair)  # asked before anything is dumped
    with opened(pair) as journal:
        journal.require()
        attempt = attempt_of(journal.entries())  # before: a rollback meanwhile makes it evidence of an earlier one
        made = make_backup(pair, say=progress.print)
        prove_backup(pair, made, say=progress.print, attempt=attempt)
        note_newest(pair, journal, "backup")
    return made


def _plan(pair: Config, *, untried: bool, keep: int | None) -> Iterator[str]:
    parts = "database, the files and the search index" if pair.backup.objects else "database and the search index"
    yield f"Would copy the {parts} into {place_of_backups(pair)}."
    if not untried:
        yield f"Then restore it into a new database on the server that {pair.backup.restore_url_env} names,"
        yield "compare, and drop that database."
    yield from (f"Would remove {folder}" for folder in (too_old(pair, keep, one_more=True) if keep else ()))
    try:
        with psycopg.connect(database_url(pair)) as connection:
            yield from point_in_time(connection)
            journal = is_there(connection)
    except psycopg.Error as error:
        yield f"What the server allows besides is not known: {database_trouble(error)}"
        journal = True  # not known either
    lacking = () if untried else tuple(_lacking(pair, journal=journal))
    if lacking:
        yield "Nothing was changed. With --apply it would be refused now, since the trial needs:"
        yield from (f"  {one}" for one in lacking)
        yield "Or make a backup that is not tried, and is no evidence: the same command with --apply --untried"
    else:
        yield "Nothing was changed. To do it: the same command with --apply"


def _lacking(pair: Config, *, journal: bool) -> Iterator[str]:
    variable = pair.backup.restore_url_env
    if not os.environ.get(variable):
        yield f"{variable}, which is not set; it holds the URL of {RESTORE_SERVER}"
    if not journal:
        yield "a journal, and the database has none: handover init-journal --apply"
