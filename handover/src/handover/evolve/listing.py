"""A plan for people and for the DBA: each statement with the lock it takes, and how long it may wait."""

from collections.abc import Iterable, Iterator

from handover.config.evolve import EvolveSettings
from handover.evolve.statement import EvolutionPlan, EvolveStatement, EvolveStep, Part
from handover.wording import counted, identifier, one_line

SHORT = 12
TITLES: dict[Part, str] = {
    "start": "Start: build the new shape beside the old one",
    "switch": "Switch: change the names",
    "back": "Rollback, first: change the names back",
    "remove": "Rollback: remove what the start made",
    "contract": "Contract: drop the old shape; nothing leads back",
    "validate": "Validate: compare every row",
}
_HOW = {"transaction": "one transaction", "alone": "alone, outside of a transaction", "batches": "in batches"}


def plan_lines(plan: EvolutionPlan, parts: Iterable[Part]) -> list[str]:
    """Return a plan for people.

    Parameters
    ----------
    plan, parts
        The plan, and the parts of it to show.
    """
    lines = [f"Plan {plan.checksum[:SHORT]} of {plan.evolution}: {', '.join(plan.tables) or 'no table'}"]
    for part in parts:
        lines += ["", TITLES[part]]
        for number, step in enumerate(plan.part(part), 1):
            lines += [f"{number:3}. {step.name} ({_HOW[step.how]})", *(f"     {one}" for one in _costs(step))]
        if not plan.part(part):
            lines.append("     nothing to do")
    lines += [f"Beware: {note}" for note in plan.notes]
    return lines


def _costs(step: EvolveStep) -> Iterator[str]:
    for statement in step.statements:
        yield f"{_cost(statement):<52} {one_line(statement.sql)[:100]}"


def _cost(statement: EvolveStatement) -> str:
    if statement.lock == "none":
        return "no lock on a table that is there"
    wait = "as long as it takes" if statement.wait_ms is None else f"at most {statement.wait_ms} ms"
    return f"{statement.lock} on {statement.table}, waits {wait}"


def evolve_script(plan: EvolutionPlan, parts: Iterable[Part], settings: EvolveSettings) -> str:
    """Return the statements as a psql script for review; the toolkit runs the same, with retries and its journal.

    Parameters
    ----------
    plan, parts
        The plan, and the parts of it to print.
    settings
        The section ``[evolve]``.
    """
    lines = [_comment(f"{plan.evolution}, plan {plan.checksum}"), *map(_comment, plan.notes), "\\set ON_ERROR_STOP on"]
    for part in parts:
        lines += ["", _comment(TITLES[part])]
        for step in plan.part(part):
            lines += ["", _comment(step.name), *_script_of(step, settings)]
    return "\n".join([*lines, ""])


def _script_of(step: EvolveStep, settings: EvolveSettings) -> Iterator[str]:
    costs = (_comment(_cost(statement)) for statement in step.statements)
    if step.how == "batches":
        yield _comment(f"In batches, by the toolkit: {step.work or 'see below'}. One batch:")
        for statement in step.statements:
            yield from (_comment(line) for line in statement.sql.splitlines())
        return
    if step.how == "alone":
        for statement, cost in zip(step.statements, costs, strict=True):
            yield from (cost, f"{statement.sql};")
        return
    yield "BEGIN;"
    yield f"SET LOCAL lock_timeout = '{settings.lock_timeout_ms}ms';"
    yield f"SET LOCAL search_path = {identifier(settings.shared_schema)};"
    for statement, cost in zip(step.statements, costs, strict=True):
        wait = "0" if statement.wait_ms is None else f"'{statement.wait_ms}ms'"
        yield from (cost, f"SET LOCAL lock_timeout = {wait};", f"{statement.sql};")
    yield "COMMIT;"


def _comment(text: str) -> str:
    return f"-- {one_line(text)}"


def summary(plan: EvolutionPlan) -> str:
    """Return how much a plan does, in a few words."""
    statements = sum(len(step.statements) for step in plan.start)
    return f"{counted(len(plan.start), 'step')}, {counted(statements, 'statement')}"
