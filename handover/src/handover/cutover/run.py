"""Perform a command action by action: the journal knows each before it begins and after it is done."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from handover.config.config import Config, Dns
from handover.cutover import provider as dns_provider
from handover.cutover.position import Position, Run, fold
from handover.cutover.states import transition
from handover.errors import HandoverError, Refused
from handover.journal.journal import Journal
from handover.journal.lease import Lease


@dataclass
class Night:
    """What an action needs.

    Attributes
    ----------
    config, journal, lease
        The pair, its journal, the right to act.
    say
        Receives a line of progress.
    confirm
        Asks a person about one step that cannot be taken back.
    at
        Called with the name of each point that a crash could fall on.
    facts
        What the command was given; the same again when it is resumed.
    """

    config: Config
    journal: Journal
    lease: Lease
    say: Callable[[str], None]
    confirm: Callable[[str], bool] = lambda _: False
    at: Callable[[str], None] = lambda _: None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def dns(self) -> Dns:
        """The section ``[dns]`` with all that a switch needs."""
        return dns_provider.require(self.config)

    @property
    def record(self) -> str:
        """The record that is moved: the one people use, or the rehearsal's."""
        return str(self.facts.get("record", self.dns.record))

    def position(self) -> Position:
        """Return where the move is."""
        return fold(self.journal.entries())


Evidence = Mapping[str, Any]


@dataclass(frozen=True)
class Action:
    """One step of a command; doing it twice is doing it once.

    Attributes
    ----------
    name
        What it does, for people.
    do
        Does it, and returns what the journal keeps of it.
    change
        Returns the change of the record that it is about to make, ``{"from": …, "to": …}``.
    """

    name: str
    do: Callable[[Night], Evidence]
    change: Callable[[Night], Mapping[str, Any]] | None = None


@dataclass(frozen=True)
class Command:
    """Actions in their order, and ``preflight``: what must hold before the first of them changes anything.

    ``preflight`` is asked again when the command is resumed before its action ``decides`` was done.
    """

    name: str
    actions: tuple[Action, ...]
    preflight: Callable[[Night], Evidence]
    decides: str


def begin(night: Night, command: Command, facts: Mapping[str, Any]) -> Position:
    """Perform a command from its first action; return where that leads.

    Raises
    ------
    Refused
        The state does not allow it, everything is paused, or its preflight does not hold. Nothing was changed.
    """
    position = settled(night)
    found = transition(command.name, position.state)
    assert found.through is not None  # noqa: S101 - a command with actions has a state of its own
    night.facts = {**facts, "source": position.state}
    asked = dict(command.preflight(night))
    run = Run(str(uuid4()), command.name, found.target, tuple(a.name for a in command.actions))
    body = {
        "run": run.id,
        "command": run.command,
        "source": position.state,
        "through": found.through,
        "target": found.target,
        "actions": list(run.actions),
        "facts": night.facts,
        "preflight": asked,
    }
    night.at("begin")
    night.journal.add("run", body)
    night.at("begun")
    return _perform(night, command, run)


def go_on(night: Night, command: Command, run: Run) -> Position:
    """Perform what is left of a command that was interrupted; return where that leads."""
    night.facts = run.facts
    if command.decides not in run.done:
        command.preflight(night)
    return _perform(night, command, run)


def settled(night: Night) -> Position:
    """Return the position after catching up.

    Raises
    ------
    Refused
        Everything is paused, or the journal contradicts itself.
    """
    if not night.journal.copy_alone:
        for entry in night.journal.catch_up():
            night.say(f"the journal had missed {entry.kind} of {entry.who} at {entry.at:%H:%M:%S}; it has it now")
    position = night.position()
    if position.conflict:
        message = f"the journal tells two stories: {position.conflict}. Nothing was changed."
        raise Refused(f"{message} Find out which happened (handover status), then roll back.", code="HO506")
    check_pause(position)
    return position


def check_pause(position: Position) -> None:
    """Raise when everything is paused."""
    if position.paused:
        by = position.paused
        why = by.body.get("because") or "no reason given"
        message = f"everything is paused by {by.who} on {by.machine} since {by.at:%F %T %Z}: {why}."
        raise Refused(f"{message} Lift it: handover pause --lift", code="HO507")


def _perform(night: Night, command: Command, run: Run) -> Position:
    for action in command.actions:
        if action.name not in run.done:
            _act(night, run, action)
    night.at("end")
    night.journal.add("ended", {"run": run.id, "target": run.target}, after_the_fact=True)
    night.at("ended")
    return night.position()


def _act(night: Night, run: Run, action: Action) -> None:
    night.lease.check()
    check_pause(night.position())
    about = {"run": run.id, "action": action.name}
    change = {"record": dict(action.change(night))} if action.change else {}
    night.at(f"{action.name}: before")
    night.journal.add("action", {**about, "phase": "begun", **change})
    night.at(f"{action.name}: begun")
    night.say(action.name)
    began = time.monotonic()
    try:
        evidence = dict(action.do(night))
    except HandoverError as error:
        night.journal.add("action", {**about, "phase": "failed", "error": str(error)}, after_the_fact=True)
        raise
    took = round(time.monotonic() - began, 3)
    night.at(f"{action.name}: done")
    body = {**about, "phase": "done", "seconds": took, "evidence": evidence, **change}
    night.journal.add("action", body, after_the_fact=True)
    night.at(f"{action.name}: written")
