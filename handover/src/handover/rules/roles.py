"""Database roles: each system may do its work and no more, and there are connections for both."""

from collections.abc import Iterator

from handover.check.subject import Subject
from handover.errors import Finding
from handover.rules.registry import rule


@rule("HO190", "Each system's role exists")
def unknown(subject: Subject) -> Iterator[Finding]:
    for side in subject.sides:
        if not side.role:
            todo = "Set USER in its DATABASES, so that what it may do can be looked at."
            found, expected = f"of the {side.name} is not named in its settings", "its rights were not looked at"
            yield Finding("HO190", "role", found, expected, todo, "unseen", side.name)
        elif side.role not in subject.catalog.roles and (side.name == "original" or subject.adopted):
            found = "does not exist on this server"
            expected = f"the {side.name}'s settings connect as it"
            todo = "Is this the right server? Correct the environment of the system in handover.toml."
            yield Finding("HO190", f"role {side.role}", found, expected, todo, hurts=side.name)


@rule("HO191", "Each system may read and write its tables")
def rights(subject: Subject) -> Iterator[Finding]:
    for mapped in subject.looked_at:
        side = mapped.side
        if side.name == "backend" and not subject.adopted:
            continue
        held = subject.catalog.rights.get((side.role, mapped.table.key))
        if held is None:
            continue  # the role does not exist, which is a finding of its own
        where, role = str(mapped.table), f'"{side.role}"'
        if held.no_schema:
            todo = f'GRANT USAGE ON SCHEMA "{mapped.table.schema}" TO {role};'
            found = f"is in a schema that {side.role} may not use"
            yield Finding("HO191", where, found, f"the {side.name} connects as it", todo, hurts=side.name)
        if held.missing:
            verbs = ", ".join(held.missing)
            todo = f'GRANT {verbs} ON "{mapped.table.schema}"."{mapped.table.name}" TO {role};'
            found = f"does not allow {verbs} to {side.role}"
            yield Finding("HO191", where, found, f"the {side.name} connects as it", todo, hurts=side.name)
        for sequence in held.sequences:
            todo = f"GRANT USAGE ON SEQUENCE {sequence} TO {role};"
            found = f"takes keys from {sequence}, which {side.role} may not use"
            yield Finding("HO191", where, found, f"inserts of the {side.name} fail", todo, hurts=side.name)


@rule("HO192", "The backend's role cannot alter shared tables")
def owners(subject: Subject) -> Iterator[Finding]:
    backend, original = subject.side("backend"), subject.side("original")
    if backend is None or original is None or backend.role == original.role:
        return
    role = subject.catalog.roles.get(backend.role)
    if role and role.unbounded:
        found, expected = "is a superuser or bypasses row security", "it must read and write rows and nothing more"
        todo = f'ALTER ROLE "{role.name}" NOSUPERUSER NOBYPASSRLS;'
        yield Finding("HO192", f"role {role.name}", found, expected, todo, "risky", "both")
        return
    for key in sorted(subject.shared):
        held = subject.catalog.rights.get((backend.role, key))
        table = subject.catalog.tables[key]
        if held and held.owns:
            found = f"could be altered by {backend.role}, a member of its owner {table.owner}"
            todo = f'REVOKE "{table.owner}" FROM "{backend.role}";'
            yield Finding("HO192", str(table), found, "a stray migrate could change it", todo, "risky", "original")


@rule("HO193", "There are connections for both systems")
def connections(subject: Subject) -> Iterator[Finding]:
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
        yield Finding("HO193", "connections", found, expected, todo, hurts="both")
    for side in subject.both:
        role = subject.catalog.roles.get(side.role)
        if role and 0 <= role.connections < wanted[side.name]:
            found, expected = f"may open {role.connections} connections", f"handover.toml counts {wanted[side.name]}"
            todo = f'ALTER ROLE "{role.name}" CONNECTION LIMIT {wanted[side.name]};'
            yield Finding("HO193", f"role {role.name}", found, expected, todo, hurts=side.name)
