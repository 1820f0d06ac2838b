"""``handover pause``: stop every command at once, and lift the pause."""

from typing import Annotated

import typer

from handover.cli.console import out, progress
from handover.cli.options import DEFAULT_CONFIG, BecauseOption, ConfigOption, CopyAloneOption
from handover.config.config import load_config
from handover.errors import ConfigurationError
from handover.runs.pause import lift_pause, pause_everything

NOT_ALL = 1


def pause(
    config: ConfigOption = DEFAULT_CONFIG,
    because: BecauseOption = "",
    lift: Annotated[bool, typer.Option("--lift", help="Let commands act again.")] = False,
    copy_alone: CopyAloneOption = False,
) -> None:
    """Stop every running command of the toolkit, on every machine, and refuse new ones until it is lifted.

    Says what is paused and what is not. Exit 1 unless everything is.
    """
    pair = load_config(config)
    if lift:
        lift_pause(pair, because, copy_alone=copy_alone, say=progress.print)
        out.print("The pause is lifted. Where we are: handover status")
        return
    if copy_alone:
        raise ConfigurationError("--copy-alone is for --lift: a pause is written wherever it can be.")
    parts = pause_everything(pair, because)
    out.print("\n".join(map(str, parts)))
    if all(part.is_paused for part in parts):
        out.print("Everything is paused. Where we are: handover status. Lift it: handover pause --lift")
        return
    out.print("NOT everything is paused. Mend what is said above, then run handover pause again.")
    raise typer.Exit(NOT_ALL)
