"""Database roles: each system may do its work and no more, and there are connections for both."""

import re
from collections.abc import Iterator

from handover.finding import Observation, SharedCause
from handover.rules.registry import rule
from handover.rules.statements import alter, name_of
from handover.schema.subject import DescribedSystem, Subject, session_settings
from handover.side import Side
from handover.wording import identifier


@rule("HO190")
def unknown(subject: Subject) -> Iterator[Observation]:
    """Each system's role exists.

    What is wrong
    -------------
    The settings of a system name a role that the server does not have. Without a name in the settings its rights
    cannot be looked at (`unseen`).

    Why it hurts
    ------------
    The system cannot connect.

    Example
    -------
    `backend_app` was made on the staging server only.

    Mend
    ----
    Is it the right server? Correct the environment of the system, or make the role.

    ```sql
    CREATE ROLE backend_app LOGIN;
    ```
    """
    for system in subject.systems:
        if not system.role:
            todo = "Set USER in its DATABASES, so that what it may do can be looked at."
            found, expected = f"of the {system.side} is not named in its settings", "its rights were not looked at"
            yield Observation(
                where="role",
                found=found,
                expected=expected,
                todo=todo,
                severity="unseen",
                hurts=system.side,
            )
            continue
        for name in dict.fromkeys((system.role, system.acts_as)):
            if name not in subject.catalog.roles and _awaits_role(subject, system):
                found = "does not exist on this server"
                expected = f"the {system.side}'s settings connect as it"
                todo = "Is this the right server? Correct the environment of the system in handover.toml."
                yield Observation(where=f"role {name}", found=found, expected=expected, todo=todo, hurts=system.side)


def _awaits_role(subject: Subject, system: DescribedSystem) -> bool:
    """Say whether the role of a system must be there by now; an adoption makes that of the backend."""
    return system.side == "original" or subject.adopted


@rule("HO197")
def shut_out(subject: Subject) -> Iterator[Observation]:
    """Each system's role may connect.

    What is wrong
    -------------
    The role may not log in, its password ran out, or it may not connect to this database.

    Why it hurts
    ------------
    The system cannot connect, or will not after its next restart.

    Example
    -------
    `backend_app` has `VALID UNTIL '2025-12-31'`.

    Mend
    ----
    Give the role what it lacks.

    ```sql
    ALTER ROLE backend_app LOGIN VALID UNTIL 'infinity';
    GRANT CONNECT ON DATABASE live TO backend_app;
    ```
    """
    for system in subject.systems:
        role = subject.catalog.roles.get(system.role)
        if role is None or not _awaits_role(subject, system):
            continue
        database, name = subject.catalog.server["database"], identifier(role.name)
        for shut, found, todo in (
            (not role.logs_in, "may not log in", f"ALTER ROLE {name} LOGIN;"),
            (role.expired, "has a password that ran out", f"ALTER ROLE {name} VALID UNTIL 'infinity';"),
            (not role.connects, "may not connect", f"GRANT CONNECT ON DATABASE {identifier(database)} TO {name};"),
        ):
            if shut:
                expected = f"the {system.side} connects to {database} as it"
                yield Observation(
                    where=f"role {role.name}",
                    found=found,
                    expected=expected,
                    todo=todo,
                    hurts=system.side,
                )


ON = ("on", "true", "yes", "1")
# Where to look for rows; what makes a statement slower, faster, louder or better known, but not another one; how soon
# a client that is gone is noticed. Django sets the time zone and the encoding itself.
IMMATERIAL = re.compile(
    r"client_connection_check_interval|tcp_keepalives_\w+|tcp_user_timeout"
    r"|search_path|application_name|timezone|client_encoding|client_min_messages|work_mem|maintenance_work_mem"
    r"|(log|enable|track|temp|effective|parallel|max_parallel|jit|seq_page|random_page|cpu|auto_explain|pgaudit)[_.].*|jit"
)


@rule("HO198")
def session_beginnings(subject: Subject) -> Iterator[Observation]:
    """Sessions of both systems begin alike.

    What is wrong
    -------------
    Settings of the role, of the database or in `OPTIONS` begin the sessions of one system differently: read-only,
    without foreign keys and triggers (`session_replication_role`), another isolation level or date style.

    Why it hurts
    ------------
    The same statement does something else, or every write fails.

    Example
    -------
    `ALTER ROLE backend_app SET default_transaction_read_only = on`.

    Mend
    ----
    Reset the setting.

    ```sql
    ALTER ROLE backend_app RESET default_transaction_read_only;
    ```
    """
    begun = [session_settings(system.description, subject.catalog) for system in subject.systems]
    todo = "ALTER ROLE … RESET, ALTER DATABASE … RESET, or take it out of the OPTIONS in its DATABASES."
    for system, settings in zip(subject.systems, begun, strict=True):
        if settings.get("default_transaction_read_only", "").lower() in ON:
            where, found = "default_transaction_read_only", f"is on for the {system.side}"
            yield Observation(
                where=where, found=found, expected="every write of it fails", todo=todo, hurts=system.side
            )
        if settings.get("session_replication_role", "").lower() == "replica":
            expected = "no foreign key and no trigger holds for what it writes"
            yield Observation(
                where="session_replication_role",
                found=f"is replica for the {system.side}",
                expected=expected,
                todo=todo,
            )
    if subject.both:
        for name in sorted(set().union(*begun)):
            one, other = (settings.get(name, "the server's own") for settings in begun)
            if one != other and not IMMATERIAL.fullmatch(name):
                expected = f"it is {one} for the original: one statement does not do the same"
                yield Observation(
                    where=name,
                    found=f"is {other} for the backend",
                    expected=expected,
                    todo=todo,
                    severity="risky",
                    hurts="both",
                )


@rule("HO191")
def rights(subject: Subject) -> Iterator[Observation]:
    """Each system may read and write its tables.

    What is wrong
    -------------
    The role of a system lacks a right on a table, on its schema, or on the sequence of its keys.

    Why it hurts
    ------------
    Queries of the system fail with `permission denied`.

    Example
    -------
    `backend_app` may not UPDATE `shop_orders`.

    Mend
    ----
    Grant what is missing. The finding lists the rights.

    ```sql
    GRANT USAGE ON SCHEMA public TO backend_app;
    GRANT SELECT, INSERT, UPDATE, DELETE ON public.shop_orders TO backend_app;
    GRANT USAGE ON SEQUENCE public.shop_orders_id_seq TO backend_app;
    ```
    """
    for mapped in subject.used:
        system = mapped.system
        if system.side == "backend" and not subject.adopted:
            continue
        held = subject.catalog.rights.get((system.acts_as, mapped.table.key))
        if held is None:
            continue  # the role does not exist, which is a finding of its own
        where, role, schema = str(mapped.table), identifier(system.acts_as), mapped.table.schema
        connects = f"the {system.side} connects as it"
        if held.no_schema:
            todo = f"GRANT USAGE ON SCHEMA {identifier(schema)} TO {role};"
            found = f"is in a schema that {system.acts_as} may not use"
            cause = SharedCause(
                where=f"schema {schema}",
                found=f"may not be used by {system.acts_as}",
                expected=connects,
                part=where,
                todo=todo,
            )
            yield Observation(where=where, found=found, expected=connects, todo=todo, hurts=system.side, cause=cause)
        if held.missing:
            verbs = ", ".join(held.missing)
            todo = f"GRANT {verbs} ON {identifier(schema)}.{identifier(mapped.table.name)} TO {role};"
            found = f"does not allow {verbs} to {system.acts_as}"
            cause = SharedCause(
                where=f"schema {schema}",
                found=f"has tables that do not allow {verbs} to {system.acts_as}",
                expected=connects,
                part=where,
            )
            yield Observation(where=where, found=found, expected=connects, todo=todo, hurts=system.side, cause=cause)
        for sequence in held.sequences:
            todo = f"GRANT USAGE ON SEQUENCE {sequence} TO {role};"
            found, expected = (
                f"takes keys from {sequence}, which {system.acts_as} may not use",
                f"inserts of the {system.side} fail",
            )
            cause = SharedCause(
                where=f"schema {schema}",
                found=f"has keys from sequences that {system.acts_as} may not use",
                expected=expected,
                part=sequence,
            )
            yield Observation(where=where, found=found, expected=expected, todo=todo, hurts=system.side, cause=cause)


@rule("HO192")
def owners(subject: Subject) -> Iterator[Observation]:
    """The backend's role cannot alter shared tables.

    What is wrong
    -------------
    The backend's role is a superuser, owns shared tables, or is a member of their owner.

    Why it hurts
    ------------
    A stray `migrate` of the backend could alter or drop a table of the original.

    Example
    -------
    `shop_orders` belongs to `backend_app`.

    Mend
    ----
    Give the table back to the original's role, and grant rights on rows only.

    ```sql
    ALTER TABLE public.shop_orders OWNER TO original_app;
    GRANT SELECT, INSERT, UPDATE, DELETE ON public.shop_orders TO backend_app;
    ```
    """
    backend, original = subject.system(Side.BACKEND), subject.system(Side.ORIGINAL)
    if backend is None or original is None or backend.role == original.role:
        return
    role = subject.catalog.roles.get(backend.role)
    if role and role.unbounded:
        found, expected = "is a superuser or bypasses row security", "it must read and write rows and nothing more"
        todo = f"ALTER ROLE {identifier(role.name)} NOSUPERUSER NOBYPASSRLS;"
        yield Observation(
            where=f"role {role.name}",
            found=found,
            expected=expected,
            todo=todo,
            severity="risky",
            hurts="both",
        )
        return
    if backend.acts_as != backend.role and _owned_by(subject, backend.acts_as):
        found, expected = "owns shared tables, and the backend acts as it", "a stray migrate could change them"
        todo = "Take assume_role out of the OPTIONS of the backend's database, or name a role there that only adds."
        yield Observation(
            where=f"role {backend.acts_as}",
            found=found,
            expected=expected,
            todo=todo,
            severity="risky",
            hurts=Side.ORIGINAL,
        )
        return
    for key in sorted(subject.shared):
        held = subject.catalog.rights.get((backend.role, key))
        table = subject.catalog.tables[key]
        if held and held.owns:
            found = f"could be altered by {backend.role}, a member of its owner {table.owner}"
            todo = f"REVOKE {identifier(table.owner)} FROM {identifier(backend.role)};"
            if table.owner == backend.role:
                rights = f"GRANT SELECT, INSERT, UPDATE, DELETE ON {name_of(table)} TO {identifier(backend.role)};"
                todo = f"{alter(table, f'OWNER TO {identifier(original.role)}')} {rights}"
            yield Observation(
                where=str(table),
                found=found,
                expected="a stray migrate could change it",
                todo=todo,
                severity="risky",
                hurts=Side.ORIGINAL,
            )


def _owned_by(subject: Subject, role: str) -> bool:
    return any((held := subject.catalog.rights.get((role, key))) and held.owns for key in subject.shared)


@rule("HO193")
def connections(subject: Subject) -> Iterator[Observation]:
    """There are connections for both systems.

    What is wrong
    -------------
    `handover.toml` counts more connections for both systems than the server, the database or the role allows.

    Why it hurts
    ------------
    While both systems run, one of them cannot connect at a busy time.

    Example
    -------
    60 connections of each system, and `max_connections` is 100.

    Mend
    ----
    Raise the limit, put a pooler in front, or run fewer workers. `max_connections` needs a restart of the server.

    ```sql
    ALTER SYSTEM SET max_connections = 200;
    ALTER ROLE backend_app CONNECTION LIMIT 60;
    ```
    """
    if not subject.both:
        return
    configured = {"original": subject.config.original, "backend": subject.config.backend}
    wanted = {name: system.connections for name, system in configured.items() if system}
    limits = [subject.catalog.server["connections"], subject.catalog.server["database_connections"]]
    limit = min(value for value in limits if value >= 0)
    if sum(wanted.values()) > limit:
        parts = " and ".join(f"{count} of the {name}" for name, count in wanted.items())
        found = f"are {limit} for both systems"
        expected = f"handover.toml counts {parts}"
        todo = "Raise max_connections, put a pooler in front, or run fewer workers."
        yield Observation(where="connections", found=found, expected=expected, todo=todo, hurts="both")
    for system in subject.both:
        role = subject.catalog.roles.get(system.role)
        if role and 0 <= role.connections < wanted[system.side]:
            found, expected = f"may open {role.connections} connections", f"handover.toml counts {wanted[system.side]}"
            todo = f"ALTER ROLE {identifier(role.name)} CONNECTION LIMIT {wanted[system.side]};"
            yield Observation(where=f"role {role.name}", found=found, expected=expected, todo=todo, hurts=system.side)
