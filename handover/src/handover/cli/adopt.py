"""``handover adopt``: the backend into a live database, and out again."""

from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Annotated

import psycopg
import typer

from handover.adoption import adopt as adoption
from handover.adoption import undo as undoing
from handover.adoption.folded import SCHEMA
from handover.adoption.run import execute, script
from handover.adoption.statements import Transaction
from handover.cli.console import out, progress
from handover.cli.options import DEFAULT_CONFIG, ApplyOption, ConfigOption, ConfirmOption, UndoOption
from handover.config.config import Config, database_url, from_environment, load_config
from handover.cutover import finish
from handover.errors import ConfigurationError, Refused
from handover.wording import counted


def adopt(
    config: ConfigOption = DEFAULT_CONFIG,
    sql: Annotated[bool, typer.Option("--sql", help="Print every statement for review, for psql.")] = False,
    apply: ApplyOption = False,
    undo: UndoOption = False,
    finish: Annotated[bool, typer.Option("--finish", help="Fold away what only the original needed.")] = False,
    confirm: ConfirmOption = "",
    attempts: Annotated[int, typer.Option(min=1, help="How often to try for a lock of 2 seconds.")] = 5,
) -> None:
    """Take the backend into the live database of the original: its own role, schema and history.

    Shows what would be done; --apply does it, or takes back what it began. When the original is gone, --finish moves
    the tables that only it needed to the schema retired and takes its role's rights; --finish --undo brings them back.
    """
    if sql and apply:
        raise ConfigurationError("--sql prints and --apply does; use one of them.")
    pair = load_config(config)
    url = database_url(pair)
    if finish:
        _finish(url, pair, sql=sql, apply=apply, undo=undo, attempts=attempts)
    elif undo:
        _undo(url, pair, sql=sql, apply=apply, confirm=confirm, attempts=attempts)
    else:
        _adopt(url, pair, sql=sql, apply=apply, attempts=attempts)


def _adopt(url: str, pair: Config, *, sql: bool, apply: bool, attempts: int) -> None:
    state = adoption.state(url, pair)
    if state == "complete":
        later = f"Later migrations: manage.py migrate, as {pair.backend.role}."
        out.print(f"{_name(url)} is adopted already; nothing to do. {later}")
        return
    if state == "interrupted":
        summary = f"an adoption of {_name(url)} was interrupted, and its beginnings are still there."
        raise Refused(f"{summary} Remove them, then adopt again: handover adopt --undo --apply", code="HO031")
    if apply:
        password = from_environment(pair.backend.password_env, f"the password that the role {pair.backend.role} gets")
        with adoption.asking(pair) as asked:
            planned = adoption.adopt(url, pair, asked, password, attempts=attempts, say=progress.print)
        done = f"{_name(url)} is adopted: {pair.backend.role} has its own schema {pair.backend.schema_name}."
        out.print(f"{done} Undo: handover adopt --undo")
        _later(planned)
        return
    with adoption.asking(pair) as asked, psycopg.connect(url) as connection:
        connection.read_only = True
        planned = adoption.plan(connection, pair, asked, None)
    heading, again = f"Adopt {pair.backend.role} into {_name(url)}", "handover adopt --apply"
    _show(planned.transactions, heading, sql=sql, again=again, notes=planned.notes)


def _later(planned: adoption.AdoptionPlan) -> None:
    for app, name in planned.history.later:
        out.print(f"Left for later: manage.py migrate {app} {name}, in the backend")


def _undo(url: str, pair: Config, *, sql: bool, apply: bool, confirm: str, attempts: int) -> None:
    with psycopg.connect(url) as connection:
        connection.read_only = True
        record = adoption.read_record(connection, pair)
        transaction = undoing.plan(connection, pair, record)
        losses = undoing.losses(connection, pair, record) or ("nothing; its tables are empty",)
    if not apply:
        _show((transaction,), f"Undo the adoption of {_name(url)}", sql=sql, again="handover adopt --undo --apply")
    if not sql:
        out.print("\n".join(["Lost for good:", *(f"  {line}" for line in losses)]))
    if apply:
        _confirm(_name(url), confirm)
        adoption.undo(url, pair, attempts=attempts, say=progress.print)
        out.print(f"{_name(url)} is as it was before the adoption; adopt again: handover adopt --apply")


def _finish(url: str, pair: Config, *, sql: bool, apply: bool, undo: bool, attempts: int) -> None:
    transaction, kept = _unfolding(url) if undo else _folding(url, pair)
    what = "Unfold what only the original needed in" if undo else "Fold away what only the original needed in"
    again = f"handover adopt --finish {'--undo ' if undo else ''}--apply"
    if not apply:
        _show((transaction,), f"{what} {_name(url)}", sql=sql, again=again)
    if kept and not sql:
        out.print("\n".join(["Stays as it is:", *(f"  {line}" for line in kept)]))
    if not apply:
        return
    verify = (lambda _: None) if undo else partial(adoption.check_resolution, config=pair)
    with finish.written_down(pair, "unfold" if undo else "fold away"):
        execute(url, (transaction,), verify=verify, attempts=attempts, say=progress.print)
    if undo:
        out.print(f"{_name(url)} has it again; fold it away: handover adopt --finish --apply")
    else:
        where = f"{_name(url)} keeps it in the schema {SCHEMA}"
        out.print(f"{where}; nothing was dropped. Undo: handover adopt --finish --undo --apply")


def _folding(url: str, pair: Config) -> tuple[Transaction, tuple[str, ...]]:
    finish.require_cleaned(pair)
    if adoption.state(url, pair) != "complete":
        raise Refused(
            f"{_name(url)} is not adopted, so nothing tells whose is what. Nothing was changed.", code="HO034"
        )
    gone = finish.archived_original(pair)
    with adoption.asking(pair) as asked, psycopg.connect(url) as connection:
        connection.read_only = True
        found = finish.survey(connection, pair, gone, asked.description)
    return finish.finish_transaction(found), found.kept


def _unfolding(url: str) -> tuple[Transaction, tuple[str, ...]]:
    with psycopg.connect(url) as connection:
        connection.read_only = True
        return finish.undo_transaction(connection), ()


def _confirm(database: str, typed: str) -> None:
    if not typed:
        typed = typer.prompt(f"Type the name of the database to remove the backend from it ({database})", err=True)
    if typed != database:
        raise Refused(
            f"{typed!r} is not {database!r}, the database that was to be confirmed; nothing was changed.",
            code="HO005",
        )


def _show(
    transactions: tuple[Transaction, ...], heading: str, *, sql: bool, again: str, notes: tuple[str, ...] = ()
) -> None:
    if sql:
        print(script(transactions, heading=heading, notes=notes), end="")  # noqa: T201 - a script must not be wrapped
        return
    out.print(heading)
    steps = (step for transaction in transactions for step in transaction)
    for number, (title, same) in enumerate(groupby(steps, key=attrgetter("title")), 1):
        alike = list(same)
        size = "no SQL" if alike[0].code else counted(sum(len(step.statements) for step in alike), "statement")
        out.print(f"{number:3}. {title} ({size})")
    if notes:
        out.print("\n".join(["Of these:", *(f"  {note}" for note in notes)]))
    out.print(f"Nothing was changed. Every statement: add --sql. To do it: {again}")


def _name(url: str) -> str:
    return str(psycopg.conninfo.conninfo_to_dict(url).get("dbname", "the database"))
