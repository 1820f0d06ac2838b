"""``handover resume``: go on, or back, after an interruption."""

from typing import Annotated

import typer

from handover.cli.cleanup import ask
from handover.cli.console import progress
from handover.cli.cutover import show
from handover.cli.options import (
    DEFAULT_CONFIG,
    BecauseOption,
    ConfigOption,
    ConfirmEachOption,
    CopyAloneOption,
    UnprovenOption,
)
from handover.config.config import load_config
from handover.cutover import commands
from handover.cutover.opening import night


def resume(
    config: ConfigOption = DEFAULT_CONFIG,
    back: Annotated[bool, typer.Option("--back", help="Go back instead of on.")] = False,
    because: BecauseOption = "interrupted",
    unproven: UnprovenOption = "",
    confirm: ConfirmEachOption = None,
    copy_alone: CopyAloneOption = False,
) -> None:
    """Finish what was interrupted, or take it back."""
    pair = load_config(config)
    with night(pair, "resume", say=progress.print, copy_alone=copy_alone) as tonight:
        tonight.confirm = lambda name: name in (confirm or ()) or ask(name)
        show(commands.back(tonight, because, unproven) if back else commands.resume(tonight))
