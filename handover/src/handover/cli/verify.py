"""``handover verify``: is the backend well since the switch?"""

import time
from typing import Annotated

import typer

from handover.cli.console import out, print_json, progress
from handover.cli.options import DEFAULT_CONFIG, ConfigOption, JsonOption
from handover.config.config import Config, load_config
from handover.cutover import hooks
from handover.cutover.commands import commands
from handover.cutover.context import RunContext, open_context
from handover.cutover.hooks import HookError
from handover.cutover.verify import advance, judge_windows, page_about, rollback_reason
from handover.cutover.ways.chosen import chosen_way
from handover.errors import Refused, UnseenError
from handover.journal.journal import JournalError
from handover.journal.processes import registered
from handover.runs.command import settled_position, start_command

BREACH = 4
BUSY = "HO503"  # another operator acts just now


def verify(
    config: ConfigOption = DEFAULT_CONFIG,
    follow: Annotated[bool, typer.Option("--follow", help="Verify again and again, until stopped.")] = False,
    every_s: Annotated[float, typer.Option("--every", min=1.0, help="Seconds between two verifications.")] = 60.0,
    as_json: JsonOption = False,
) -> None:
    """Compare what the watch measured with the thresholds; page a person, change to loose watching, or roll back.

    Exit 4 when a threshold is passed or a measurement is missing.
    """
    pair = load_config(config)
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
    try:
        hooks.run(pair, "page", facts)
    except (HookError, Refused) as error:
        progress.print(f"the page was not sent: {error}")
    return said


def verify_once(context: RunContext, *, as_json: bool) -> bool:
    """Verify once; say whether all is well."""
    position = settled_position(context)
    if position.state not in ("switched", "verifying"):
        raise Refused(f"the state is {position.state}; there is nothing to verify.", code="HO595")
    judged = judge_windows(context)
    why = rollback_reason(context, judged)
    paged = page_about(context, judged) if judged.breaches or judged.missing else False
    left = advance(context, judged)
    if as_json:
        print_json({"calm": judged.calm, "said": str(judged), "paged": paged, "left": left, "back": why}, indent=None)
    else:
        out.print(f"{judged}. {left}." + (" A person was paged." if paged else ""))
    if why:
        facts = {"because": why, "automatic": True, "decided_at": context.journal.now().isoformat()}
        progress.print(f"automatic rollback: {why}")
        start_command(context, commands(context.config)["rollback"], facts)
    return judged.calm
