"""Commands that crash at a named point, and what must hold after a crash at any point.

Commands with actions crash at the points of their runs. Commands that only add entries to the journal (pause, verify,
a signature) are :class:`EntryCommand`; they crash before each entry that they store.
"""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from handover.cutover.attempt import present_attempt
from handover.cutover.commands import commands, resume_back, resume_command
from handover.cutover.context import open_context
from handover.cutover.gate_context import gate_context
from handover.cutover.planning import make_plan
from handover.cutover.position import Position, position_of
from handover.cutover.sign import SIGNABLE, signature_of, signing_roles
from handover.cutover.states import DESCRIPTIONS, TRANSITIONS, allowed
from handover.cutover.status import Status, status_lines
from handover.errors import Refused
from handover.journal.account import this_account
from handover.journal.copy import JournalCopy
from handover.journal.journal import Journal, opened
from handover.runs.command import start_command
from handover_testing.night import Story

UNPROVEN = "the matrix is about the record"
SIGNER = "DevOps"


class Crash(BaseException):
    """The process is gone: nothing of it runs any more."""


@dataclass
class Crasher:
    """Crashes at a point; notes every point that was passed."""

    point: str
    seen: list[str] = field(default_factory=list)

    def __call__(self, point: str) -> None:
        self.seen.append(point)
        if point == self.point:
            raise Crash(point)


@dataclass
class Witness:
    """Notes the points at which a crash makes a difference: since the point before, something was stored."""

    story: Story
    points: list[str] = field(default_factory=list)
    kept: list[object] = field(default_factory=list)

    def __call__(self, point: str) -> None:
        with opened(self.story.config) as journal:
            now = (len(journal.entries()), self.story.stage.stored(self.story))
        if now not in self.kept:
            self.kept.append(now)
            self.points.append(point)


@dataclass(frozen=True)
class EntryCommand:
    """A command without actions of its own.

    Attributes
    ----------
    perform
        Does it, as its command line does; a second time after a crash too.
    is_done
        Says whether it is done.
    prepare
        Leads to where it may be performed, and is not done.
    states
        Where it is allowed; empty: everywhere.
    """

    perform: Callable[[Story], object]
    is_done: Callable[[Story], bool]
    prepare: Callable[[Story], object] = lambda _: None
    states: tuple[str, ...] = ()


@contextmanager
def crashing_at_entry(number: int) -> Iterator[None]:
    """Crash in place of the n-th time that the database or the copy gets entries, from 1."""
    inserted, added = Journal._insert, JournalCopy.add
    left = iter(range(number - 1, -1, -1))

    def insert(*arguments: object, **named: object) -> object:
        if next(left, None) == 0:
            raise Crash
        return inserted(*arguments, **named)  # type: ignore[arg-type]

    def add(copy: JournalCopy, *entries: object) -> None:
        if entries and next(left, None) == 0:
            raise Crash
        added(copy, *entries)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Journal, "_insert", insert)
        patch.setattr(JournalCopy, "add", add)
        yield


def crashes_at_entry(perform: Callable[[], object], number: int) -> bool:
    """Perform something that crashes before its n-th entry is stored; return whether it came so far."""
    try:
        with crashing_at_entry(number):
            perform()
    except Crash:
        return True
    return False


def facts_of(story: Story, command: str) -> dict[str, object]:
    more = dict(story.stage.facts(story, command))
    if command == "cutover":
        return {"plan": make_plan(story.config, present_attempt(story.config)).as_json(), **more}
    return {"because": "the matrix", "unproven": UNPROVEN, "confirmed": story.config.cleanup.decommission, **more}


def run(story: Story, command: str, at_point: Callable[[str], None] = lambda _: None) -> Position:
    """Perform a command as its command line does, in this process."""
    with open_context(story.config, command, say=lambda _: None, at_point=at_point) as context:
        facts = {**facts_of(story, command), "decided_at": context.journal.now().isoformat()}
        start_command(context, commands(story.config)[command], facts)
        return context.position()


def crash(story: Story, command: str, point: str) -> None:
    """Perform a command until it crashes at a point."""
    crasher = Crasher(point)
    try:
        run(story, command, crasher)
    except Crash:
        return
    raise AssertionError(f"{command} never passed {point!r}: {crasher.seen}")


def points_of(story: Story, command: str) -> list[str]:
    """Perform a command to its end; return the points at which a crash makes a difference."""
    witness = Witness(story)
    run(story, command, witness)
    return witness.points


def go_on(story: Story) -> Position:
    with open_context(story.config, "resume", say=lambda _: None) as context:
        context.confirm = lambda _: True
        return resume_command(context)


def go_back(story: Story) -> Position:
    with open_context(story.config, "resume", say=lambda _: None) as context:
        return resume_back(context, "the matrix", unproven=UNPROVEN)


def check_refusals(story: Story) -> None:
    """Every command that the state does not allow says so and changes nothing: not the journal, not the record."""
    with opened(story.config) as journal:
        before = [e.id for e in journal.entries()]
    state, people = story.state(), story.stage.reached(story)
    for transition in TRANSITIONS:
        if transition.through is None or transition.command in allowed(state):
            continue
        with pytest.raises(Refused, match=rf"the state is {state}: .*Nothing was changed\.|nothing to switch"):
            run(story, transition.command)
        with opened(story.config) as journal:
            assert [e.id for e in journal.entries()] == before
    assert story.stage.reached(story) == people


def prepare_to_sign(story: Story) -> None:
    """Let a gate ask for a signature that is not there: this account has another label from now on."""
    if SIGNER not in signing_roles(story.config):
        story.declare(f'[[gates]]\nid = "signed"\nkind = "sign-offs"\nreason = "one answers"\nroles = ["{SIGNER}"]\n')
    story.pair.patch.setenv("HANDOVER_OPERATOR", f"signer {secrets.token_hex(4)}")


def sign(story: Story) -> None:
    """Sign as the command line does, in this process."""
    with opened(story.config) as journal:
        state = position_of(journal.entries()).state
        reviewed = make_plan(story.config, present_attempt(story.config)) if state in SIGNABLE else None
        context = gate_context(story.config, journal, reviewed)
        journal.add("signature", signature_of(context, SIGNER, "the matrix"))


def is_signed(story: Story) -> bool:
    """Say whether the newest signature is of this account under its present label."""
    made = [entry for entry in story.status().entries if entry.kind == "signature"]
    return bool(made) and made[-1].body["signer"]["label"] == this_account().label


SIGN = EntryCommand(sign, is_signed, prepare=prepare_to_sign, states=SIGNABLE)


def check_signing(story: Story) -> None:
    """Where no switch can follow, signing says so and changes nothing."""
    prepare_to_sign(story)
    state, before = story.state(), story.status().entries
    if state not in SIGNABLE:
        with pytest.raises(Refused, match=rf"HO505  the state is {state}: .*to come\. Nothing was signed\."):
            sign(story)
        assert story.status().entries == before


def check_explained(story: Story) -> Status:
    """The status says what holds, and the journal explains it."""
    found = story.status()
    position = found.position
    assert not position.conflict
    assert not found.trouble
    assert found.late == 0 or position.run is None
    people_reach = DESCRIPTIONS[position.state].people_reach
    if position.run is None:
        assert people_reach != "either"
        assert story.stage.reached(story) == [people_reach]
    else:
        assert position.run.begun or len(position.run.done) < len(position.run.actions) or position.run.done
    story.stage.check(story, found)
    text = "\n".join(status_lines(found))
    assert f"State: {position.state}" in text
    assert (position.run is None) or f"Under way: {position.run.command}" in text
    return found
