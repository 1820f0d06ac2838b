"""The states of a move and the commands that lead from one to another. This table alone decides.

A state that ends in "-ing" in the middle of a command holds until every action of that command is done, so a crash
leaves the state that says so, and the journal names the action.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from handover.runs.states import Transition, allowed_commands, find_transition
from handover.side import Side

State = Literal[
    "none",
    "preparing",
    "beginning",
    "parallel",
    "ending",
    "switching",
    "switched",
    "verifying",
    "rolling_back",
    "rolled_back",
    "cleaning",
    "cleaned",
]
STATES: tuple[State, ...] = get_args(State)
PeopleReach = Side | Literal["either"]


@dataclass(frozen=True)
class StateDescription:
    """What a state means, in ``text``, which system ``people_reach``, and the command to type next."""

    text: str
    people_reach: PeopleReach
    next_command: str


DESCRIPTIONS: dict[State, StateDescription] = {
    "none": StateDescription("there is no journal yet", Side.ORIGINAL, "handover init-journal --apply"),
    "preparing": StateDescription(
        "the journal is there; nothing has begun", Side.ORIGINAL, "handover cutover begin --apply"
    ),
    "beginning": StateDescription("the record's TTL is being lowered", Side.ORIGINAL, "handover resume"),
    "parallel": StateDescription(
        "both systems run on one database; people reach the original", Side.ORIGINAL, "handover cutover plan"
    ),
    "ending": StateDescription("the record gets its former TTL again", Side.ORIGINAL, "handover resume"),
    "switching": StateDescription("people are being moved to the backend", "either", "handover resume"),
    "switched": StateDescription("people reach the backend, watched closely", Side.BACKEND, "handover verify"),
    "verifying": StateDescription("people reach the backend, watched loosely", Side.BACKEND, "handover verify"),
    "rolling_back": StateDescription("people are being moved back to the original", "either", "handover resume"),
    "rolled_back": StateDescription("people reach the original again", Side.ORIGINAL, "handover cutover plan"),
    "cleaning": StateDescription("the original is being decommissioned", Side.BACKEND, "handover resume"),
    "cleaned": StateDescription("the original is gone, the database stays", Side.BACKEND, "handover report"),
}


TRANSITIONS: tuple[Transition, ...] = (
    Transition("init-journal", ("none",), None, "preparing"),
    Transition("begin", ("preparing",), "beginning", "parallel"),
    Transition("end", ("beginning", "parallel", "rolled_back"), "ending", "preparing"),
    Transition("cutover", ("parallel", "rolled_back"), "switching", "switched"),
    Transition("verify", ("switched",), None, "verifying"),
    Transition("rollback", ("switching", "switched", "verifying", "cleaning"), "rolling_back", "rolled_back"),
    Transition("cleanup", ("verifying",), "cleaning", "cleaned"),
)
TRANSITION_BY_COMMAND = {transition.command: transition for transition in TRANSITIONS}
# What `handover resume --back` does in a state that is being passed through.
COMMAND_BACK: dict[State, str] = {"beginning": "end", "switching": "rollback", "cleaning": "rollback"}


def allowed(state: State) -> tuple[str, ...]:
    """Return the commands that a state allows."""
    return allowed_commands(TRANSITIONS, state)


def transition(command: str, state: str) -> Transition:
    """Return where a command leads from a state.

    Raises
    ------
    Refused
        The state does not allow it.
    """

    def describe(name: str) -> tuple[str, str]:
        description = DESCRIPTIONS[as_state(name)]
        return description.text, description.next_command

    return find_transition(TRANSITIONS, command, state, describe)


def as_state(name: str) -> State:
    """Return a name of a state as the state."""
    return next(state for state in STATES if state == name)
