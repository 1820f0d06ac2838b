"""The roles that may use the tables of an evolution: each must be known, or it may meet a shape it cannot use."""

from collections.abc import Sequence
from typing import Any

from psycopg import Connection

from handover.config.evolve import EvolveSettings
from handover.errors import Refused
from handover.finding import Finding

UNDECLARED = "HO644"
# Superusers may use everything; they are administrators.
_MAY_USE = """
    SELECT role.rolname, array_agg(DISTINCT relation.oid::regclass::text)
      FROM pg_class relation
      CROSS JOIN LATERAL (
            SELECT grantee FROM aclexplode(coalesce(relation.relacl, acldefault('r', relation.relowner)))
            UNION
            SELECT one.grantee FROM pg_attribute CROSS JOIN aclexplode(attacl) AS one
             WHERE attrelid = relation.oid AND NOT attisdropped
           ) AS granted
      JOIN pg_roles role ON role.rolcanlogin AND NOT role.rolsuper
       AND (granted.grantee = 0 OR pg_has_role(role.oid, granted.grantee, 'MEMBER'))
     WHERE relation.oid = ANY(SELECT to_regclass(name)::oid FROM unnest(%s::text[]) AS name)
       AND role.rolname <> ALL(%s)
     GROUP BY role.rolname ORDER BY role.rolname
"""


def check_roles(connection: Connection[Any], settings: EvolveSettings, tables: Sequence[str]) -> None:
    """Raise unless each role that may use the tables is declared as old, as carrying its path, or as no client.

    Parameters
    ----------
    connection
        As the owner of the tables, whose own role needs no declaration unless a client uses it.
    settings, tables
        The section ``[evolve]``, and the tables as ``schema.name``.

    Raises
    ------
    Refused
        A role is not declared; names the tables that it may use.
    """
    known = [*settings.old_roles, *settings.carrying_roles, *settings.other_roles]
    known += [] if _is_client(connection) else [connection.info.user]
    quoted = [".".join('"' + part.replace('"', '""') + '"' for part in table.split(".", 1)) for table in tables]
    found = tuple(
        Finding(
            code=UNDECLARED,
            where=role,
            found=f"may use {', '.join(sorted(names))}, and [evolve] does not say which shape it expects",
            expected="after the switch it would meet names and values that it does not know",
            todo="Add it to old_roles (it gets the views of the old shape), to carrying_roles (its system sets the path"
            " itself), or to other_roles (no client uses it).",
        )
        for role, names in connection.execute(_MAY_USE, [quoted, known]).fetchall()
    )
    if found:
        raise Refused("roles are not declared, so old clients could meet the new shape; nothing was changed.", found)


def _is_client(connection: Connection[Any]) -> bool:
    """Say whether sessions that are not of this tool use the tool's own role."""
    query = """
        SELECT FROM pg_stat_activity WHERE usename = current_user AND datname = current_database()
           AND pid <> pg_backend_pid() AND application_name NOT LIKE 'handover %' LIMIT 1
    """
    return connection.execute(query).rowcount > 0
