"""What is seen before something is removed for good, and that nothing is left afterwards."""

from handover.errors import Refused
from handover.evolve.context import EvolveContext
from handover.evolve.counting import changed_sequences
from handover.evolve.dependents import dependents
from handover.evolve.old_users import check_unused
from handover.evolve.position import start_entry
from handover.evolve.remains import remains
from handover.evolve.session import open_session
from handover.evolve.sessions import new_clients
from handover.evolve.shapes import changed_shapes, table_shapes
from handover.finding import Finding
from handover.runs.command import Evidence
from handover.schema.evolved import KEPT_SUFFIX, SHADOW_SUFFIX
from handover.wording import counted

CONNECTED, LEFTOVERS, DEPENDENTS = "HO648", "HO650", "HO654"


def note_shape(context: EvolveContext) -> Evidence:
    """Note the shape of every table before anything is changed."""
    return {"shapes": table_shapes(context.config, context.plan.tables)}


def no_new_client(context: EvolveContext) -> Evidence:
    """See that no session expects the new shape, before it is removed.

    Raises
    ------
    Refused
        One is connected, or it is not known.
    """
    if not context.plan.two_shapes:
        return {"note": "the evolution has one shape only"}
    with open_session(context.config) as connection:
        found = new_clients(connection, context.config.evolve)
    if found:
        message = f"clients of the new shape are connected: {counted(len(found), 'session')}, the first is {found[0]}."
        raise Refused(f"{message} Stop them, or let them expect the old shape; then: handover resume", code=CONNECTED)
    return {"new_clients": 0}


def no_dependent(context: EvolveContext) -> Evidence:
    """See that others have made nothing from what is removed: DROP would refuse in the middle.

    Raises
    ------
    Refused
        Names each of them.
    """
    plan = context.plan
    with open_session(context.config) as connection:
        found = list(dependents(connection, context.config.evolve, plan, plan.remove_drops))
    if found:
        summary = "what the start made is used by others, so it is not removed yet."
        todo = "Drop it, or let it use the old columns of the table; then: handover resume"
        findings = (
            Finding(code=DEPENDENTS, where=what, found=use, expected="it would lose that", todo=todo)
            for what, use in found
        )
        raise Refused(summary, tuple(findings), code=DEPENDENTS)
    return {"dependents": 0}


def old_shape_unused(context: EvolveContext) -> Evidence:
    """See that nothing uses the old shape; see :func:`handover.evolve.old_users.check_unused`."""
    if not context.plan.two_shapes:
        return {"note": "the evolution has one shape only"}
    with open_session(context.config) as connection:
        check_unused(connection, context.config.evolve, context.plan)
    return {"old_users": 0}


def nothing_left_after_rollback(context: EvolveContext) -> Evidence:
    """See that every table has its former shape, and that nothing of the evolution is left.

    Raises
    ------
    Refused
        Something is left.
    """
    require_nothing_left(context, SHADOW_SUFFIX)
    entries, run = context.journal.entries(), start_entry(context.journal.entries(), context.name).body["run"]
    noted = [
        e.body["evidence"] for e in entries if e.kind == "action" and e.body["run"] == run and "evidence" in e.body
    ]
    before: dict[str, str] = next((evidence["shapes"] for evidence in noted if "shapes" in evidence), {})
    changed = changed_shapes(before, table_shapes(context.config, context.plan.tables)) if before else []
    for table in changed:
        context.say(f"{table} has another shape than before the start; compare: handover check")
    return {"changed_since": changed}


def nothing_left_after_contract(context: EvolveContext) -> Evidence:
    """See that nothing of the old shape and of the evolution's own objects is left.

    Raises
    ------
    Refused
        Something is left, or a sequence does not count as before.
    """
    require_nothing_left(context, KEPT_SUFFIX)
    with open_session(context.config) as connection:
        changed = list(changed_sequences(connection, context.plan))
    if changed:
        todo = "Set it right with ALTER SEQUENCE, then: handover resume"
        raise Refused(f"a column does not count as before: {'; '.join(changed)}. {todo}", code=LEFTOVERS)
    return {"shapes": table_shapes(context.config, context.plan.tables)}


def require_nothing_left(context: EvolveContext, suffix: str) -> None:
    """Raise when objects of the evolution are there.

    Parameters
    ----------
    context
        What the command acts with.
    suffix
        Of the columns that must be gone.

    Raises
    ------
    Refused
        Names each of them.
    """
    plan = context.plan
    pairs = [pair for step in plan.start for pair in step.arguments.get("pairs", ())]
    name = "shadow" if suffix == SHADOW_SUFFIX else "kept"
    # A column that follows from others has no old column of its own: what its pair names there stays.
    columns = {(str(pair["table"]), str(pair[name])) for pair in pairs if pair[name] != pair["column"]}
    roles = [role for step in plan.start for role in step.arguments.get("without", ())]
    with open_session(context.config) as connection:
        left = remains(connection, context.config.evolve, plan.tables, sorted(columns), roles)
    if left:
        are, them = ("is", "it") if len(left) == 1 else ("are", "them")
        message = f"{counted(len(left), 'object')} of {plan.evolution} {are} still there: {'; '.join(left[:5])}."
        raise Refused(f"{message} Find out what made {them}, drop {them}, then: handover resume", code=LEFTOVERS)
