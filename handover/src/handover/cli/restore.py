"""``handover restore``: a backup goes into an empty place."""

from pathlib import Path
from typing import Annotated

import typer
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from handover.backup.restore import EmptyPlace, plan_restore, restore_backup
from handover.cli.console import out, progress
from handover.cli.options import DEFAULT_CONFIG, ApplyOption, ConfigOption, ConfirmOption
from handover.config.config import from_environment, load_config
from handover.errors import ConfigurationError, Refused
from handover.journal.processes import registered

Backup = Annotated[Path, typer.Argument(help="The folder of a backup.")]
Into = Annotated[str, typer.Option(metavar="URL_ENV", help="Environment variable with the empty database's URL.")]
Media = Annotated[Path | None, typer.Option(metavar="FOLDER", help="Empty folder for the files of the storage.")]
Folder = Annotated[
    list[str] | None, typer.Option(metavar="SETTING=FOLDER", help="Empty folder for the files of another place.")
]
IndexUrl = Annotated[str, typer.Option("--index", metavar="URL_ENV", help="Variable with the search server's URL.")]
Without = Annotated[list[str] | None, typer.Option(metavar="PART", help="Leave out: files, index, or a SETTING.")]


def restore(
    backup: Backup,
    into: Into,
    media: Media = None,
    folder: Folder = None,
    index: IndexUrl = "",
    without: Without = None,
    config: ConfigOption = DEFAULT_CONFIG,
    apply: ApplyOption = False,
    confirm: ConfirmOption = "",
) -> None:
    """Restore a backup into an empty database and empty folders, then compare all of it."""
    pair = load_config(config)
    url = _database(into)
    place = EmptyPlace(
        url=url,
        variable=into,
        folders={**({"": media} if media else {}), **dict(map(_folder, folder or ()))},
        index_url=from_environment(index, "the URL of the search server to fill") if index else None,
        without=frozenset(without or ()),
    )
    plan = plan_restore(pair, backup, place)
    if not apply:
        out.print("\n".join(plan.words(place)))
        out.print("The backup is whole. Nothing was changed. To do it: the same command with --apply")
        return
    name = str(conninfo_to_dict(url)["dbname"])
    typed = confirm or typer.prompt(f"Type the name of the database to restore into ({name})", err=True)
    if typed != name:
        raise Refused(f"{typed!r} is not {name!r}, the database to confirm; nothing was changed.", code="HO005")
    with registered(pair.root, "restore"):
        done = restore_backup(pair, backup, place, plan, say=progress.print)
    counts = f"{done['tables']} tables, {done['rows']} rows, {done['files']} files, {done['documents']} documents"
    out.print(f"{counts}: restored, and equal.")
    if not done["structure_compared"]:
        out.print("The structure was not compared: another version of PostgreSQL writes it in other words. Rows were.")
    without_password = [role for role in plan.missing if role != pair.backend.role]
    if without_password:
        out.print(f"Made without a password: {', '.join(without_password)}. Give each one: ALTER ROLE … PASSWORD …")


def _database(variable: str) -> str:
    url = from_environment(variable, "the URL of the empty database, as a role that may make roles and tables there")
    try:
        named = conninfo_to_dict(url).get("dbname")
    except ProgrammingError:
        named = None
    if not named:
        raise ConfigurationError(f"{variable} holds no database URL. Correct it and run again.")
    return url


def _folder(text: str) -> tuple[str, Path]:
    setting, _, folder = text.partition("=")
    if not setting or not folder:
        raise ConfigurationError(f"--folder {text} is not SETTING=FOLDER. Correct it and run again.")
    return setting, Path(folder)
