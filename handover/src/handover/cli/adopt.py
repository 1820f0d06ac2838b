"""``handover adopt``: adopt the backend into a live database, and undo that."""

from functools import partial
from hashlib import sha256
from itertools import groupby
from operator import attrgetter
from typing import Annotated

import psycopg
import typer

from handover.adoption.adopt import (
    AdoptionPlan,
    adopt_backend,
    adoption_state,
    asking_backend,
    check_resolution,
    plan_adoption,
    read_record,
    undo_adoption,
)
from handover.adoption.folded import SCHEMA
from handover.adoption.run import psql_script, run_transactions, told_of_waits
from handover.adoption.statements import Transaction
from handover.adoption.undo import undo_losses, undo_transaction
from handover.cli.console import out, print_whole, progress
from handover.cli.options import (
    DEFAULT_CONFIG,
    ApplyOption,
    ConfigOption,
    ConfirmOption,
    ReviewedOption,
    SqlOption,
    UndoOption,
)
from handover.config.config import Config, database_url, from_environment, load_config
from handover.cutover import finish
from handover.errors import ConfigurationError, Refused
from handover.evolve.standing import require_former_shape, require_no_evolution
from handover.wording import counted

SHORT = 12


def adopt(
    config: ConfigOption = DEFAULT_CONFIG,
    sql: SqlOption = False,
    apply: ApplyOption = False,
    undo: UndoOption = False,
    finish: Annotated[bool, typer.Option("--finish", help="Retire the tables that only the original needs.")] = False,
    confirm: ConfirmOption = "",
    reviewed: ReviewedOption = "",
    attempts: Annotated[int, typer.Option(min=1, help="How often to try for a lock of 2 seconds.")] = 5,
) -> None:
    """Adopt the backend into the original's live database: a role, a schema and a migration history of its own.

    Shows what would be done; --apply does it, and undoes everything after an error. When the original is gone, --finish
    moves the tables that only it needed to the schema retired, and revokes its role's rights; --finish --undo restores
    both.
    """
    if sql and apply:
        raise ConfigurationError("--sql prints and --apply does; use one of them.")
    pair = load_config(config)
    url = database_url(pair)
    if finish:
        _finish(url, pair, sql=sql, apply=apply, undo=undo, attempts=attempts, reviewed=reviewed)
    elif undo:
        _undo(url, pair, sql=sql, apply=apply, confirm=confirm, attempts=attempts, reviewed=reviewed)
    else:
        _adopt(url, pair, sql=sql, apply=apply, attempts=attempts, reviewed=reviewed)


def _adopt(url: str, pair: Config, *, sql: bool, apply: bool, attempts: int, reviewed: str) -> None:
    state = adoption_state(url, pair)
    if state == "complete":
        later = f"Later migrations: manage.py migrate, as {pair.backend.role}."
        out.print(f"{_name(url)} is adopted already; nothing to do. {later}")
        return
    if state == "interrupted":
        summary = f"an adoption of {_name(url)} was interrupted, and its first steps are still there."
        raise Refused(f"{summary} Remove them, then adopt again: handover adopt --undo --apply", code="HO031")
    if apply:
        if reviewed:
            _check_reviewed(_planned(url, pair).transactions, reviewed, "handover adopt")
        password = from_environment(pair.backend.password_env, f"the password that the role {pair.backend.role} gets")
        with asking_backend(pair) as asked:
            planned = adopt_backend(url, pair, asked, password, attempts=attempts, say=progress.print)
        done = f"{_name(url)} is adopted: {pair.backend.role} has its own schema {pair.backend.schema_name}."
        out.print(f"{done} Undo: handover adopt --undo")
        _later(planned)
        return
    planned = _planned(url, pair)
    if reviewed:
        _check_reviewed(planned.transactions, reviewed, "handover adopt")
    heading, again = f"Adopt {pair.backend.role} into {_name(url)}", "handover adopt --apply"
    _show(planned.transactions, heading, sql=sql, again=again, notes=planned.notes)


def _planned(url: str, pair: Config) -> AdoptionPlan:
    """Return the plan without a password, as it is shown and reviewed."""
    with asking_backend(pair) as asked, psycopg.connect(url) as connection:
        connection.read_only = True
        with told_of_waits(url, connection, progress.print):
            return plan_adoption(connection, pair, asked, None)


def _checksum(transactions: tuple[Transaction, ...]) -> str:
    """Return the SHA-256 of every statement, in hexadecimal: it names the plan that was reviewed."""
    return sha256(psql_script(transactions, heading="").encode()).hexdigest()


def _check_reviewed(transactions: tuple[Transaction, ...], reviewed: str, again: str) -> None:
    checksum = _checksum(transactions)
    if len(reviewed) < SHORT or not checksum.startswith(reviewed):
        message = f"plan {reviewed} was reviewed, and the plan is {checksum[:SHORT]} now. Nothing was changed."
        raise Refused(f"{message} Review every statement again: {again} --sql", code="HO038")


def _later(planned: AdoptionPlan) -> None:
    for app, name in planned.history.later:
        out.print(f"Left for later: manage.py migrate {app} {name}, in the backend")


def _undo(url: str, pair: Config, *, sql: bool, apply: bool, confirm: str, attempts: int, reviewed: str) -> None:
    require_former_shape(pair, "undoing the adoption")
    with psycopg.connect(url) as connection:
        connection.read_only = True
        record = read_record(connection, pair)
        transaction = undo_transaction(connection, pair, record)
        losses = undo_losses(connection, pair, record) or ("nothing; its tables are empty",)
    if reviewed:
        _check_reviewed((transaction,), reviewed, "handover adopt --undo")
    if not apply:
        _show((transaction,), f"Undo the adoption of {_name(url)}", sql=sql, again="handover adopt --undo --apply")
    if not sql:
        out.print("\n".join(["The undo destroys this data for good:", *(f"  {line}" for line in losses)]))
    if apply:
        _confirm(_name(url), confirm)
        progress.print("Removing, step by step:")
        undo_adoption(url, pair, attempts=attempts, say=progress.print)
        out.print(f"{_name(url)} is as it was before the adoption; adopt again: handover adopt --apply")


def _finish(url: str, pair: Config, *, sql: bool, apply: bool, undo: bool, attempts: int, reviewed: str) -> None:
    require_no_evolution(pair, "bringing back tables" if undo else "retiring tables")
    transaction, kept = _unfinish_plan(url) if undo else _finish_plan(url, pair)
    what = "Bring back the original's tables in" if undo else "Retire the tables that only the original needs in"
    again = f"handover adopt --finish {'--undo ' if undo else ''}--apply"
    if reviewed:
        _check_reviewed((transaction,), reviewed, again.removesuffix(" --apply"))
    if not apply:
        _show((transaction,), f"{what} {_name(url)}", sql=sql, again=again)
    if kept and not sql:
        out.print("\n".join(["Stays as it is:", *(f"  {line}" for line in kept)]))
    if not apply:
        return
    verify = (lambda _: None) if undo else partial(check_resolution, config=pair)
    with finish.written_down(pair, "unfold" if undo else "fold away"):
        run_transactions(url, (transaction,), verify=verify, attempts=attempts, say=progress.print)
    if undo:
        out.print(f"{_name(url)} has the original's tables again; to retire them: handover adopt --finish --apply")
    else:
        where = f"{_name(url)} keeps the tables in the schema {SCHEMA}"
        out.print(f"{where}; nothing was dropped. Undo: handover adopt --finish --undo --apply")


def _finish_plan(url: str, pair: Config) -> tuple[Transaction, tuple[str, ...]]:
    finish.require_cleaned(pair)
    if adoption_state(url, pair) != "complete":
        raise Refused(
            f"{_name(url)} is not adopted, so the owner of each table is not known. Nothing was changed.", code="HO034"
        )
    gone = finish.archived_original(pair)
    with asking_backend(pair) as asked, psycopg.connect(url) as connection:
        connection.read_only = True
        found = finish.survey(connection, pair, gone, asked.description)
    return finish.finish_transaction(found), found.kept


def _unfinish_plan(url: str) -> tuple[Transaction, tuple[str, ...]]:
    with psycopg.connect(url) as connection:
        connection.read_only = True
        return finish.undo_transaction(connection), ()


def _confirm(database: str, typed: str) -> None:
    if not typed:
        typed = typer.prompt(f"Type the name of the database to remove the backend from it ({database})", err=True)
    if typed != database:
        raise Refused(
            f"{typed!r} is not {database!r}, the database to confirm; nothing was changed.",
            code="HO005",
        )


def _show(
    transactions: tuple[Transaction, ...], heading: str, *, sql: bool, again: str, notes: tuple[str, ...] = ()
) -> None:
    if sql:
        print_whole(psql_script(transactions, heading=heading, notes=notes), end="")
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
    out.print(f"Only if it is still this plan: add --reviewed {_checksum(transactions)[:SHORT]}")


def _name(url: str) -> str:
    return str(psycopg.conninfo.conninfo_to_dict(url).get("dbname", "the database"))
