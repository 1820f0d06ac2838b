"""``handover evolve``: change the schema online, with both shapes side by side and a way back."""

from typing import Annotated

import typer

from handover.cli.console import out, print_json, print_whole, progress
from handover.cli.options import (
    DEFAULT_CONFIG,
    AcceptLossOption,
    ApplyOption,
    BecauseOption,
    ConfigOption,
    ConfirmOption,
    JsonOption,
    OverrideOption,
    ReviewedOption,
    SqlOption,
)
from handover.config.config import Config, load_config
from handover.errors import ConfigurationError, Refused
from handover.evolve.commands import evolve_commands
from handover.evolve.comparison import compare_rows, differing, lossy_rows, names_switched
from handover.evolve.context import open_evolve_context
from handover.evolve.evolution import Evolution, evolution_named, evolutions
from handover.evolve.gates import judge_evolve_gates
from handover.evolve.listing import SHORT, evolve_script, plan_lines
from handover.evolve.own_paths import asking_systems
from handover.evolve.plan import make_plan
from handover.evolve.position import current_evolution, evolution_position, plan_of
from handover.evolve.preflight import check_alone
from handover.evolve.recorded import require_statements
from handover.evolve.roles import check_roles
from handover.evolve.session import open_session
from handover.evolve.statement import PARTS, EvolutionPlan, Part
from handover.evolve.states import AT_REST, CONTRACT, ROLLBACK, START, SWITCH, describe, evolve_transition
from handover.evolve.status import reached
from handover.evolve.taken_rights import check_taken_rights
from handover.journal.entry import JournalEntry
from handover.journal.journal import opened
from handover.runs.command import settled_position, start_command

DIFFERENT = 4
evolve = typer.Typer(no_args_is_help=True, help="Change the schema online: both shapes side by side, with a way back.")
NameArgument = Annotated[
    str, typer.Argument(metavar="EVOLUTION", help="Its name or number; else the one whose turn it is.")
]


@evolve.command("plan")
def plan_(
    name: NameArgument = "", config: ConfigOption = DEFAULT_CONFIG, sql: SqlOption = False, as_json: JsonOption = False
) -> None:
    """Show each statement of an evolution with the lock it takes and how long it may wait; change nothing."""
    pair = load_config(config)
    made, begun = _plan(pair, name)
    if as_json:
        print_json(made.as_json())
    else:
        then = "" if begun else f"start {made.evolution}"
        _dry_run(pair, made, PARTS, then, sql=sql, begun=begun)


@evolve.command("start")
def start(
    name: NameArgument = "",
    config: ConfigOption = DEFAULT_CONFIG,
    apply: ApplyOption = False,
    sql: SqlOption = False,
    reviewed: ReviewedOption = "",
    override: OverrideOption = None,
    because: BecauseOption = "",
) -> None:
    """Build the new shape beside the old one; clients of the old shape notice nothing."""
    if override and not because:
        raise ConfigurationError("--override needs --because: it is loud, and it stands in the journal.")
    pair = load_config(config)
    evolution = _evolution(pair, name)
    if not apply:
        evolve_transition(START, evolution_position(_entries(pair), evolution.name).state, evolution.name)
        made = _new_plan(pair, evolution, reviewed)
        _dry_run(pair, made, ("start",), f"start {evolution.name}", sql=sql, begun=False)
        return
    _not_both(sql)
    with open_evolve_context(pair, START, evolution.name, say=progress.print) as context:
        context.transition(START, settled_position(context).state)
        made = _new_plan(pair, evolution, reviewed)
        facts = {"plan": made.as_json(), "overrides": dict.fromkeys(override or [], because)}
        start_command(context, asking_systems(evolve_commands(made)[START], made), facts)
        out.print(reached(context.name, context.position()))


@evolve.command("switch")
def switch(
    name: NameArgument = "", config: ConfigOption = DEFAULT_CONFIG, apply: ApplyOption = False, sql: SqlOption = False
) -> None:
    """Give the columns their new names, in one transaction, once every row was compared."""
    _perform(load_config(config), name, SWITCH, ("validate", "switch"), apply=apply, sql=sql)


@evolve.command("rollback")
def rollback(
    name: NameArgument = "",
    config: ConfigOption = DEFAULT_CONFIG,
    apply: ApplyOption = False,
    sql: SqlOption = False,
    because: BecauseOption = "",
    accept_loss: AcceptLossOption = False,
) -> None:
    """Go back to the old shape; what was written in the new one stays, converted."""
    if apply and not because:
        raise ConfigurationError("a rollback needs --because: the next one who reads the journal asks for it.")
    parts: tuple[Part, ...] = ("back", "remove")
    _perform(
        load_config(config),
        name,
        ROLLBACK,
        parts,
        apply=apply,
        sql=sql,
        because=because,
        accept_loss=because if accept_loss else "",
    )


@evolve.command("contract")
def contract(
    name: NameArgument = "",
    config: ConfigOption = DEFAULT_CONFIG,
    apply: ApplyOption = False,
    sql: SqlOption = False,
    confirm: ConfirmOption = "",
) -> None:
    """Drop the old shape, once nothing uses it any more. No command leads back from there."""
    parts: tuple[Part, ...] = ("validate", "contract")
    _perform(load_config(config), name, CONTRACT, parts, apply=apply, sql=sql, confirm=confirm)


@evolve.command("validate")
def validate(name: NameArgument = "", config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Compare every row, old with new, and name those that differ, or that a way back would lose; exit 4 for one."""
    pair = load_config(config)
    with open_evolve_context(pair, "evolve validate", _begun_name(pair, name), say=progress.print) as context:
        state = settled_position(context).state
        if state in AT_REST:
            text, _ = describe(state, context.name)
            raise Refused(
                f"{context.name} is in the state {state}: {text}. There are no two shapes to compare.", code="HO505"
            )
        switched = names_switched(context)
        found = compare_rows(context, switched=switched)
        if state != "contracting":
            lossy = lossy_rows(context, switched=switched)
            found |= {f"{step}, way back": evidence for step, evidence in lossy.items() if differing({step: evidence})}
        context.add("validated", {"found": found})
    number = differing(found)
    if as_json:
        print_json(found)
    else:
        for step, evidence in found.items():
            out.print(f"{step}: {evidence['rows']} rows, {evidence['differing_count']} differ")
            out.print("\n".join(f"  {row}" for row in evidence["differing"]))
    if number:
        raise typer.Exit(DIFFERENT)


def _perform(
    pair: Config, name: str, command: str, parts: tuple[Part, ...], *, apply: bool, sql: bool, **facts: str
) -> None:
    evolution = _begun_name(pair, name)
    if not apply:
        made = plan_of(_stored_entries(pair), evolution)
        _dry_run(pair, made, parts, f"{command.removeprefix('evolve ')} {evolution}", sql=sql, begun=True)
        return
    _not_both(sql)
    with open_evolve_context(pair, command, evolution, say=progress.print) as context:
        context.transition(command, settled_position(context).state)
        if command == CONTRACT:
            _confirm(evolution, facts["confirm"])
        made = context.plan
        start_command(context, asking_systems(evolve_commands(made)[command], made), facts)
        out.print(reached(context.name, context.position()))


def _confirm(name: str, typed: str) -> None:
    typed = typed or typer.prompt(f"Nothing leads back. Type the evolution's name to contract it ({name})", err=True)
    if typed != name:
        raise Refused(f"{typed!r} is not {name!r}, the evolution to confirm; nothing was changed.", code="HO005")


def _not_both(sql: bool) -> None:  # noqa: FBT001 - of this module alone
    if sql:
        raise ConfigurationError("--sql prints and --apply does; use one of them.")


def _dry_run(pair: Config, made: EvolutionPlan, parts: tuple[Part, ...], again: str, *, sql: bool, begun: bool) -> None:
    """Show parts of a plan, and what stands against a start; ``again`` is what would do it, empty when it has begun."""
    if sql:
        print_whole(evolve_script(made, parts, pair.evolve), end="")
        return
    out.print("\n".join(plan_lines(made, parts)))
    if not begun:
        _say_what_refuses(pair, made)
    then = f"To do it: handover evolve {again} --apply" if again else "It has begun; see: handover status"
    out.print(f"Nothing was changed. Every statement: add --sql. {then}")


def _say_what_refuses(pair: Config, made: EvolutionPlan) -> None:
    """Print what stands against a start at this moment, besides the plan: the roles, the journal and the gates."""
    try:
        if made.two_shapes:
            with open_session(pair) as connection:
                check_roles(connection, pair.evolve, made.tables)
                check_taken_rights(connection, made)
        out.print("\n".join(require_statements(pair, made)))
        with opened(pair) as journal:
            red = [one for one in judge_evolve_gates(pair, journal, {}) if not one.open]
    except Refused as refused:
        out.print(f"A start is refused now: {refused}")
        return
    for one in red:
        out.print(f"A start is refused now, without --override {one.gate}: {one.result.found}")


def _new_plan(pair: Config, evolution: Evolution, reviewed: str) -> EvolutionPlan:
    """Return the plan on the database as it is now.

    Raises
    ------
    Refused
        Another plan was reviewed, or the evolution cannot be done.
    """
    check_alone(_entries(pair), evolution.name)
    with open_session(pair, autocommit=True) as connection:
        made = make_plan(connection, pair, evolution)
    if reviewed and (len(reviewed) < SHORT or not made.checksum.startswith(reviewed)):
        message = f"plan {reviewed} was reviewed, and the plan is {made.checksum[:SHORT]} now. Nothing was changed."
        raise Refused(f"{message} Review again: handover evolve plan {evolution.name}", code="HO651")
    return made


def _plan(pair: Config, name: str) -> tuple[EvolutionPlan, bool]:
    """Return the plan of an evolution, and whether it is the one of an evolution that has begun."""
    evolution = _evolution(pair, name)
    entries = _entries(pair)
    if evolution_position(entries, evolution.name).state in ("none", "rolled_back"):
        return _new_plan(pair, evolution, ""), False
    return plan_of(entries, evolution.name), True


def _entries(pair: Config) -> list[JournalEntry]:
    try:
        return _stored_entries(pair)
    except Refused:  # a plan needs no journal
        return []


def _stored_entries(pair: Config) -> list[JournalEntry]:
    """Return the journal's entries; an evolution needs the database, so the copy alone is not asked.

    Raises
    ------
    JournalError
        The database does not answer.
    Refused
        It has no journal.
    """
    with opened(pair) as journal:
        journal.connection()
        return journal.entries()


def _evolution(pair: Config, name: str) -> Evolution:
    """Return the evolution that is meant: by its name, or the first that has not come to its end."""
    if name:
        return evolution_named(pair, name)
    entries, found = _entries(pair), evolutions(pair)
    for evolution in found:
        if evolution_position(entries, evolution.name).state != "contracted":
            return evolution
    folder = pair.root / pair.evolve.folder
    raise ConfigurationError(f"{folder} has no evolution that is left to do. Write one: NNNN_name.toml")


def _begun_name(pair: Config, name: str) -> str:
    """Return the name of the evolution that is meant, one that has begun: its file is not needed any more."""
    entries = _stored_entries(pair)
    if name:
        known = evolution_named(pair, name).name if len(name) == 4 else name  # noqa: PLR2004 - a number
        plan_of(entries, known)
        return known
    current = current_evolution(entries)
    if current is None:
        raise Refused("no evolution is under way. Start one: handover evolve start", code="HO640")
    return current.name
