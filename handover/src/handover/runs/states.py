"""States of a stream, and the commands that lead from one to another."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from handover.errors import Refused


@dataclass(frozen=True)
class Transition:
    """A command that leads from some states, through one, to another; ``through`` is None when it has no actions."""

    command: str
    sources: tuple[str, ...]
    through: str | None
    target: str


def allowed_commands(transitions: Iterable[Transition], state: str) -> tuple[str, ...]:
    """Return the commands that a state allows."""
    return tuple(t.command for t in transitions if state in t.sources)


def find_transition(
    transitions: Iterable[Transition], command: str, state: str, describe: Callable[[str], tuple[str, str]]
) -> Transition:
    """Return where a command leads from a state.

    Parameters
    ----------
    transitions, command, state
        The table that decides, the command, and the state.
    describe
        Returns what a state means, and the command to type next.

    Raises
    ------
    Refused
        The state does not allow it.
    """
    found = next(t for t in transitions if t.command == command)
    if state in found.sources:
        return found
    there = ", ".join(found.sources)
    text, todo = describe(state)
    message = f"`{command}` leads from {there}; the state is {state}: {text}. Nothing was changed."
    raise Refused(f"{message} Next: {todo}", code="HO505")
