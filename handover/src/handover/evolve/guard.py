"""What every plan must keep to, whatever made it: a plan that could stop the service is refused before it starts."""

from collections import Counter
from collections.abc import Iterator

from handover.errors import Refused
from handover.evolve.statement import PARTS, STRONG, EvolutionPlan, EvolveStatement, EvolveStep
from handover.evolve.works import WORKS


def check_plan(plan: EvolutionPlan) -> None:
    """Raise unless every step of a plan can be run safely.

    Raises
    ------
    Refused
        A statement would hold a strong lock for long or wait for it without a limit, or a step cannot be run.
    """
    wrong = [line for part in PARTS for line in _wrong(part, plan.part(part))]
    if wrong:
        lines = "\n".join(f"       {line}" for line in wrong)
        message = f"the plan of {plan.evolution} is not safe to run; nothing was changed:\n{lines}"
        raise Refused(f"{message}\n       This is a defect of handover: report it.", code="HO641")


def _wrong(part: str, steps: tuple[EvolveStep, ...]) -> Iterator[str]:
    for name, times in Counter(step.name for step in steps).items():
        if times > 1:
            yield f"{part}: {times} steps are named {name!r}"
    for step in steps:
        yield from (f"{part}: {step.name}: {what}" for what in _wrong_step(step))


def _wrong_step(step: EvolveStep) -> Iterator[str]:
    if step.how == "batches":
        if step.work not in WORKS:
            yield f"no work is named {step.work!r}"
        return
    if step.how == "alone" and len(step.statements) != 1:
        yield f"it runs alone and has {len(step.statements)} statements"
    if step.how == "alone" and not all("CONCURRENTLY" in one.sql for one in step.statements):
        yield "it runs alone and is not CONCURRENTLY"
    for statement in step.statements:
        yield from _wrong_statement(step, statement)


def _wrong_statement(step: EvolveStep, statement: EvolveStatement) -> Iterator[str]:
    said = f"`{statement.sql[:60]}` takes {statement.lock} on {statement.table}"
    if statement.lock not in STRONG:
        return
    if not statement.table:
        yield f"`{statement.sql[:60]}` takes {statement.lock} and names no table"
    if step.how == "alone":
        yield f"{said} and runs alone"
    if statement.wait_ms is None:
        yield f"{said} and waits without a limit"
    if statement.long:
        yield f"{said} and holds it as long as the table is large"
