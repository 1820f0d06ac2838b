"""``handover pause``: stop every command at once, and lift the pause."""

from contextlib import suppress
from typing import Annotated

import typer

from handover.cli.console import out
from handover.cli.options import DEFAULT_CONFIG, BecauseOption, ConfigOption
from handover.config.config import load_config
from handover.cutover.position import position_of
from handover.errors import Refused
from handover.journal.journal import JournalError, opened
from handover.journal.lease import PAUSE_CHANNEL
from handover.journal.processes import stop


def pause(
    config: ConfigOption = DEFAULT_CONFIG,
    because: BecauseOption = "",
    lift: Annotated[bool, typer.Option("--lift", help="Let commands act again.")] = False,
) -> None:
    """Stop every running command of the toolkit, on every machine, and refuse new ones until it is lifted."""
    pair = load_config(config)
    with opened(pair) as journal:
        if lift:
            if position_of(journal.entries()).paused is None:
                raise Refused("nothing is paused.", code="HO507")
            journal.add("lift", {"because": because})
            out.print("The pause is lifted. Where we are: handover status")
            return
        # The processes first: that needs no database.
        stopped = stop(pair.root)
        journal.add("pause", {"because": because}, after_the_fact=True)
        with suppress(JournalError):
            journal.connection().execute(f"NOTIFY {PAUSE_CHANNEL}")
    for process in stopped:
        out.print(f"stopped `{process.command}` of {process.who}, pid {process.pid}")
    out.print("Everything is paused. Where we are: handover status. Lift it: handover pause --lift")
