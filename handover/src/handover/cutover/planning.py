"""A plan made anew, a plan for people, and a plan compared with what is declared."""

from dataclasses import replace

from handover.config.config import Config
from handover.cutover import read_only
from handover.cutover.attempt import FIRST
from handover.cutover.plan import SHORT, CutoverPlan
from handover.cutover.states import State
from handover.cutover.ways.chosen import chosen_way
from handover.errors import Refused

OTHER_TARGET = "HO579"
PLANNABLE: tuple[State, ...] = ("none", "preparing", "beginning", "parallel", "ending", "rolled_back")


def make_plan(config: Config, attempt: int = FIRST) -> CutoverPlan:
    """Return the plan of a switch to the backend in an attempt of the move, as everything is now.

    Raises
    ------
    Refused
        There is nothing to switch, or it is not as it should be before.
    """
    return replace(chosen_way(config).plan(), attempt=attempt, read_only=read_only.described(config))


def plan_lines(config: Config, plan: CutoverPlan) -> list[str]:
    """Return a plan for people."""
    first, *others = chosen_way(config).plan_lines(plan)
    limits = [f"  read-only: {plan.read_only}, until the way back"] if plan.read_only else []
    return [f"{first} (attempt {plan.attempt})" if plan.attempt != FIRST else first, *others, *limits]


def check_target(config: Config, plan: CutoverPlan | None) -> None:
    """Raise unless a plan is for what ``handover.toml`` declares now; nothing to do without a plan.

    Parameters
    ----------
    config, plan
        The pair, and the plan that would be applied.

    Raises
    ------
    Refused
        It was made for another way, another record or other addresses.
    """
    if plan is None:
        return
    way = config.switch.way
    differ = chosen_way(config).differing(plan) if plan.way == way else [f"way is {plan.way}, and now {way}"]
    if differ:
        message = f"plan {plan.checksum[:SHORT]} is not for what handover.toml declares now: {'; '.join(differ)}."
        todo = "Nothing was applied. Correct whichever is wrong; for a new plan: handover cutover plan"
        raise Refused(f"{message} {todo}", code=OTHER_TARGET)
