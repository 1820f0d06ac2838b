"""The rights of the old roles: the contract takes them, so that a system that comes back changes no row."""

from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from psycopg import Connection

from handover.errors import Refused
from handover.evolve.catalog.facts import qualified
from handover.evolve.starting import StageParts
from handover.evolve.statement import EvolutionPlan, EvolveStep
from handover.evolve.views import viewed
from handover.finding import Finding
from handover.wording import identifier

LASTING = "HO672"
STEP = "rights of the old roles"
_EXPECTED = "what comes back with that role could change rows that it no longer understands"


def rights_step(parts: StageParts) -> Iterator[EvolveStep]:
    """Yield the step that takes the rights on the changed tables from the old roles; nothing if all keep theirs."""
    roles = [role for role in parts.settings.old_roles if role not in parts.settings.kept_rights]
    tables = viewed(parts.draft)
    if roles and tables:
        names = ", ".join(map(identifier, roles))
        statements = (f"REVOKE ALL PRIVILEGES ON TABLE {table.facts.sql} FROM {names}" for table in tables)
        arguments = {"roles": roles, "tables": [table.facts.key for table in tables]}
        yield EvolveStep(name=STEP, statements=tuple(map(parts.make.free, statements)), arguments=arguments)


def losing_roles(plan: EvolutionPlan) -> list[str]:
    """Return the roles from which the contract takes the rights."""
    return [role for step in plan.contract if step.name == STEP for role in step.arguments["roles"]]


def lasting_rights(connection: Connection[Any], plan: EvolutionPlan) -> Iterator[tuple[str, str, str]]:
    """Yield what the contract could not take: the role, why it would keep rights, and what to do.

    Parameters
    ----------
    connection
        As the owner of the tables.
    plan
        The evolution's plan: it says from which roles the contract takes the rights, and on which tables.
    """
    query = files("handover.evolve.catalog").joinpath("lasting_rights.sql").read_bytes()
    for step in plan.contract:
        if step.name == STEP:
            tables = [qualified(*table.split(".", 1)) for table in step.arguments["tables"]]
            asked = {"roles": step.arguments["roles"], "tables": tables}
            for role, table, how in connection.execute(query, asked).fetchall():
                todo = "Take them from it; or, before the start, let it keep them: kept_rights under [evolve]."
                yield role, f"would keep rights on {table} after the contract: {how}", todo


def check_taken_rights(connection: Connection[Any], plan: EvolutionPlan) -> None:
    """Raise unless the contract can take every right of the old roles on the changed tables.

    Parameters
    ----------
    connection, plan
        As of :func:`lasting_rights`.

    Raises
    ------
    Refused
        A role would keep some; one finding each.
    """
    found = tuple(
        Finding(code=LASTING, where=f"the role {role}", found=what, expected=_EXPECTED, todo=todo)
        for role, what, todo in lasting_rights(connection, plan)
    )
    if found:
        raise Refused("the contract could not take the rights of the old roles; nothing was changed.", found)
