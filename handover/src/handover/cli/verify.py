"""``handover verify``: is the backend well since the switch?"""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Annotated

import typer

from handover.cli.console import out, print_json, progress
from handover.cli.options import DEFAULT_CONFIG, BecauseOption, ConfigOption, FollowOption, JsonOption
from handover.config.config import Config, load_config
from handover.cutover.commands import commands
from handover.cutover.confirm import CONFIRMATION, confirmation_body, overdue
from handover.cutover.context import RunContext, open_context
from handover.cutover.paging import page
from handover.cutover.verify import (
    VerifyResult,
    advance,
    judge_windows,
    page_about,
    page_no_way_back,
    rollback_reason,
)
from handover.cutover.watched_time import SIGN_OFF, WatchedStretch, sign_off_body
from handover.cutover.ways.chosen import chosen_way
from handover.errors import ConfigurationError, HandoverError, Refused, UnseenError
from handover.journal.journal import JournalError
from handover.journal.processes import StoppedError, registered
from handover.runs.command import settled_position, start_command

BREACH = 4
BUSY = "HO503"  # another operator acts just now
NOT_GREEN = "HO596"
WAIT_FOR_LEASE_S, LOOK_EVERY_S = 10.0, 0.1


def verify(
    config: ConfigOption = DEFAULT_CONFIG,
    follow: FollowOption = False,
    every_s: Annotated[float, typer.Option("--every", min=1.0, help="Seconds between two verifications.")] = 60.0,
    sign_off: Annotated[
        list[str] | None,
        typer.Option("--sign-off", metavar="NAME", help="Sign off time that was not green, by the name shown."),
    ] = None,
    confirm: Annotated[bool, typer.Option("--confirm-switch", help="People stay on the backend.")] = False,
    because: BecauseOption = "",
    as_json: JsonOption = False,
) -> None:
    """Judge the whole watch since the switch; page a person, change to loose watching, or roll back.

    What was not green stays in the verdict until a person signs it off. Exit 4 when a threshold is passed, a
    measurement is missing, something is not signed off, or no window since the switch has ended yet.
    """
    pair = load_config(config)
    if sign_off or confirm:
        decide(pair, sign_off or (), because, confirm=confirm, follow=follow)
        return
    if because:
        raise ConfigurationError("--because is the reason of --sign-off or of --confirm-switch; name one of them.")
    if not follow:
        with open_context(pair, "verify", say=progress.print) as context:
            raise typer.Exit(0 if verify_once(context, as_json=as_json) else BREACH)
    with registered(pair.root, "verify --follow"):
        keep_looking(pair, every_s, as_json=as_json)


def keep_looking(pair: Config, every_s: float, *, as_json: bool) -> None:
    """Verify again and again. A failure to measure does not end this, but pages a person.

    Raises
    ------
    StoppedError
        A pause or a signal ended it.
    Refused
        There is nothing to verify any more.
    """
    told = ""
    while True:
        try:
            with open_context(pair, "verify", say=progress.print) as context:
                verify_once(context, as_json=as_json)
            told = ""
        except (JournalError, UnseenError) as error:
            progress.print(str(error))
            if not told:
                told = page_without_journal(pair, str(error))
        except Refused as error:
            if error.code != BUSY:
                raise
            progress.print(f"not this time: {error}")
        wait_for_next(every_s)


def wait_for_next(seconds: float) -> None:
    """Wait as long as the operator asked for."""
    time.sleep(seconds)


def page_without_journal(pair: Config, said: str) -> str:
    """Page a person when the journal cannot be read; return the message."""
    facts = {"said": said, "about": ["the journal"], **chosen_way(pair).told({})}
    page(pair, facts, progress.print)
    return said


def verify_once(context: RunContext, *, as_json: bool) -> bool:
    """Verify once; say whether all is well."""
    require_switched(context)
    entries = context.journal.entries()
    if late := overdue(context.config, entries, context.journal.now()):
        go_back(context, late)
        return False
    judged = judge_windows(context)
    why = rollback_reason(context, judged)
    paged = page_about(context, judged) if not judged.calm else False
    left = advance(context, judged)
    if as_json:
        unsigned = [stretch.as_json() for stretch in judged.time.unsigned]
        told = {"calm": judged.calm, "said": str(judged), "paged": paged, "left": left, "back": why}
        print_json({**told, "unsigned": unsigned}, indent=None)
    else:
        out.print(f"{judged}. {left}." + (" A person was paged." if paged else ""))
        show_unsigned(judged.time.unsigned)
    if why:
        go_back(context, why)
    return judged.calm


def require_switched(context: RunContext) -> None:
    """Raise unless people reach the backend, and may go back.

    Raises
    ------
    Refused
        The state is another, or everything is paused.
    """
    position = settled_position(context)
    if position.state not in ("switched", "verifying"):
        raise Refused(f"the state is {position.state}; there is nothing to verify.", code="HO595")


def go_back(context: RunContext, why: str) -> None:
    """Go back without a person, as a person would; page one when that does not go, as when the original is not proven.

    Raises
    ------
    StoppedError
        A pause or a signal ended it.
    """
    facts = {"because": why, "automatic": True, "decided_at": context.journal.now().isoformat()}
    progress.print(f"automatic rollback: {why}")
    try:
        start_command(context, commands(context.config)["rollback"], facts)
    except StoppedError:
        raise
    except HandoverError as error:
        said = f"{why}, but people did not go back by themselves: {error}"
        progress.print(said)
        page_no_way_back(context, said, error.code)


def show_unsigned(unsigned: Sequence[WatchedStretch]) -> None:
    """Print what was not green, with the names by which it is signed off."""
    if not unsigned:
        return
    out.print("Not green since the switch, and not signed off:")
    for stretch in unsigned:
        out.print(f"  {stretch.name}  {stretch}")
    out.print('Sign off what is explained: handover verify --sign-off NAME --because "…"')


def decide(pair: Config, names: Sequence[str], because: str, *, confirm: bool, follow: bool) -> None:
    """Sign off time that was not green, or confirm the switch, in the name of this account.

    Raises
    ------
    ConfigurationError
        The reason is missing, or there is more than one thing to do.
    Refused
        There is no time of that name, or the switch cannot be confirmed.
    """
    if follow or (names and confirm):
        raise ConfigurationError("--sign-off, --confirm-switch and --follow are three things; choose one.")
    if not because.strip():
        raise ConfigurationError(
            f"--{'confirm-switch' if confirm else 'sign-off'} needs --because: the journal keeps it."
        )
    with patiently(pair) as context:
        require_switched(context)
        judged = judge_windows(context)
        confirm_switch(context, judged, because) if confirm else sign_off_time(context, judged, names, because)


@contextmanager
def patiently(pair: Config) -> Iterator[RunContext]:
    """Act as soon as the lease is free: `verify --follow` holds it for a moment at each look.

    Raises
    ------
    Refused
        Another operator holds it for longer.
    """
    deadline = time.monotonic() + WAIT_FOR_LEASE_S
    with ExitStack() as stack:
        while True:
            try:
                context = stack.enter_context(open_context(pair, "verify", say=progress.print))
                break
            except Refused as error:
                if error.code != BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(LOOK_EVERY_S)
        yield context


def sign_off_time(context: RunContext, judged: VerifyResult, names: Sequence[str], because: str) -> None:
    """Write down that a person has an explanation of time that was not green.

    Raises
    ------
    Refused
        There is no time of such a name.
    """
    found = {name: judged.time.find(name) for name in names}
    if unknown := [name for name, stretch in found.items() if stretch is None]:
        there = "; ".join(f"{stretch.name} ({stretch})" for stretch in judged.time.unsigned) or "none"
        message = f"no time since the switch is named {', '.join(unknown)}; not signed off: {there}."
        raise Refused(f"{message} Nothing was signed off.", code=NOT_GREEN)
    stretches = [stretch for stretch in found.values() if stretch]
    entry = context.journal.add(SIGN_OFF, sign_off_body(stretches, because))
    for stretch in stretches:
        out.print(f"{entry.who} signed off {stretch.name}: {stretch}")


def confirm_switch(context: RunContext, judged: VerifyResult, because: str) -> None:
    """Write down that people stay on the backend.

    Raises
    ------
    Refused
        The watch says otherwise.
    """
    if not judged.calm:
        show_unsigned(judged.time.unsigned)
        message = f"the switch cannot be confirmed: {judged}. Nothing was written."
        raise Refused(f"{message} Mend it, or sign off what is explained.", code=NOT_GREEN)
    body = confirmation_body(context.journal.entries(), because, str(judged))
    entry = context.journal.add(CONFIRMATION, body)
    out.print(f"{entry.who} confirmed the switch ({judged}); people do not go back by themselves for lack of it.")
