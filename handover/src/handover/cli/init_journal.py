"""``handover init-journal``: make the journal's role, schema and tables, or remove them; bring its key, accept it."""

from pathlib import Path
from typing import Annotated

import psycopg
import typer

from handover.cli.console import out
from handover.cli.options import DEFAULT_CONFIG, ApplyOption, BecauseOption, ConfigOption, ConfirmOption, UndoOption
from handover.config.config import Config, database_url, load_config
from handover.cutover.accept import Acceptance, accept_journal
from handover.errors import ConfigurationError, Refused
from handover.evolve.standing import require_no_evolution
from handover.journal.install import install, install_steps, must_be_as_written, uninstall
from handover.journal.journal import opened
from handover.journal.seal import said_of
from handover.journal.sharing import bring_key

KeyOption = Annotated[
    Path | None, typer.Option("--journal-key", metavar="FILE", help="A copy of the key of another machine.")
]
AcceptOption = Annotated[
    str, typer.Option("--accept", metavar="DIGEST", help="Go on with the journal as it is, once you have read it.")
]
StateOption = Annotated[str, typer.Option("--state", help="With --accept, when entries contradict each other.")]


def init_journal(
    config: ConfigOption = DEFAULT_CONFIG,
    apply: ApplyOption = False,
    undo: UndoOption = False,
    confirm: ConfirmOption = "",
    key: KeyOption = None,
    accept: AcceptOption = "",
    state: StateOption = "",
    because: BecauseOption = "",
) -> None:
    """Make the journal in the shared database: a role that cannot log in, its schema, its tables.

    Another machine gets the key of the first with --journal-key, so that it can compare the entries and add some.
    """
    pair = load_config(config)
    if key is not None:
        out.print(bring_key(pair, key))
    elif accept:
        if not because:
            raise ConfigurationError("--accept needs --because: the next one who reads the journal asks for it.")
        out.print("\n".join(accept_journal(pair, Acceptance(accept, because, state))))
    elif undo:
        _undo(pair, apply=apply, confirm=confirm)
    else:
        _make(pair, apply=apply)


def _make(pair: Config, *, apply: bool) -> None:
    with psycopg.connect(database_url(pair)) as connection:
        must_be_as_written(connection, pair)
        steps = install_steps(connection, pair)
    if not apply:
        out.print("\n".join(f"{number:3}. {step.title}" for number, step in enumerate(steps, 1)))
        out.print("Nothing was changed. To do it: handover init-journal --apply")
        return
    install(pair)
    out.print("The journal is there. Undo: handover init-journal --undo")
    with opened(pair) as journal:
        journal.connection()
        journal.of_database()
        trouble = said_of(journal.seals)
    share = "On another machine, first: a copy of .handover/key, and there handover init-journal --journal-key FILE"
    out.print(trouble or share)


def _undo(pair: Config, *, apply: bool, confirm: str) -> None:
    require_no_evolution(pair, "removing the journal")
    name = psycopg.conninfo.conninfo_to_dict(database_url(pair)).get("dbname")
    if not apply:
        out.print(f"Would remove the schema handover of {name} with every entry, and the role {pair.journal.role}.")
        out.print("Nothing was changed. To do it: handover init-journal --undo --apply")
        return
    typed = confirm or typer.prompt(f"Type the name of the database to remove its journal ({name})", err=True)
    if typed != name:
        raise Refused(f"{typed!r} is not {name!r}, the database to confirm; nothing was changed.", code="HO005")
    out.print("\n".join(uninstall(pair)))
