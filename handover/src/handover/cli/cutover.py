"""``handover cutover``: begin parallel operation, plan the switch, apply the reviewed plan."""

import json
from typing import Annotated

import typer

from handover.cli.console import out, progress
from handover.cli.options import DEFAULT_CONFIG, ApplyOption, BecauseOption, ConfigOption, JsonOption
from handover.config.config import Config, load_config
from handover.cutover import plan
from handover.cutover.begin import BEGIN, END
from handover.cutover.opening import night
from handover.cutover.position import Position
from handover.cutover.provider import require
from handover.cutover.run import begin as perform
from handover.cutover.states import MEANINGS
from handover.cutover.switch import CUTOVER
from handover.errors import ConfigurationError

cutover = typer.Typer(no_args_is_help=True)


@cutover.callback(invoke_without_command=True)
def apply_plan(
    context: typer.Context,
    config: ConfigOption = DEFAULT_CONFIG,
    apply: Annotated[str, typer.Option(metavar="PLAN", help="The reviewed plan: its file or checksum.")] = "",
    override: Annotated[list[str] | None, typer.Option(help="Go on although this gate is red.")] = None,
    because: BecauseOption = "",
) -> None:
    """Move people to the backend: only what was planned and reviewed, only through open gates."""
    if context.invoked_subcommand:
        return
    if not apply:
        raise ConfigurationError("say what to do: handover cutover begin, plan, or --apply PLAN.")
    if override and not because:
        raise ConfigurationError("--override needs --because: it is loud, and it stands in the journal.")
    pair = load_config(config)
    facts = {"plan": plan.load(pair, apply), "overrides": dict.fromkeys(override or [], because)}
    with night(pair, "cutover", say=progress.print) as tonight:
        show(perform(tonight, CUTOVER, facts))


@cutover.command("begin")
def begin_(config: ConfigOption = DEFAULT_CONFIG, apply: ApplyOption = False) -> None:
    """Begin parallel operation: see that both systems answer, and lower the record's TTL."""
    pair = load_config(config)
    if not apply:
        dns = require(pair)
        out.print(f"Would see that both systems answer, and lower the TTL of {dns.name} to {dns.ttl_s} s.")
        out.print("Nothing was changed. To do it: handover cutover begin --apply")
        return
    with night(pair, "cutover begin", say=progress.print) as tonight:
        show(perform(tonight, BEGIN, {}))


@cutover.command("end")
def end(config: ConfigOption = DEFAULT_CONFIG, apply: ApplyOption = False, because: BecauseOption = "") -> None:
    """Undo `begin`: the record gets its former TTL again."""
    pair = load_config(config)
    if not apply:
        out.print("Would give the record its former TTL again. To do it: handover cutover end --apply")
        return
    with night(pair, "cutover end", say=progress.print) as tonight:
        show(perform(tonight, END, {"because": because}))


@cutover.command("plan")
def plan_(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Show exactly what a switch would change, and write that down for review."""
    pair = load_config(config)
    made = plan.make(pair)
    path = plan.save(pair, made)
    if as_json:
        print(json.dumps(made, indent=2, ensure_ascii=False))  # noqa: T201 - nothing may wrap it
    else:
        out.print("\n".join(plan.lines(pair, made)))
        out.print(f"Nothing was changed. Written: {_shown(pair, path)}")
        out.print(f"To do it: handover cutover --apply {made['checksum'][: plan.SHORT]}")


def show(position: Position) -> None:
    """Say where a command has led."""
    out.print(f"State: {position.state}: {MEANINGS[position.state].now}. Next: {MEANINGS[position.state].next}")


def _shown(pair: Config, path: object) -> str:
    return str(path).removeprefix(f"{pair.root}/")
