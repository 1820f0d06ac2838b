"""What must hold before an evolution starts, and before it switches."""

from collections.abc import Iterator, Sequence
from typing import Any

from handover.cutover.position import position_of
from handover.errors import Refused
from handover.evolve.context import EvolveContext
from handover.evolve.evolution import FILE_NAME
from handover.evolve.gates import RED_EVOLVE_GATES, judge_evolve_gates
from handover.evolve.guard import check_plan
from handover.evolve.kept_settings import check_kept_settings, kept_settings
from handover.evolve.paths import RolePath, read_paths
from handover.evolve.position import current_evolution, evolution_position, start_entry
from handover.evolve.recorded import require_statements
from handover.evolve.roles import check_roles
from handover.evolve.session import open_session
from handover.evolve.sessions import ClientSession, pathless_clients, sessions_of
from handover.evolve.taken_rights import check_taken_rights
from handover.journal.entry import JournalEntry
from handover.runs.command import Evidence
from handover.wording import counted

ANOTHER, FROM_BEFORE = "HO649", "HO643"


def start_preflight(context: EvolveContext) -> Evidence:
    """The plan is safe to run, no other evolution is under way, every role is known, and the gates are open.

    Raises
    ------
    Refused
        One of these does not hold. Nothing was changed.
    """
    plan = context.plan
    check_plan(plan)
    check_turn(context)
    if plan.two_shapes:
        with open_session(context.config) as connection:
            check_roles(connection, context.config.evolve, plan.tables)
            check_taken_rights(connection, plan)
    looked = require_statements(context.config, plan)
    for line in looked:
        context.say(line)
    kept = kept_settings(context.config.evolve)
    return {"plan": plan.checksum, "settings": kept, "statements": looked, "gates": require_gates(context)}


def check_turn(context: EvolveContext) -> None:
    """Raise unless it is this evolution's turn.

    Raises
    ------
    Refused
        Another one is under way, a command of the move is, or one with a lower number is not contracted.
    """
    entries = context.journal.entries()
    check_alone(entries, context.name)
    move = position_of(entries).run
    if move is not None:
        message = f"`{move.command}` of the move is under way. Nothing was changed."
        raise Refused(f"{message} First: handover resume", code=ANOTHER)
    folder = context.config.root / context.config.evolve.folder
    names = sorted(path.stem for path in folder.glob("*.toml") if FILE_NAME.fullmatch(path.stem))
    for name in (one for one in names if one[:4] < context.name[:4]):
        state = evolution_position(entries, name).state
        if state != "contracted":
            message = f"{name} comes before {context.name}, and its state is {state}. Nothing was changed."
            raise Refused(f"{message} Bring it to its end first, or remove its file if it is given up.", code=ANOTHER)


def check_alone(entries: Sequence[JournalEntry], name: str) -> None:
    """Raise when another evolution than the named one is under way.

    A plan is made after this: what the other one has built would only seem to stand against it.

    Raises
    ------
    Refused
        Another one is.
    """
    current = current_evolution(entries)
    if current and current.name != name:
        message = f"{current.name} is under way: its state is {current.position.state}. One evolution at a time."
        raise Refused(f"{message} Contract it or roll it back first: handover status", code=ANOTHER)


def require_gates(context: EvolveContext) -> list[dict[str, Any]]:
    """Return what every gate found.

    Raises
    ------
    Refused
        A gate is red and not overridden, or one is overridden without views for old clients.
    """
    overrides = dict(context.facts.get("overrides", {}))
    judged = judge_evolve_gates(context.config, context.journal, overrides)
    used = [one for one in judged if one.because and not one.result.ok]
    for one in used:
        context.say(f"OVERRIDDEN  gate {one.gate} is red: {one.result.found} -- because: {one.because}")
    context.add("gates", {"gates": [one.as_json() for one in judged]})
    red = tuple(one.finding() for one in judged if not one.open)
    if red:
        raise Refused(f"{len(red)} of {len(judged)} gates are red; nothing was changed.", red, code=RED_EVOLVE_GATES)
    settings = context.config.evolve
    if used and context.plan.two_shapes and not (settings.old_roles or settings.carrying_roles):
        message = "an override needs views of the old shape, and [evolve] names no role that gets them."
        raise Refused(f"{message} Name the roles of old clients: old_roles or carrying_roles.", code=RED_EVOLVE_GATES)
    return [one.as_json() for one in judged]


def switch_preflight(context: EvolveContext) -> Evidence:
    """The settings are those of the start, and no session of an old role can meet the new names.

    Raises
    ------
    Refused
        A session would meet the new names.
    """
    check_kept_settings(context)
    settings, found = context.config.evolve, list(recycled(context))
    with open_session(context.config) as connection:
        if context.plan.two_shapes and settings.old_roles:
            _check_paths(read_paths(connection, settings.old_roles, context.plan.schemas), settings.old_schema)
        if context.plan.two_shapes:
            _check_carried(pathless_clients(connection, settings))
        for evidence in found:
            left = sessions_of(connection, evidence["roles"], evidence["since"])
            if left:
                message = f"{counted(len(left), 'session')} would meet the new names: {left[0]}. Nothing was changed."
                raise Refused(f"{message} End them, then switch.", code=FROM_BEFORE)
    return {"recycled": [{"roles": one["roles"], "since": one["since"]} for one in found]}


def _check_carried(pathless: Sequence[ClientSession]) -> None:
    if pathless:
        message = (
            f"{counted(len(pathless), 'session')} of carrying roles may not set the search path, and would meet the"
        )
        todo = "Nothing was changed. Restart that system in a version that sets it, then switch."
        raise Refused(f"{message} new names: {pathless[0]}. {todo}", code=FROM_BEFORE)


def _check_paths(paths: Sequence[RolePath], schema: str) -> None:
    for path in paths:
        if not path.leads_to(schema):
            message = (
                f"the search path of {path.role} does not lead to {schema}, but to the table. Nothing was changed."
            )
            raise Refused(f"{message} {path.set_statement(schema)}; end its sessions, then switch.", code=FROM_BEFORE)


def recycled(context: EvolveContext) -> Iterator[dict[str, Any]]:
    """Yield what each recycling of sessions noted in the newest start: ``roles`` and ``since``."""
    entries = context.journal.entries()
    run = start_entry(entries, context.name).body["run"]
    for entry in entries:
        if entry.kind == "action" and entry.body["run"] == run and entry.body["phase"] == "done":
            evidence = entry.body["evidence"]
            if {"roles", "since"} <= evidence.keys():
                yield evidence
