"""What the sessions of each system find first: asked of the systems themselves before the start, switch and resume.

A role's setting is not all: the options of a session beat it. A system whose own options lead past the views of its
shape would meet the new names at the switch.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from handover.check.run import read_systems
from handover.check.systems import SystemAnswer, asking
from handover.config.config import Config, database_url
from handover.config.evolve import EvolveSettings
from handover.cutover.position import position_of
from handover.errors import HandoverError, Refused
from handover.evolve.context import EvolveContext
from handover.evolve.paths import views_first
from handover.evolve.statement import EvolutionPlan
from handover.evolve.states import START, SWITCH
from handover.finding import Finding
from handover.runs.command import Command, Evidence
from handover.schema.catalog import name_parts, snapshot
from handover.schema.subject import DescribedSystem, own_search_path
from handover.side import Side

PAST_THE_VIEWS = "HO671"
# After these a system that leads past the views would meet the new names.
ASKED: tuple[str, ...] = (START, SWITCH)


def asking_systems(command: Command[EvolveContext], plan: EvolutionPlan) -> Command[EvolveContext]:
    """Return a command that asks the systems as well before it begins, where they matter to it.

    Parameters
    ----------
    command, plan
        The command, and the evolution's plan.
    """
    if command.name not in ASKED:
        return command

    def preflight(context: EvolveContext) -> Evidence:
        found = command.preflight(context)
        _ask(context, plan)
        return found

    return replace(command, preflight=preflight)


def ask_systems_again(context: EvolveContext) -> None:
    """Ask the systems before an interrupted command goes on: one may have been started with another path since.

    Raises
    ------
    Refused
        As of :func:`require_own_paths`.
    """
    run = context.position().run
    if run is not None and run.command in ASKED:
        _ask(context, context.plan)


def _ask(context: EvolveContext, plan: EvolutionPlan) -> None:
    if plan.two_shapes:
        # An original whose clean-up is over is gone.
        gone = position_of(context.journal.entries()).state == "cleaned"
        require_own_paths(context.config, (Side.BACKEND,) if gone else tuple(Side), plan)


def require_own_paths(config: Config, sides: tuple[Side, ...], plan: EvolutionPlan) -> None:
    """Raise unless the sessions of each system find the views of a shape before the tables.

    Parameters
    ----------
    config
        The pair.
    sides
        The systems that may still work.
    plan
        The plan: it knows the tables that get views.

    Raises
    ------
    Refused
        A system leads past the views, or cannot be asked.
    """
    try:
        # Not what a check gathers: the systems may expect different shapes by now, and that is right.
        with asking(config, sides) as answers, snapshot(database_url(config)) as connection:
            _, asked, systems = read_systems(connection, answers)
        findings = list(path_findings(systems, config.evolve, plan))
        findings += [_silent(answer) for answer in asked if answer.description is None]
    except Refused:
        raise
    except HandoverError as error:
        message = f"it is not known which tables the sessions of both systems find first: {error}"
        raise Refused(f"{message} Mend that, then try again. Nothing was changed now.", code=PAST_THE_VIEWS) from error
    if findings:
        summary = "a system would meet the new shape without expecting it; nothing was changed now."
        raise Refused(summary, tuple(findings), code=PAST_THE_VIEWS)


def path_findings(
    systems: Sequence[DescribedSystem], settings: EvolveSettings, plan: EvolutionPlan
) -> Iterator[Finding]:
    """Yield a finding for each described system whose sessions lead past the views.

    Parameters
    ----------
    systems
        As they describe themselves.
    settings, plan
        The section ``[evolve]``, and the evolution's plan.
    """
    expected = "its sessions must find the views of the shape that it expects before the tables"
    for system in systems:
        if found := _wrong(system, settings, plan.schemas):
            what, todo = found
            yield _finding(f"the {system.side}", what, expected, todo)
        for model, table in _named_with_schema(system, plan.tables):
            what = f"names the schema of its table itself: db_table of {model} is {table}"
            yield _finding(f"the {system.side}", what, expected, "Leave the schema out there: its search path has it.")


def _named_with_schema(system: DescribedSystem, tables: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the models whose statements get round the views, with their tables."""
    for model in system.description.here():
        table = ".".join(name_parts(model.table))
        if table in tables:
            yield model.path, table


def _wrong(system: DescribedSystem, settings: EvolveSettings, tables: Sequence[str]) -> tuple[str, str] | None:
    role, own = system.description.settings.database.role, own_search_path(system.description)
    views = [settings.old_schema, settings.new_schema]
    before = " and ".join(sorted({settings.shared_schema, *tables}))
    if role in settings.old_roles and own is not None and not views_first(own, views[:1], tables):
        return (
            f"sets search_path = {', '.join(own)} in its own options, which beats the setting of the old role {role}",
            f"Put {settings.old_schema} before {before} in its own path (it is skipped while it is not"
            f" there), restart it, and name {role} in carrying_roles instead.",
        )
    if role in settings.carrying_roles and not views_first(system.search_path, views, tables):
        return (
            f"has the search path {', '.join(system.search_path)}, and its role {role} is one of carrying_roles",
            f"Put {settings.old_schema} before {before} in its own path (it is skipped while it is not"
            " there), and restart it; or name the role in old_roles.",
        )
    if role in settings.other_roles:
        return (
            f"connects as {role}, which is one of other_roles: roles that are no clients",
            "Name the role in old_roles or in carrying_roles.",
        )
    return None


def _silent(answer: SystemAnswer) -> Finding:
    what = answer.finding.found if answer.finding else "did not describe itself"
    return _finding(f"the {answer.name}", what, "its search path is not known", "Mend that, then try again.")


def _finding(where: str, found: str, expected: str, todo: str) -> Finding:
    return Finding(
        code=PAST_THE_VIEWS, where=where, found=found, expected=expected, todo=todo, severity="breaking", hurts="both"
    )
