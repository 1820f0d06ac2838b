"""Begin parallel operation: both systems answer, and the way to move people is made quick; and the end of it."""

from handover.config.config import Config
from handover.cutover import health
from handover.cutover.context import RunContext
from handover.cutover.ways.chosen import chosen_way
from handover.cutover.ways.way import deciding
from handover.runs.command import Command, Evidence
from handover.side import Side


def begin_command(config: Config) -> Command[RunContext]:
    """Return the command that begins parallel operation."""
    way = chosen_way(config)

    def preflight(context: RunContext) -> Evidence:
        answered = {str(side): health.alive(context.config, side) for side in Side}
        return {**answered, **way.begin_preflight(context)}

    actions = way.begin()
    return Command("begin", actions, preflight, deciding(actions))


def end_command(config: Config) -> Command[RunContext]:
    """Return the command that undoes it; nothing has to hold: people go on to reach the original."""
    way = chosen_way(config)
    actions = way.end()
    return Command("end", actions, lambda _: {}, deciding(actions))
