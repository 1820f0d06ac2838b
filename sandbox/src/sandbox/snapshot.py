"""Everything that an undo must restore: catalog, owners, grants, roles, and every row of ``public``."""

from typing import Any

import psycopg
from psycopg import sql

OURS = "!~ '^(pg_|information_schema)'"
CATALOG = {
    "schemas": f"SELECT nspname, nspowner::regrole::text, nspacl::text FROM pg_namespace WHERE nspname {OURS}",
    "relations": f"""
        SELECT relnamespace::regnamespace::text, relname, relkind, relowner::regrole::text, relacl::text,
               relreplident, reloptions::text
          FROM pg_class WHERE relnamespace::regnamespace::text {OURS}""",
    "columns": f"""
        SELECT attrelid::regclass::text, attname, format_type(atttypid, atttypmod), attnotnull, attidentity,
               attacl::text, pg_get_expr(d.adbin, d.adrelid)
          FROM pg_attribute a
          JOIN pg_class c ON c.oid = attrelid AND c.relnamespace::regnamespace::text {OURS}
          LEFT JOIN pg_attrdef d ON d.adrelid = attrelid AND d.adnum = attnum
         WHERE attnum > 0 AND NOT attisdropped""",
    "constraints": f"""
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
          FROM pg_constraint WHERE connamespace::regnamespace::text {OURS}""",
    "indexes": f"SELECT schemaname, indexname, indexdef FROM pg_indexes WHERE schemaname {OURS}",
    "functions": f"SELECT proname, proacl::text FROM pg_proc WHERE pronamespace::regnamespace::text {OURS}",
    "types": f"SELECT typname, typacl::text FROM pg_type WHERE typnamespace::regnamespace::text {OURS}",
    "triggers": "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal",
    "default rights": "SELECT defaclrole::regrole::text, defaclobjtype, defaclacl::text FROM pg_default_acl",
    "database": """
        SELECT datname, datdba::regrole::text, datacl::text,
               (SELECT setconfig FROM pg_db_role_setting WHERE setdatabase = d.oid AND setrole = 0)
          FROM pg_database d WHERE datname = current_database()""",
}
ROLE = """
    SELECT rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolconfig::text,
           ARRAY(SELECT concat(roleid::regrole, admin_option) FROM pg_auth_members WHERE member = r.oid ORDER BY 1),
           ARRAY(SELECT concat(member::regrole, admin_option) FROM pg_auth_members WHERE roleid = r.oid ORDER BY 1)
      FROM pg_roles r WHERE rolname = %s
"""


def snapshot(url: str, role: str) -> dict[str, list[Any]]:
    """Return everything about a database, and about one role of its cluster, in an order of its own."""
    with psycopg.connect(url) as connection:
        result = {name: _sorted(connection.execute(query)) for name, query in CATALOG.items()}
        result["role"] = _sorted(connection.execute(ROLE, [role]))
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (table,) in tables:
            rows = sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier("public", table))
            result[f"rows of {table}"] = _sorted(connection.execute(rows))
    return result


def _sorted(rows: psycopg.Cursor[Any]) -> list[Any]:
    return sorted(rows.fetchall(), key=repr)


def changes(before: dict[str, list[Any]], after: dict[str, list[Any]]) -> dict[str, tuple[list[Any], list[Any]]]:
    """Return, for each part that differs, what is gone and what is new."""
    parts = before.keys() | after.keys()
    pairs = {part: (before.get(part, []), after.get(part, [])) for part in parts}
    return {
        part: ([row for row in old if row not in new], [row for row in new if row not in old])
        for part, (old, new) in pairs.items()
        if old != new
    }
