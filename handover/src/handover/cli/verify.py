"""``handover verify``: is the backend well since the switch?"""

import json
import time
from typing import Annotated

import typer

from handover import config as configuration
from handover.cli.console import DEFAULT_CONFIG, ConfigOption, JsonOption, out, progress
from handover.cutover import verify as verifying
from handover.cutover.opening import night
from handover.cutover.rollback import ROLLBACK
from handover.cutover.run import Night, begin, settled
from handover.errors import Refused

BREACH = 4


def verify(
    config: ConfigOption = DEFAULT_CONFIG,
    follow: Annotated[bool, typer.Option("--follow", help="Look again and again until told to stop.")] = False,
    every_s: Annotated[float, typer.Option("--every", min=1.0, help="Seconds between two looks.")] = 60.0,
    as_json: JsonOption = False,
) -> None:
    """Hold what the watch sees against the thresholds; page, go on to loose watching, or go back where declared.

    Exit 4 when something is in breach or not seen.
    """
    pair = configuration.load(config)
    calm = True
    while True:
        with night(pair, "verify", say=progress.print) as tonight:
            calm = look(tonight, as_json=as_json)
        if not follow:
            raise typer.Exit(0 if calm else BREACH)
        time.sleep(every_s)


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
