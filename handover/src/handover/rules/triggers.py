"""Triggers that writes meet."""

from collections.abc import Iterator

from handover.check.subject import Subject
from handover.errors import Finding
from handover.rules.registry import rule


@rule("HO163", "No trigger changes what is written")
def triggers(subject: Subject) -> Iterator[Finding]:
    for key in sorted(subject.shared):
        table = subject.catalog.tables[key]
        for trigger in table.triggers:
            if trigger.enabled:
                expected = "neither system's models know what it does to their writes"
                todo = "Read it with both systems in mind, then accept it in the contract."
                where = f"{table} ({trigger.name})"
                yield Finding("HO163", where, "is a trigger", expected, todo, "risky", "both")


@rule("HO164", "No statement is turned into another")
def rewrites(subject: Subject) -> Iterator[Finding]:
    for key in sorted(subject.shared):
        table = subject.catalog.tables[key]
        if table.rewritten:
            expected = "what the models write may go elsewhere, or nowhere"
            todo = "Read it (pg_rules) with both systems in mind, then accept it in the contract."
            yield Finding("HO164", str(table), "has a rewrite rule", expected, todo, "risky", "both")
