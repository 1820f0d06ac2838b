"""What an index is made of beside its columns: what it includes, its operator classes, its direction."""

import re
from collections.abc import Iterator

from handover.finding import Observation
from handover.rules.registry import rule
from handover.rules.tables import VIEWS
from handover.schema.catalog import LiveIndex
from handover.schema.models import ModelConstraint, ModelIndex
from handover.schema.subject import Subject
from handover.wording import identifier

RESTORE = "Build it again as the model says (CREATE INDEX CONCURRENTLY), then drop this one."


@rule("HO166")
def parts(subject: Subject) -> Iterator[Observation]:
    """Indexes include and compare what the models say.

    What is wrong
    -------------
    An index of a model exists, and it lacks a column of `INCLUDE`, has another operator class, or is sorted in another
    direction.

    Why it hurts
    ------------
    Queries that the index was made for read the whole table. Nothing fails, it is slower.

    Example
    -------
    The model says `OpClass("number", "varchar_pattern_ops")`, the live index has the plain class.

    Mend
    ----
    Build the index again as the model says, then drop the old one.

    ```sql
    CREATE INDEX CONCURRENTLY classed_2 ON public.shop_orders (number varchar_pattern_ops, total);
    DROP INDEX CONCURRENTLY public.classed;
    ALTER INDEX public.classed_2 RENAME TO classed;
    ```
    """
    for mapped in subject.looked_at:
        if mapped.table.kind in VIEWS:
            continue
        wanted: list[ModelIndex | ModelConstraint] = [*mapped.model.indexes]
        wanted += [c for c in mapped.model.constraints if c.kind in ("unique", "exclusion")]
        for index in wanted:
            alike = [live for live in mapped.table.indexes if live.valid and _alike(index, live)]
            lacking = [_lacks(index, live) for live in alike]
            if not lacking or not all(lacking):
                continue
            where = f"{mapped.table} ({alike[0].name})"
            expected = f"{mapped.model.label} expects it: look-ups are slower without"
            todo = RESTORE
            if isinstance(index, ModelIndex) and index.sql and alike[0].name == index.name:
                todo = f"DROP INDEX {identifier(mapped.table.schema)}.{identifier(index.name)}; {index.sql};"
            yield Observation(
                where=where,
                found=min(lacking, key=len),
                expected=expected,
                todo=todo,
                severity="risky",
                hurts=mapped.system.side,
            )


def _alike(wanted: ModelIndex | ModelConstraint, live: LiveIndex) -> bool:
    """Say whether a live index is meant for the same: by its name, or by its columns if these describe it."""
    if isinstance(wanted, ModelConstraint) and not live.unique and live.name != wanted.name:
        return False
    if isinstance(wanted, ModelIndex) and live.method != wanted.method:
        return False
    partial = wanted.special and not (isinstance(wanted, ModelIndex) and wanted.classes and not _conditional(wanted))
    if wanted.columns and live.columns != wanted.columns:
        return False  # an index of that name on other columns: HO018 reports it
    return live.name == wanted.name or bool(wanted.columns and not partial and not live.special)


def _conditional(wanted: ModelIndex) -> bool:
    return not wanted.columns or bool(re.search(r"\bWHERE\b", wanted.sql or "WHERE"))


def _lacks(wanted: ModelIndex | ModelConstraint, live: LiveIndex) -> str:
    """Return what a live index does not have of what is wanted; nothing if it has all."""
    lost = [column for column in wanted.include if column not in (*live.include, *live.columns)]
    if lost:
        return f"does not include {', '.join(lost)}"
    if live.columns == wanted.columns and wanted.columns:
        lost = [name for name, is_ in zip(wanted.classes, live.classes, strict=False) if name != is_]
    else:
        lost = sorted(set(re.findall(r"\b\w+_ops\b", wanted.sql or "")) - set(live.classes))
    if lost:
        return f"is not of class {', '.join(lost)}"
    if (
        isinstance(wanted, ModelIndex)
        and not live.special
        and live.columns == wanted.columns
        and not _in_order(wanted, live)
    ):
        return "is sorted in another direction"
    return ""


def _in_order(wanted: ModelIndex, live: LiveIndex) -> bool:
    """Say whether an index can be read in the wanted order, forwards or backwards."""
    if wanted.method != "btree" or not wanted.descending:
        return True
    order = tuple((down, down) for down in wanted.descending)  # Django leaves NULLs where PostgreSQL puts them
    return live.order in (order, tuple((not down, not first) for down, first in order))
