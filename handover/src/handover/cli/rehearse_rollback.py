"""``handover rehearse-rollback``: a switch and a rollback on a second name."""

from handover.cli.console import out, progress
from handover.cli.options import DEFAULT_CONFIG, ApplyOption, ConfigOption
from handover.config.config import load_config
from handover.cutover.context import open_context
from handover.cutover.rehearsal import rehearse
from handover.cutover.ways.chosen import chosen_way


def rehearse_rollback(config: ConfigOption = DEFAULT_CONFIG, apply: ApplyOption = False) -> None:
    """Rehearse a rollback on a second name of the zone, time each part, and keep that as evidence."""
    pair = load_config(config)
    if not apply:
        out.print(f"Would {chosen_way(pair).previews().rehearsal}.")
        out.print("Nothing was changed. To do it: handover rehearse-rollback --apply")
        return
    with open_context(pair, "rehearse-rollback", say=progress.print) as context:
        facts = rehearse(context)
    for part, seconds in facts["parts"].items():
        out.print(f"{seconds:8.1f} s  {part}")
    out.print(f"{facts['total_s']:8.1f} s  of {facts['budget_s']:.0f} s, from the decision to the last answer")
