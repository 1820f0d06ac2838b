"""Who still uses the old shape: an evolution is contracted only when no session, setting or object does."""

from collections.abc import Iterator
from typing import Any

from psycopg import Connection

from handover.config.evolve import EvolveSettings
from handover.errors import Refused
from handover.evolve.dependents import dependents, naming_dropped, whole_row_uses
from handover.evolve.sessions import new_clients, other_clients, sessions_of
from handover.evolve.statement import EvolutionPlan
from handover.evolve.taken_rights import lasting_rights, losing_roles
from handover.finding import Finding

IN_USE = "HO646"
_SETTINGS = """
    SELECT coalesce(rolname, 'every role'), coalesce(datname, 'every database'), setting,
           CASE WHEN rolname IS NULL AND datname IS NOT NULL THEN format('ALTER DATABASE %%I', datname)
                ELSE format('ALTER ROLE %%s%%s', coalesce(quote_ident(rolname), 'ALL'),
                            ' IN DATABASE ' || quote_ident(datname)) END
      FROM pg_db_role_setting s
      LEFT JOIN pg_roles r ON r.oid = s.setrole LEFT JOIN pg_database d ON d.oid = s.setdatabase
      CROSS JOIN unnest(setconfig) AS setting
     WHERE setting LIKE 'search_path=%%' AND (s.setdatabase = 0 OR d.datname = current_database())
       AND %s = ANY(SELECT btrim(part, ' "') FROM unnest(string_to_array(substr(setting, 13), ',')) AS part)
       AND coalesce(rolname, '') <> ALL(%s)
       AND (s.setrole = 0
            OR coalesce(has_schema_privilege(s.setrole, to_regnamespace(quote_ident(%s))::oid, 'USAGE'), false))
"""
_LOCKS = """
    SELECT DISTINCT a.pid, coalesce(a.usename, ''), format('%%I.%%I', n.nspname, c.relname)
      FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_stat_activity a ON a.pid = l.pid
     WHERE n.nspname = %s AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND a.pid <> pg_backend_pid() ORDER BY 1
"""
_PREPARED = "SELECT gid, owner FROM pg_prepared_xacts WHERE database = current_database() ORDER BY prepared"


def check_unused(connection: Connection[Any], settings: EvolveSettings, plan: EvolutionPlan) -> None:
    """Raise unless the old shape is used by nothing that can be seen.

    Parameters
    ----------
    connection
        As the owner of the tables.
    settings
        The section ``[evolve]``.
    plan
        The evolution's plan: it knows what the contract drops.

    Raises
    ------
    Refused
        Something uses it, or it is not known; one finding each.
    """
    found = tuple(
        Finding(code=IN_USE, where=where, found=what, expected="the old shape would be gone under it", todo=todo)
        for where, what, todo in _uses(connection, settings, plan)
    )
    if found:
        raise Refused("the old shape is still used; nothing was dropped.", found, code=IN_USE)


def old_clients(connection: Connection[Any], settings: EvolveSettings) -> list[str]:
    """Return the sessions that expect the old shape, one line each.

    Raises
    ------
    Refused
        ``handover.toml`` does not say how to know them.
    """
    if settings.new_sessions or settings.carrying_roles:
        return list(map(str, other_clients(connection, settings)))
    return list(map(str, sessions_of(connection, settings.old_roles)))


def _uses(connection: Connection[Any], settings: EvolveSettings, plan: EvolutionPlan) -> Iterator[tuple[str, str, str]]:
    for line in old_clients(connection, settings):
        todo = "Stop that system, or let it expect the new shape; then contract."
        yield "a session", f"expects the old shape: {line}", todo
    schema = settings.old_schema
    # A role of another database, which may not use the schema here, is no client of it.
    for role, database, setting, alter in connection.execute(_SETTINGS, [schema, list(settings.old_roles), schema]):
        todo = f"{alter} RESET search_path; or set it to a path without {settings.old_schema}."
        yield f"the role {role}", f"has {setting} in {database}", todo
    yield from _of_rights(connection, settings, plan)
    for pid, role, view in connection.execute(_LOCKS, [settings.old_schema]):
        yield f"pid {pid} ({role})", f"reads or writes {view} at this moment", "Wait for it, or end it; then contract."
    for what, use in dependents(connection, settings, plan, plan.contract_drops):
        yield what, use, "Drop it, or let it use the new columns of the table; then contract."
    for dropped in plan.contract_drops:
        for what, _ in whole_row_uses(connection, settings, dropped.table):
            todo = "Drop it, or let it list the columns; then contract. A function: or accepted_functions."
            yield what, f"uses whole rows of {dropped.table}, and would lose the old column", todo
    for what, use in naming_dropped(connection, settings, plan.contract_drops):
        yield what, use, "Change it; or, if it means something else, name it in [evolve] accepted_functions."
    for gid, owner in connection.execute(_PREPARED):
        todo = f"COMMIT PREPARED '{gid}' or ROLLBACK PREPARED '{gid}', then contract."
        yield f"the prepared transaction {gid}", f"of {owner} is neither committed nor rolled back", todo


def _of_rights(
    connection: Connection[Any], settings: EvolveSettings, plan: EvolutionPlan
) -> Iterator[tuple[str, str, str]]:
    """Yield what speaks against taking the old roles' rights: some would stay, or the new shape's clients need them."""
    for role, what, todo in lasting_rights(connection, plan):
        yield f"the role {role}", what, todo
    losing = losing_roles(plan)
    for session in new_clients(connection, settings) if losing and settings.new_sessions else ():
        if session.role in losing:
            todo = "Let that client connect as another role, or roll back and start with kept_rights under [evolve]."
            yield (
                f"the role {session.role}",
                f"loses its rights, and a client of the new shape uses it: {session}",
                todo,
            )
