"""``handover resume``: finish an interrupted command, or undo it."""

from typing import Annotated

import typer

from handover.cli.cleanup import ask
from handover.cli.console import out, progress
from handover.cli.cutover import show, show_way_back
from handover.cli.options import (
    DEFAULT_CONFIG,
    BecauseOption,
    ConfigOption,
    ConfirmEachOption,
    CopyAloneOption,
    UnprovenOption,
)
from handover.config.config import Config, load_config
from handover.cutover.commands import resume_back, resume_command
from handover.cutover.context import open_context
from handover.cutover.position import position_of
from handover.evolve.context import open_evolve_context
from handover.evolve.lost_steps import evolution_with_lost_steps
from handover.evolve.own_paths import ask_systems_again
from handover.evolve.position import current_evolution
from handover.evolve.resume import resume_evolution, resume_evolution_back
from handover.evolve.status import reached
from handover.journal.journal import opened


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
    evolution = None if copy_alone else _interrupted_evolution(pair)
    if evolution:
        with open_evolve_context(pair, "resume", evolution, say=progress.print) as acting:
            if back:
                resume_evolution_back(acting, because)
            else:
                ask_systems_again(acting)
                resume_evolution(acting)
            out.print(reached(acting.name, acting.position()))
        return
    with open_context(pair, "resume", say=progress.print, copy_alone=copy_alone) as context:
        context.confirm = lambda name: name in (confirm or ()) or ask(name)
        show(resume_back(context, because, unproven) if back else resume_command(context))
        show_way_back(context)


def _interrupted_evolution(pair: Config) -> str | None:
    """Return the evolution whose command was interrupted or lost steps; None when the move's was, or none.

    The move's comes first.
    """
    with opened(pair) as journal:
        entries = journal.entries()
    if position_of(entries).run is not None:
        return None
    current = current_evolution(entries)
    if current and current.position.run:
        return current.name
    return evolution_with_lost_steps(pair, entries)
