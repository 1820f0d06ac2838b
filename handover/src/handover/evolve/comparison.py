"""Compares every row, old with new, by the steps that the plan has for it."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from handover.errors import Refused
from handover.evolve.catalog.facts import qualified
from handover.evolve.context import EvolveContext
from handover.evolve.marks import StepMark
from handover.evolve.session import open_session
from handover.evolve.statement import ColumnPair
from handover.evolve.step_context import StepContext
from handover.evolve.validate import compare_lossy
from handover.evolve.works import WORKS
from handover.runs.command import Evidence
from handover.wording import counted

DIFFERING, LOSSY = "HO647", "HO656"
_COLUMNS = """
    SELECT attname::text FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped
"""


def names_switched(context: EvolveContext) -> bool:
    """Say whether the columns have the names of after the switch, by the catalog.

    The state does not say it: a switch, a rollback or a contract that is under way may have come to it or not.

    Raises
    ------
    Refused
        A column has not both shapes.
    """
    switched = False
    with open_session(context.config) as connection:
        for step in _steps(context):
            name = qualified(*step.arguments["table"].split(".", 1))
            there = {str(column) for (column,) in connection.execute(_COLUMNS, [name])}
            for pair in (ColumnPair(**one) for one in step.arguments["pairs"]):
                switched = pair.kept in there
                if not switched and pair.shadow not in there:
                    message = f"{pair.table} has neither {pair.shadow} nor {pair.kept}, so {pair.column} has one shape."
                    raise Refused(f"{message} There is nothing to compare. Go on: handover resume", code="HO505")
    return switched


def compare_rows(context: EvolveContext, *, switched: bool) -> dict[str, Mapping[str, Any]]:
    """Return what each comparison of the plan found, by the name of its step.

    Parameters
    ----------
    context
        What the command acts with.
    switched
        Whether the columns have the names of after the switch.
    """
    return {
        step.name: WORKS[step.work](_given(context, step.name, switched), step.arguments) for step in _steps(context)
    }


def lossy_rows(context: EvolveContext, *, switched: bool) -> dict[str, Mapping[str, Any]]:
    """Return the rows whose old value does not give the new one: a rollback would lose that.

    Parameters
    ----------
    context, switched
        As of :func:`compare_rows`.
    """
    return {
        step.name: compare_lossy(_given(context, f"{step.name}, way back", switched), step.arguments)
        for step in _steps(context)
    }


def require_no_loss(context: EvolveContext, *, switched: bool) -> Evidence:
    """Refuse a rollback that would lose values of the new shape.

    Parameters
    ----------
    context, switched
        As of :func:`compare_rows`.

    Raises
    ------
    Refused
        The old value of a row does not give its new one.
    """
    found = lossy_rows(context, switched=switched)
    number = differing(found)
    if number:
        named = "; ".join(_named(row) for evidence in found.values() for row in evidence["differing"][:5])
        message = f"a rollback would lose the new values of {counted(number, 'row')}: {named}. Nothing was changed."
        raise Refused(
            f"{message} See them all: handover evolve validate. Correct them, or let them go: --accept-loss", code=LOSSY
        )
    return {"rows": sum(int(evidence["rows"]) for evidence in found.values()), "lossy": 0}


def _named(row: Mapping[str, Any]) -> str:
    key = ", ".join(f"{column} {value}" for column, value in row["key"].items())
    return f"{key}: {row['name']} {row['found']!r} is {row['old']!r} in the old shape"


def _steps(context: EvolveContext) -> tuple[Any, ...]:
    return context.plan.validate


def _given(context: EvolveContext, step: str, switched: bool) -> StepContext:  # noqa: FBT001 - of this module alone
    # Each comparison begins anew: what was equal before may differ now.
    mark = StepMark(context.config.journal.role, context.name, str(uuid4()), f"validate: {step}")
    return StepContext(
        config=context.config,
        mark=mark,
        switched=switched,
        go_on=context.go_on,
        say=context.say,
        at_point=context.at_point,
    )


def differing(found: Mapping[str, Mapping[str, Any]]) -> int:
    """Return how many rows differ, in all comparisons."""
    return sum(int(evidence["differing_count"]) for evidence in found.values())


def require_equal(context: EvolveContext) -> Evidence:
    """Compare every row; return how many there are.

    Raises
    ------
    Refused
        A row differs.
    """
    found = compare_rows(context, switched=False)
    return _required(found)


def require_equal_after(context: EvolveContext) -> Evidence:
    """Compare every row after the switch, as :func:`require_equal` does before."""
    return _required(compare_rows(context, switched=True))


def _required(found: Mapping[str, Mapping[str, Any]]) -> Evidence:
    number = differing(found)
    if number:
        named = [str(row) for evidence in found.values() for row in evidence["differing"]][:5]
        message = f"the old and the new shape differ in {counted(number, 'row')}: {'; '.join(named)}."
        raise Refused(f"{message} Nothing more was done. See them all: handover evolve validate", code=DIFFERING)
    return {"rows": sum(int(evidence["rows"]) for evidence in found.values()), "comparisons": len(found)}
