"""``handover cleanup``: the original is archived and decommissioned."""

import sys

import typer

from handover.cli.console import out, progress
from handover.cli.cutover import show
from handover.cli.options import DEFAULT_CONFIG, ApplyOption, ConfigOption, ConfirmEachOption
from handover.config.config import Config, load_config
from handover.cutover.cleanup import cleanup_command
from handover.cutover.context import open_context
from handover.cutover.hooks import cannot_run
from handover.runs.command import start_command


def cleanup(
    config: ConfigOption = DEFAULT_CONFIG, apply: ApplyOption = False, confirm: ConfirmEachOption = None
) -> None:
    """Archive the original and decommission it, hook by hook; the database stays.

    A decommission hook cannot be undone, so the command asks for the name of each.
    """
    pair = load_config(config)
    if not apply:
        _show_steps(pair)
        out.print("The database stays. Nothing was changed. To do it: handover cleanup --apply")
        return
    with open_context(pair, "cleanup", say=progress.print) as context:
        context.confirm = ask
        start_command(context, cleanup_command(pair), {"confirmed": list(confirm or ())})
        show(context.position())


def _show_steps(pair: Config) -> None:
    hooks = pair.cleanup.decommission
    archive = "Would archive the original (its commit, the schema, the last parity report)"
    if not hooks:
        out.print(f"{archive}. No hook is declared ([cleanup] decommission), so nothing else would run.")
        return
    out.print(f"{archive}, then, in this order:")
    for name in hooks:
        trouble = cannot_run(pair, name)
        out.print(f"  run {name}, after you type its name{f': refused now, {trouble}' if trouble else ''}")


def ask(name: str) -> bool:
    """Ask at the terminal for the name of a step that cannot be undone; without a terminal the answer is no."""
    if not sys.stdin.isatty():
        return False
    return bool(typer.prompt(f"Type {name} to run it; it cannot be undone", err=True) == name)
