"""Triggers that writes meet."""

from collections.abc import Iterator

from handover.finding import Finding
from handover.rules.registry import rule
from handover.rules.statements import alter
from handover.schema.subject import Subject


@rule("HO163", "No trigger changes what is written")
def triggers(subject: Subject) -> Iterator[Finding]:
    known = frozenset.intersection(*(system.by_hand for system in subject.systems)) if subject.systems else frozenset()
    for table in subject.shared_tables:
        for trigger in table.triggers:
            if trigger.enabled and trigger.name not in known:
                expected = "neither system's models know what it does to their writes"
                todo = "Read it with both systems in mind, then accept it in the contract."
                where = f"{table} ({trigger.name})"
                yield Finding(
                    code="HO163",
                    where=where,
                    found="is a trigger",
                    expected=expected,
                    todo=todo,
                    severity="risky",
                    hurts="both",
                )


@rule("HO164", "No statement is turned into another")
def rewrites(subject: Subject) -> Iterator[Finding]:
    for table in subject.shared_tables:
        if table.rewritten:
            expected = "what the models write may go elsewhere, or nowhere"
            todo = "Read it (pg_rules) with both systems in mind, then accept it in the contract."
            yield Finding(
                code="HO164",
                where=str(table),
                found="has a rewrite rule",
                expected=expected,
                todo=todo,
                severity="risky",
                hurts="both",
            )


@rule("HO165", "What is updated can be published")
def unpublishable(subject: Subject) -> Iterator[Finding]:
    for table in subject.shared_tables:
        if table.unpublishable:
            found = f"is published by {table.unpublishable} and has no replica identity"
            expected = "PostgreSQL refuses every update and delete of its rows"
            todo = alter(table, f"REPLICA IDENTITY {'DEFAULT' if table.primary_key else 'FULL'}")
            yield Finding(code="HO165", where=str(table), found=found, expected=expected, todo=todo, hurts="both")
