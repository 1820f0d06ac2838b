"""Triggers that writes meet."""

from collections.abc import Iterator

from handover.finding import Observation
from handover.rules.registry import rule
from handover.rules.statements import alter
from handover.schema.evolved import SYNC_TRIGGER
from handover.schema.subject import Subject


@rule("HO163")
def triggers(subject: Subject) -> Iterator[Observation]:
    """No trigger changes what is written.

    What is wrong
    -------------
    A shared table has an enabled trigger that the migrations of both systems did not make. While an evolution is under
    way, its own trigger is told only where the systems use the table itself instead of the view of their shape.

    Why it hurts
    ------------
    It may change or refuse what a system writes, and no model says so.

    Example
    -------
    `BEFORE UPDATE … EXECUTE FUNCTION suppress_redundant_updates_trigger()`.

    Mend
    ----
    Read it with both systems in mind, then accept it.

    ```sql
    SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger
    WHERE tgrelid = 'public.shop_orders'::regclass AND NOT tgisinternal;
    ```
    """
    known = frozenset.intersection(*(system.by_hand for system in subject.systems)) if subject.systems else frozenset()
    for table in subject.shared_tables:
        for trigger in table.triggers:
            if trigger.enabled and trigger.name not in known:
                expected = "neither system's models know what it does to their writes"
                todo = "Read it with both systems in mind, then accept it in the contract."
                found = "is a trigger"
                if trigger.name == SYNC_TRIGGER:
                    found = "is the trigger of an evolution, and the systems use the table itself"
                    expected = "they would meet new names at the switch"
                    todo = "Let them see the views of their shape: their roles in [evolve] old_roles or carrying_roles."
                yield Observation(
                    where=f"{table} ({trigger.name})",
                    found=found,
                    expected=expected,
                    todo=todo,
                    severity="risky",
                    hurts="both",
                )


@rule("HO164")
def rewrites(subject: Subject) -> Iterator[Observation]:
    """No statement is turned into another.

    What is wrong
    -------------
    A shared table has a rewrite rule.

    Why it hurts
    ------------
    What a model writes may go to another table, or nowhere.

    Example
    -------
    `CREATE RULE keep AS ON DELETE TO shop_orders DO INSTEAD NOTHING`.

    Mend
    ----
    Read it with both systems in mind; drop it, or accept it.

    ```sql
    SELECT rulename, definition FROM pg_rules WHERE tablename = 'shop_orders';
    ```
    """
    for table in subject.shared_tables:
        if table.rewritten:
            expected = "what the models write may go elsewhere, or nowhere"
            todo = "Read it (pg_rules) with both systems in mind, then accept it in the contract."
            yield Observation(
                where=str(table),
                found="has a rewrite rule",
                expected=expected,
                todo=todo,
                severity="risky",
                hurts="both",
            )


@rule("HO165")
def unpublishable(subject: Subject) -> Iterator[Observation]:
    """What is updated can be published.

    What is wrong
    -------------
    A table is in a publication and has no replica identity.

    Why it hurts
    ------------
    PostgreSQL refuses every UPDATE and DELETE of its rows.

    Example
    -------
    `REPLICA IDENTITY NOTHING`, and `CREATE PUBLICATION everything FOR ALL TABLES`.

    Mend
    ----
    Let the primary key identify rows; without one, the whole row.

    ```sql
    ALTER TABLE public.shop_orders REPLICA IDENTITY DEFAULT;
    ```
    """
    for table in subject.shared_tables:
        if table.unpublishable:
            found = f"is published by {table.unpublishable} and has no replica identity"
            expected = "PostgreSQL refuses every update and delete of its rows"
            todo = alter(table, f"REPLICA IDENTITY {'DEFAULT' if table.primary_key else 'FULL'}")
            yield Observation(where=str(table), found=found, expected=expected, todo=todo, hurts="both")
