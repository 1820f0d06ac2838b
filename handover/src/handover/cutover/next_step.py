"""The next step that works, in every state: while a command is at work, during a pause, without the database."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from handover.config.config import Config
from handover.cutover import plan
from handover.cutover.attempt import FIRST, attempt_of
from handover.cutover.planning import check_target
from handover.cutover.position import Position
from handover.cutover.states import COMMAND_BACK, DESCRIPTIONS, State, allowed
from handover.cutover.watch_health import TO_VERIFY, WatchHealth
from handover.cutover.ways.chosen import chosen_way
from handover.cutover.ways.way import deciding
from handover.errors import HandoverError
from handover.journal.journal import Journal
from handover.journal.lease import LeaseHolder, holder_here
from handover.journal.processes import RunningProcess
from handover.journal.seal import SHORT, SealState
from handover.runs.position import CommandRun, last_ended
from handover.side import Side
from handover.wording import one_line

LOOK, BACK = "handover status", "handover resume --back"
ROLLBACK = "handover rollback --apply --because REASON"
# These hold no lease, so no command waits for them.
BESIDE = ("verify --follow", "report --serve", "backup", "restore", "load")
# States in which people know where they are: a person can say that one of them holds.
AT_REST: tuple[State, ...] = ("preparing", "parallel", "switched", "verifying", "rolled_back", "cleaned")


@dataclass(frozen=True)
class NextStep:
    """What to do next.

    Attributes
    ----------
    command
        What to type: it works now, or as soon as ``first`` is done.
    first
        What a person does, or waits for, before; empty when it works now.
    then
        What to type after it; empty when the command itself says it.
    back
        What to type instead to go back; empty when nothing leads back.
    settled
        Whether the state alone decides it: no pause, no command at work, no trouble.
    """

    command: str
    first: str = ""
    then: str = ""
    back: str = ""
    settled: bool = True

    def as_json(self) -> dict[str, str]:
        """Return it for machines; an empty text stands for nothing."""
        return {"command": self.command, "first": self.first, "then": self.then, "back": self.back}

    def __str__(self) -> str:
        first = f"first {self.first}; then " if self.first else ""
        then = f"; then {self.then}" if self.then else ""
        back = f" (or back: {self.back})" if self.back else ""
        return f"{first}{self.command}{then}{back}"


@dataclass(frozen=True)
class Circumstances:
    """What else decides which step works: see :class:`handover.cutover.status.Status`.

    Attributes
    ----------
    holder, processes
        Which command holds the lease, and which processes run in this folder.
    trouble
        Why the journal's database was not read; empty when it was.
    copied
        Whether the copy of this folder has entries.
    seals
        What the seals of the journal say.
    agrees
        Whether the name servers say what the journal says.
    moved, now
        When people were last moved to the backend, and the time by the database's clock; None when not known.
    attempt
        The number of the present attempt.
    health
        How the watch is.
    """

    holder: LeaseHolder | None = None
    processes: tuple[RunningProcess, ...] = ()
    trouble: str = ""
    copied: bool = False
    seals: SealState = SealState()  # noqa: RUF009 - it is frozen
    agrees: bool | None = None
    moved: datetime | None = None
    now: datetime | None = None
    attempt: int = FIRST
    health: WatchHealth = field(default_factory=WatchHealth)


def circumstances(
    journal: Journal,
    who: LeaseHolder | None,
    here: tuple[RunningProcess, ...],
    *,
    agrees: bool | None,
    health: WatchHealth,
) -> Circumstances:
    """Return what decides which step works, as it is now.

    Parameters
    ----------
    journal
        Its entries were read.
    who, here, agrees, health
        See :class:`Circumstances`.
    """
    entries = journal.entries()
    now = None if journal.trouble else journal.now()
    copied = bool(journal.copy.entries())
    moved = last_ended(entries, "cutover")
    attempt = attempt_of(entries)
    return Circumstances(who, here, journal.trouble, copied, journal.seals, agrees, moved, now, attempt, health)


def next_step(config: Config, position: Position, about: Circumstances) -> NextStep:
    """Return the next step that works.

    Parameters
    ----------
    config, position, about
        The pair, how far the move is, and what else decides.
    """
    return next(_in_the_way(config, position, about), None) or _of_state(config, position, about)


def _in_the_way(config: Config, position: Position, about: Circumstances) -> Iterator[NextStep]:
    """Yield what comes before anything that the state allows, the most urgent first."""
    if at_work := _at_work(config, about):
        yield NextStep(LOOK, f"wait until {at_work} ends, or stop it: handover pause", settled=False)
    if about.trouble:
        yield _without_database(position, about)
    if about.seals.foreign and not about.seals.unsealed:
        machine = about.seals.foreign[0].machine
        first = f"copy the key of the journal from {machine} into a file here, as it is said above"
        yield NextStep("handover init-journal --journal-key FILE", first, settled=False)
    if not about.seals.compared:
        yield NextStep(_accept(about.seals), "read the entries that cannot be compared", settled=False)
    if position.paused:
        yield NextStep("handover pause --lift", settled=False)
    if position.conflict:
        command = f"{_accept(about.seals)} --state {'|'.join(AT_REST)}"
        yield NextStep(command, "find out which of the two happened", settled=False)


def _accept(seals: SealState) -> str:
    return f"handover init-journal --accept {seals.digest[:SHORT]} --because REASON"


def _at_work(config: Config, about: Circumstances) -> str:
    """Return which command is at work, here or elsewhere; empty when none is, also after one that was killed."""
    acting = [one for one in about.processes if one.acts and one.command not in BESIDE]
    if acting:
        return f"`{acting[0].command}` of {acting[0].who} (pid {acting[0].pid})"
    if about.holder and not holder_here(config, about.holder):
        one = about.holder
        lost = f"if it was killed, its lease runs out in {one.left_s} s"
        return f"`{one.command}` of {one.who} on {one.machine} (pid {one.pid}; {lost})"
    return ""


def _without_database(position: Position, about: Circumstances) -> NextStep:
    first = f"let the journal's database answer: {one_line(about.trouble).rstrip('.')}"
    if not about.copied:
        return NextStep(LOOK, first, settled=False)
    back = ""
    if "rollback" in allowed(position.state):
        back = "handover rollback --apply --copy-alone --because REASON"
    elif position.state == "rolling_back":
        back = "handover resume --copy-alone"
    if back and position.paused:
        back = f"handover pause --lift --copy-alone, then {back}"
    return NextStep(LOOK, first, back=back, settled=False)


def _of_state(config: Config, position: Position, about: Circumstances) -> NextStep:
    if position.run is not None:
        return _resume(config, position, position.run)
    first = _declared(config)
    if about.agrees is False:
        side = DESCRIPTIONS[position.state].people_reach
        first = first or f"find out why people do not reach the {side} alone; another program may have changed that"
    if position.state in ("parallel", "rolled_back"):
        checksum = _usable_plan(config, about)
        if checksum and not first:
            return NextStep(
                "handover gates", then=f"when all are green: handover cutover --apply {checksum[: plan.SHORT]}"
            )
        return NextStep("handover cutover plan", first)
    if position.state == "verifying" and about.health.well and _is_over(config, about):
        if not config.cleanup.decommission:
            first = first or "declare the hooks that end the original: [cleanup] decommission"
        return NextStep(" ".join(["handover cleanup --apply", *_confirm(config.cleanup.decommission)]), first)
    back = ROLLBACK if position.state in TO_VERIFY and about.health.backend_red else ""
    return NextStep(DESCRIPTIONS[position.state].next_command, first, back=back)


def _resume(config: Config, position: Position, run: CommandRun) -> NextStep:
    """Return how an interrupted command goes on; a decommission hook is confirmed by its name."""
    first = f"mend why `{run.begun or run.command}` failed, as it is said above" if run.error else ""
    done = {name.removeprefix("decommission: ") for name in run.done}
    left = [name for name in config.cleanup.decommission if name not in done] if position.state == "cleaning" else []
    back = BACK if _leads_back(config, position, run) else ""
    return NextStep(" ".join(["handover resume", *_confirm(left)]), first, back=back)


def _confirm(names: tuple[str, ...] | list[str]) -> Iterator[str]:
    return (f"--confirm {name}" for name in names)


def _leads_back(config: Config, position: Position, run: CommandRun) -> bool:
    if position.state == "rolling_back":
        return can_be_given_up(config, run)
    return position.state in COMMAND_BACK


def can_be_given_up(config: Config, run: CommandRun) -> bool:
    """Say whether a rollback that is under way can be given up: people were not sent anywhere yet.

    Parameters
    ----------
    config, run
        The pair, and the rollback.
    """
    decides, source = deciding(chosen_way(config).back()), str(run.facts.get("source"))
    return decides not in run.done and run.begun != decides and source in ("switched", "verifying")


def _declared(config: Config) -> str:
    """Return what ``handover.toml`` lacks for a switch; empty when it lacks nothing."""
    try:
        chosen_way(config).values(Side.ORIGINAL)
    except HandoverError as error:
        return f"complete handover.toml: {error.args[0]}".rstrip(".")
    return ""


def _usable_plan(config: Config, about: Circumstances) -> str:
    """Return the checksum of the newest plan; empty when there is none that may be applied."""
    try:
        made = plan.newest(config)
        check_target(config, made)
    except (HandoverError, OSError):
        return ""
    return made.checksum if made and made.attempt == about.attempt else ""


def _is_over(config: Config, about: Circumstances) -> bool:
    """Say whether close and loose watching, and the waiting time of the clean-up, are over."""
    if about.now is None or about.moved is None:
        return False
    wait_h = max(config.verify.close_h + config.verify.loose_h, config.cleanup.after_h)
    return about.now - about.moved >= timedelta(hours=wait_h)
