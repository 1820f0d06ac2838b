"""A plan made anew, and a plan for people."""

from handover.config.config import Config
from handover.cutover.plan import CutoverPlan
from handover.cutover.ways.chosen import chosen_way


def make_plan(config: Config) -> CutoverPlan:
    """Return the plan of a switch to the backend, as everything is now.

    Raises
    ------
    Refused
        There is nothing to switch, or it is not as it should be before.
    """
    return chosen_way(config).plan()


def plan_lines(config: Config, plan: CutoverPlan) -> list[str]:
    """Return a plan for people."""
    return chosen_way(config).plan_lines(plan)
