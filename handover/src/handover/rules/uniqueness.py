"""How uniqueness is enforced: at once or at the commit, and whether two NULLs are duplicates."""

from collections.abc import Iterator

from handover.finding import Observation, Severity
from handover.rules.registry import rule
from handover.rules.statements import again
from handover.rules.tables import VIEWS
from handover.schema.catalog import LiveConstraint, LiveIndex
from handover.schema.models import ModelConstraint
from handover.schema.subject import Mapped, Subject

WHEN = {None: "at once", "immediate": "at once unless it is asked to wait", "deferred": "at the commit"}
TIMES = {WHEN["deferred"]: " DEFERRABLE INITIALLY DEFERRED", WHEN["immediate"]: " DEFERRABLE", WHEN[None]: ""}


def _tables(subject: Subject) -> Iterator[Mapped]:
    return (mapped for mapped in subject.looked_at if mapped.table.kind not in VIEWS)


@rule("HO144")
def timing(subject: Subject) -> Iterator[Observation]:
    """Uniqueness is checked when the models say.

    What is wrong
    -------------
    A unique or primary key constraint is checked at once in the database and at the commit by the model, or the other
    way round.

    Why it hurts
    ------------
    Checked at once: rows that swap their values in one transaction fail (breaking). Checked at the commit: `ON
    CONFLICT` refuses the constraint, and the error comes too late to be caught (risky).

    Example
    -------
    The model says `UniqueConstraint(…, deferrable=Deferrable.DEFERRED)`; the live constraint is not deferrable.

    Mend
    ----
    Correct the model, or make the constraint again.

    ```sql
    ALTER TABLE public.order_lines
        DROP CONSTRAINT order_lines_position_key,
        ADD CONSTRAINT order_lines_position_key UNIQUE (order_id, position) DEFERRABLE INITIALLY DEFERRED;
    ```
    """
    for mapped in _tables(subject):
        for live in (c for c in mapped.table.constraints if c.kind in ("p", "u", "x")):
            wanted = _of_model(mapped, live)
            is_ = _when(live)
            if wanted is None or wanted == is_ or _served_otherwise(mapped, live, wanted):
                continue
            severity, effect = _effect(wanted, is_)
            expected = f"{mapped.model.label} expects that {wanted}: {effect}"
            timed = live.definition.partition(" DEFERRABLE")[0] + TIMES[wanted]
            todo = f"Correct the model, or add the constraint again as it says: {again(mapped.table, live, timed)}"
            where = f"{mapped.table} ({live.name})"
            yield Observation(
                where=where,
                found=f"is checked {is_}",
                expected=expected,
                todo=todo,
                severity=severity,
                hurts=mapped.system.side,
            )


def _effect(wanted: str, is_: str) -> tuple[Severity, str]:
    strictness = list(WHEN.values())
    if strictness.index(is_) < strictness.index(wanted):
        return "breaking", "rows that trade places in one transaction fail"
    return "risky", "ON CONFLICT refuses it, and a duplicate may be reported too late to be caught"


def _when(live: LiveConstraint) -> str:
    return WHEN["deferred" if live.deferred else "immediate" if live.deferrable else None]


def _of_model(mapped: Mapped, live: LiveConstraint) -> str | None:
    """Return when a model expects a constraint to be checked; None if it has none like it."""
    declared = mapped.model.constraints
    named = [c for c in declared if c.kind in ("unique", "exclusion") and c.name == live.name]
    times = [WHEN[c.deferrable] for c in named or (c for c in declared if _is_like(c, live))]
    if not named and live.kind != "x" and frozenset(live.columns) in _plainly_unique(mapped):
        times.append(WHEN[None])
    # Several may be on the same columns: it is one of them, if it can be.
    return _when(live) if _when(live) in times else next(iter(times), None)


def _is_like(declared: ModelConstraint, live: LiveConstraint) -> bool:
    alike = declared.kind == "unique" and live.kind == "u" and not declared.special
    return alike and set(declared.columns) == set(live.columns)


def _plainly_unique(mapped: Mapped) -> set[frozenset[str]]:
    """Return the columns that are unique without a constraint of ``Meta``."""
    declared = [c for c in mapped.model.constraints if c.kind == "unique" and not c.special]
    together = list(mapped.model.unique)  # it also lists each constraint without a condition
    for constraint in declared:
        if constraint.columns in together:
            together.remove(constraint.columns)
    plain = {frozenset(mapped.model.key), *(frozenset(columns) for columns in together)}
    return plain | {frozenset((field.column,)) for field in mapped.model.fields if field.unique}


def _served_otherwise(mapped: Mapped, live: LiveConstraint, wanted: str) -> bool:
    """Say whether another constraint or index on the same columns does what the model wants."""
    others = [c for c in mapped.table.constraints if c is not live and c.kind == live.kind]
    return live.kind != "x" and any(set(c.columns) == set(live.columns) and _when(c) == wanted for c in others)


@rule("HO145")
def nulls(subject: Subject) -> Iterator[Observation]:
    """Two NULLs are duplicates for models and database alike.

    What is wrong
    -------------
    A unique index lets NULL come twice and the model does not (`nulls_distinct=False`), or the other way round.

    Why it hurts
    ------------
    Too strict: the second NULL of that model fails (breaking). Too lax: the other system may write duplicates (risky).

    Example
    -------
    `UNIQUE NULLS NOT DISTINCT (email)` in the database; the model knows an ordinary unique field.

    Mend
    ----
    Make the constraint as the models say, or correct the model.

    ```sql
    ALTER TABLE public.users DROP CONSTRAINT users_email_key, ADD CONSTRAINT users_email_key UNIQUE (email);
    ```
    """
    for mapped in _tables(subject):
        for index in mapped.table.indexes:
            if not index.unique or not any(mapped.table.columns[c].null for c in index.columns):
                continue
            declared = _declared(mapped, index)
            if declared is None or declared == index.nulls_distinct:
                continue
            where = f"{mapped.table} ({index.name})"
            if index.nulls_distinct:
                found, effect = "lets NULL come twice", "does not: the other writer may make duplicates"
                severity: Severity = "risky"
            else:
                found, effect = "takes two NULLs for duplicates", "does not: its second NULL fails"
                severity = "breaking"
            expected = f"{mapped.model.label} {effect}"
            todo = "Make the constraint NULLS DISTINCT, or NOT DISTINCT, as the models say, or correct the model."
            yield Observation(
                where=where,
                found=found,
                expected=expected,
                todo=todo,
                severity=severity,
                hurts=mapped.system.side,
            )


def _declared(mapped: Mapped, index: LiveIndex) -> bool | None:
    """Return whether a model expects NULLs to be distinct in an index; None if it has none like it."""
    declared = [c for c in mapped.model.constraints if c.kind == "unique"]
    named = [c for c in declared if c.name == index.name]
    like = [c for c in declared if not (c.special or index.special) and set(c.columns) == set(index.columns)]
    expected = [c.nulls_distinct is not False for c in named or like]
    if not named and not index.special and frozenset(index.columns) in _plainly_unique(mapped):
        expected.append(True)
    # Several may be on the same columns: it is one of them, if it can be.
    return index.nulls_distinct if index.nulls_distinct in expected else next(iter(expected), None)
