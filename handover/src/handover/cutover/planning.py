"""A plan made anew, and a plan for people."""

from dataclasses import replace

from handover.config.config import Config
from handover.cutover.attempt import FIRST
from handover.cutover.plan import CutoverPlan
from handover.cutover.ways.chosen import chosen_way


def make_plan(config: Config, attempt: int = FIRST) -> CutoverPlan:
    """Return the plan of a switch to the backend in an attempt of the move, as everything is now.

    Raises
    ------
    Refused
        There is nothing to switch, or it is not as it should be before.
    """
    return replace(chosen_way(config).plan(), attempt=attempt)


def plan_lines(config: Config, plan: CutoverPlan) -> list[str]:
    """Return a plan for people."""
    first, *others = chosen_way(config).plan_lines(plan)
    return [f"{first} (attempt {plan.attempt})" if plan.attempt != FIRST else first, *others]
