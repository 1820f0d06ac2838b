"""``handover rollback``: back to the original."""

from handover.cli.console import out, progress
from handover.cli.cutover import show
from handover.cli.options import (
    DEFAULT_CONFIG,
    ApplyOption,
    BecauseOption,
    ConfigOption,
    CopyAloneOption,
    UnprovenOption,
)
from handover.config.config import Config, load_config
from handover.cutover.commands import commands
from handover.cutover.context import open_context
from handover.cutover.rollback import may_decide
from handover.cutover.ways.chosen import chosen_way
from handover.errors import ConfigurationError
from handover.journal.entry import operator
from handover.runs.command import start_command


def rollback(
    config: ConfigOption = DEFAULT_CONFIG,
    apply: ApplyOption = False,
    because: BecauseOption = "",
    unproven: UnprovenOption = "",
    copy_alone: CopyAloneOption = False,
) -> None:
    """Move people back to the original, after it proved that it is alive, can write and carries load."""
    pair = load_config(config)
    if not apply:
        out.print(f"Would try the original, then {chosen_way(pair).previews().rollback}.")
        out.print(f"Budget: {pair.rollback.budget_s / 60:g} minutes. May decide: {_deciders(pair)}.")
        out.print("Nothing was changed. To do it: handover rollback --apply --because …")
        return
    if not because:
        raise ConfigurationError("a rollback needs --because: the incident's record begins with it.")
    with open_context(pair, "rollback", say=progress.print, copy_alone=copy_alone) as context:
        progress.print(f"budget: {pair.rollback.budget_s / 60:g} minutes from now")
        facts = {"because": because, "unproven": unproven, "decided_at": context.journal.now().isoformat()}
        start_command(context, commands(pair)["rollback"], facts)
        show(context.position())


def _deciders(pair: Config) -> str:
    named = ", ".join(pair.rollback.allowed) or "no account"
    return f"{named}; you are {operator()}, so you {'may' if may_decide(pair) else 'may NOT'}"
