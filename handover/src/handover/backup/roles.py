"""The roles that a database needs, which belong to the server and are in no dump of a database; never a password."""

import os
from typing import Any

import psycopg
from psycopg import Connection, sql

from handover.backup.programs import BackupError
from handover.config.config import Config
from handover.schema.owners import read_owners

# Each role that owns something or has a right in this database, and those between two of them: members of one, and the
# other's members. Who may make roles is a member of all that it made, also of those for other databases: they stay out.
_NEEDED = """
WITH RECURSIVE direct AS (
    SELECT refobjid AS oid FROM pg_shdepend
     WHERE refclassid = 'pg_authid'::regclass
       AND dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
       AND (dbid <> 0 OR classid = 'pg_database'::regclass
            AND objid = (SELECT oid FROM pg_database WHERE datname = current_database()))
    UNION SELECT oid FROM pg_roles WHERE rolname = %s
), chain AS (
    SELECT ARRAY[oid] AS path, oid AS last FROM direct
    UNION ALL
    SELECT path || roleid, roleid FROM chain JOIN pg_auth_members ON member = last WHERE roleid <> ALL(path)
), needed AS (
    SELECT DISTINCT unnest(path) AS oid FROM chain WHERE last IN (SELECT oid FROM direct)
)
SELECT r.oid, rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls,
       rolconnlimit, (SELECT setconfig FROM pg_db_role_setting WHERE setrole = r.oid AND setdatabase = 0)
  FROM needed JOIN pg_roles r USING (oid) WHERE rolname !~ '^pg_' ORDER BY rolname
"""
_MEMBERS = """
SELECT g.rolname, m.rolname
  FROM pg_auth_members a JOIN pg_roles g ON g.oid = a.roleid JOIN pg_roles m ON m.oid = a.member
 WHERE m.rolname = ANY(%(roles)s) AND (g.rolname = ANY(%(roles)s) OR g.rolname ~ '^pg_') ORDER BY 1, 2
"""
_SETTINGS = """
SELECT coalesce(rolname, ''), unnest(setconfig) FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = setrole
 WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database()) ORDER BY 1, 2
"""
_RIGHTS = """
SELECT r.rolname, privilege_type FROM pg_database d, aclexplode(d.datacl) a JOIN pg_roles r ON r.oid = a.grantee
 WHERE datname = current_database() ORDER BY 1, 2
"""
_FLAGS = (
    ("superuser", sql.SQL("SUPERUSER"), sql.SQL("NOSUPERUSER")),
    ("inherit", sql.SQL("INHERIT"), sql.SQL("NOINHERIT")),
    ("createrole", sql.SQL("CREATEROLE"), sql.SQL("NOCREATEROLE")),
    ("createdb", sql.SQL("CREATEDB"), sql.SQL("NOCREATEDB")),
    ("login", sql.SQL("LOGIN"), sql.SQL("NOLOGIN")),
    ("replication", sql.SQL("REPLICATION"), sql.SQL("NOREPLICATION")),
    ("bypassrls", sql.SQL("BYPASSRLS"), sql.SQL("NOBYPASSRLS")),
)
_RIGHT_WORDS = {
    "CONNECT": sql.SQL("CONNECT"),
    "CREATE": sql.SQL("CREATE"),
    "TEMPORARY": sql.SQL("TEMPORARY"),
}
MEMBERSHIP_OPTIONS_SINCE = 160_000


def read_roles_needed(connection: Connection[Any], config: Config) -> dict[str, Any]:
    """Return the roles, memberships, settings and rights that a restored database needs."""
    roles = {}
    for _, name, *flags, limit, settings in connection.execute(_NEEDED, [config.backend.role]).fetchall():
        words = {word: flag for (word, _, _), flag in zip(_FLAGS, flags, strict=True)}
        roles[name] = {**words, "connection_limit": limit, "settings": settings or []}
    return {
        "roles": roles,
        "members": connection.execute(_MEMBERS, {"roles": list(roles)}).fetchall(),
        "owners": read_owners(connection),
        "database_settings": connection.execute(_SETTINGS).fetchall(),
        "database_rights": connection.execute(_RIGHTS).fetchall(),
    }


def missing_roles(connection: Connection[Any], needed: dict[str, Any]) -> list[str]:
    """Return the names of the roles that a server lacks."""
    rows = connection.execute("SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)", [list(needed["roles"])])
    there = {name for (name,) in rows.fetchall()}
    return [name for name in needed["roles"] if name not in there]


def make_roles(connection: Connection[Any], needed: dict[str, Any], missing: list[str], config: Config) -> None:
    """Make the roles that a server lacks, with their memberships; the backend's gets its password, no other has one.

    Parameters
    ----------
    connection
        The server, as a role that may make roles.
    needed
        What :func:`read_roles_needed` read in the source.
    missing
        The names of those that are to be made.
    config
        The pair.

    Raises
    ------
    BackupError
        The role of the connection may not; nothing was made.
    """
    try:
        with connection.transaction():
            for name in missing:
                _make(connection, name, needed["roles"][name], config)
            for group, member in needed["members"]:
                if group in missing or member in missing:
                    _let_in(connection, group, member)
    except psycopg.Error as error:
        names = ", ".join(missing)
        message = f"the roles {names} are missing on this server and could not be made: {str(error).strip()}."
        raise BackupError(f"{message} Make them as an administrator, then run again; nothing was changed.") from error


def _make(connection: Connection[Any], name: str, role: dict[str, Any], config: Config) -> None:
    flags = sql.SQL(" ").join(yes if role[key] else no for key, yes, no in _FLAGS)
    connection.execute(
        sql.SQL("CREATE ROLE {} {} CONNECTION LIMIT {}").format(
            sql.Identifier(name), flags, sql.Literal(role["connection_limit"])
        )
    )
    password = os.environ.get(config.backend.password_env) if name == config.backend.role else None
    if password:
        scram = connection.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256").decode()
        connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(name), sql.Literal(scram)))
    for setting in role["settings"]:
        connection.execute(_setting(sql.SQL("ROLE {}").format(sql.Identifier(name)), setting))
    # The restore hands objects over to it.
    _let_in(connection, name, connection.info.user)


def _let_in(connection: Connection[Any], group: str, member: str) -> None:
    options = sql.SQL("WITH INHERIT TRUE, SET TRUE")
    new = connection.info.server_version >= MEMBERSHIP_OPTIONS_SINCE
    statement = sql.SQL("GRANT {} TO {} {}").format(
        sql.Identifier(group), sql.Identifier(member), options if new else sql.SQL("")
    )
    connection.execute(statement)


def give_database_its_own(connection: Connection[Any], needed: dict[str, Any]) -> None:
    """Give a restored database the settings and the rights that are no part of a dump."""
    name = sql.Identifier(connection.info.dbname)
    for role, setting in needed["database_settings"]:
        whose = (
            sql.SQL("ROLE {} IN DATABASE {}").format(sql.Identifier(role), name)
            if role
            else sql.SQL("DATABASE {}").format(name)
        )
        connection.execute(_setting(whose, setting))
    for role, right in needed["database_rights"]:
        connection.execute(
            sql.SQL("GRANT {} ON DATABASE {} TO {}").format(_RIGHT_WORDS[right], name, sql.Identifier(role))
        )


def _setting(whose: sql.Composed, setting: str) -> sql.Composed:
    variable, _, value = setting.partition("=")
    parts = sql.SQL(", ").join(sql.Literal(part.strip().strip('"')) for part in value.split(","))
    return sql.SQL("ALTER {} SET {} TO {}").format(whose, sql.Identifier(variable), parts)
