"""``handover resume``: finish an interrupted command, or undo it."""

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
from handover.cutover.commands import resume_back, resume_command
from handover.cutover.context import open_context


def resume(
    config: ConfigOption = DEFAULT_CONFIG,
    back: Annotated[bool, typer.Option("--back", help="Undo the command instead of finishing it.")] = False,
    because: BecauseOption = "interrupted",
    unproven: UnprovenOption = "",
    confirm: ConfirmEachOption = None,
    copy_alone: CopyAloneOption = False,
) -> None:
    """Finish the interrupted command, or undo it."""
    pair = load_config(config)
    with open_context(pair, "resume", say=progress.print, copy_alone=copy_alone) as context:
        context.confirm = lambda name: name in (confirm or ()) or ask(name)
        show(resume_back(context, because, unproven) if back else resume_command(context))
