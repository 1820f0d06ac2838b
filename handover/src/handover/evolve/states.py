"""The states of an evolution and the commands that lead from one to another. This table alone decides."""

from dataclasses import dataclass
from typing import Literal, get_args

from handover.runs.states import Transition, allowed_commands, find_transition

EvolveState = Literal[
    "none",
    "starting",
    "expanded",
    "switching",
    "switched",
    "contracting",
    "contracted",
    "rolling_back",
    "rolled_back",
]
EVOLVE_STATES: tuple[EvolveState, ...] = get_args(EvolveState)


@dataclass(frozen=True)
class EvolveDescription:
    """What a state means, in ``text``, and the command to type next; ``{name}`` there is the evolution's name."""

    text: str
    next_command: str


EVOLVE_DESCRIPTIONS: dict[EvolveState, EvolveDescription] = {
    "none": EvolveDescription("it has not begun", "handover evolve start {name} --apply"),
    "starting": EvolveDescription(
        "the new shape is being built beside the old one; clients use the old one", "handover resume"
    ),
    "expanded": EvolveDescription(
        "both shapes are there and kept in step; the table has the old names", "handover evolve switch {name} --apply"
    ),
    "switching": EvolveDescription("the names are being changed, in one transaction", "handover resume"),
    "switched": EvolveDescription(
        "both shapes are there and kept in step; the table has the new names", "handover evolve contract {name} --apply"
    ),
    "contracting": EvolveDescription("the old shape is being dropped; nothing leads back", "handover resume"),
    "contracted": EvolveDescription("only the new shape is there", "handover check"),
    "rolling_back": EvolveDescription("what was begun is being removed", "handover resume"),
    "rolled_back": EvolveDescription(
        "nothing of it is left; only the old shape is there", "handover evolve start {name} --apply"
    ),
}
START, SWITCH, ROLLBACK, CONTRACT = "evolve start", "evolve switch", "evolve rollback", "evolve contract"
EVOLVE_TRANSITIONS: tuple[Transition, ...] = (
    Transition(START, ("none", "rolled_back"), "starting", "expanded"),
    Transition(SWITCH, ("expanded",), "switching", "switched"),
    Transition(ROLLBACK, ("starting", "expanded", "switching", "switched"), "rolling_back", "rolled_back"),
    Transition(CONTRACT, ("switched",), "contracting", "contracted"),
)
# Only one evolution at a time is in any other state.
AT_REST: tuple[EvolveState, ...] = ("none", "contracted", "rolled_back")
# In these, `handover resume --back` rolls back.
WITH_WAY_BACK: tuple[EvolveState, ...] = ("starting", "switching")


def describe(state: str, name: str) -> tuple[str, str]:
    """Return what a state means, and the command to type next for the evolution ``name``."""
    description = EVOLVE_DESCRIPTIONS[next(known for known in EVOLVE_STATES if known == state)]
    return description.text, description.next_command.format(name=name)


def evolve_transition(command: str, state: str, name: str) -> Transition:
    """Return where a command leads from a state.

    Parameters
    ----------
    command, state
        The command, and the state.
    name
        The evolution's name, for the message.

    Raises
    ------
    Refused
        The state does not allow it.
    """
    return find_transition(EVOLVE_TRANSITIONS, command, state, lambda known: describe(known, name))


def evolve_allowed(state: str) -> tuple[str, ...]:
    """Return the commands that a state allows."""
    return allowed_commands(EVOLVE_TRANSITIONS, state)
