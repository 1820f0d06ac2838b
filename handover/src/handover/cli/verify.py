"""``handover verify``: is the backend well since the switch?"""

import json
import time
from typing import Annotated

import typer

from handover.cli.console import out, progress
from handover.cli.options import DEFAULT_CONFIG, ConfigOption, JsonOption
from handover.config.config import Config, load_config
from handover.cutover import hooks
from handover.cutover import verify as verifying
from handover.cutover.hooks import HookError
from handover.cutover.opening import night
from handover.cutover.provider import require
from handover.cutover.rollback import ROLLBACK
from handover.cutover.run import Night, begin, settled
from handover.errors import Refused, UnseenError
from handover.journal.journal import JournalError
from handover.journal.processes import registered

BREACH = 4
BUSY = "HO503"  # another operator acts just now


def verify(
    config: ConfigOption = DEFAULT_CONFIG,
    follow: Annotated[bool, typer.Option("--follow", help="Look again and again until told to stop.")] = False,
    every_s: Annotated[float, typer.Option("--every", min=1.0, help="Seconds between two looks.")] = 60.0,
    as_json: JsonOption = False,
) -> None:
    """Hold what the watch sees against the thresholds; page, go on to loose watching, or go back where declared.

    Exit 4 when something is in breach or not seen.
    """
    pair = load_config(config)
    if not follow:
        with night(pair, "verify", say=progress.print) as tonight:
            raise typer.Exit(0 if look(tonight, as_json=as_json) else BREACH)
    with registered(pair.root, "verify --follow"):
        keep_looking(pair, every_s, as_json=as_json)


def keep_looking(pair: Config, every_s: float, *, as_json: bool) -> None:
    """Look again and again; what keeps one look from seeing does not end the next, and a person is told.

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
            with night(pair, "verify", say=progress.print) as tonight:
                look(tonight, as_json=as_json)
            told = ""
        except (JournalError, UnseenError) as error:
            progress.print(str(error))
            if not told:
                told = page_without_journal(pair, str(error))
        except Refused as error:
            if error.code != BUSY:
                raise
            progress.print(f"not this time: {error}")
        until_the_next_look(every_s)


def until_the_next_look(seconds: float) -> None:
    """Wait as long as the operator asked for."""
    time.sleep(seconds)


def page_without_journal(pair: Config, said: str) -> str:
    """Page a person when even the journal cannot be asked; return what was said."""
    facts = {"said": said, "about": ["the journal"], "record": require(pair).record, "zone": require(pair).zone}
    try:
        hooks.run(pair, "page", facts)
    except (HookError, Refused) as error:
        progress.print(f"nobody could be paged: {error}")
    return said


def look(tonight: Night, *, as_json: bool) -> bool:
    """Look once; say whether all is well."""
    position = settled(tonight)
    if position.state not in ("switched", "verifying"):
        raise Refused(f"the state is {position.state}; there is nothing to verify.", code="HO595")
    judged = verifying.judge(tonight)
    why = verifying.why_back(tonight, judged)
    paged = verifying.page(tonight, judged) if judged.breaches or judged.missing else False
    left = verifying.advance(tonight, judged)
    if as_json:
        print(json.dumps({"calm": judged.calm, "said": str(judged), "paged": paged, "left": left, "back": why}))  # noqa: T201
    else:
        out.print(f"{judged}. {left}." + (" Somebody was paged." if paged else ""))
    if why:
        facts = {"because": why, "automatic": True, "decided_at": tonight.journal.now().isoformat()}
        progress.print(f"going back by itself: {why}")
        begin(tonight, ROLLBACK, facts)
    return judged.calm
