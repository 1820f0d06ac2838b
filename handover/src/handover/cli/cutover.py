"""``handover cutover``: begin parallel operation, plan the switch, apply the reviewed plan."""

from typing import Annotated

import typer

from handover.cli.console import out, print_json, progress
from handover.cli.options import DEFAULT_CONFIG, ApplyOption, BecauseOption, ConfigOption, JsonOption, OverrideOption
from handover.config.config import Config, load_config
from handover.cutover import plan
from handover.cutover.attempt import attempt_of, entries_so_far
from handover.cutover.commands import commands, switch
from handover.cutover.context import RunContext, open_context
from handover.cutover.planning import PLANNABLE, check_target, make_plan, plan_lines
from handover.cutover.position import Position, position_of
from handover.cutover.states import DESCRIPTIONS
from handover.cutover.watch_health import watch_health
from handover.cutover.ways.chosen import chosen_way
from handover.errors import ConfigurationError, Refused
from handover.runs.command import start_command

cutover = typer.Typer(no_args_is_help=True)


@cutover.callback(invoke_without_command=True)
def apply_plan(
    invocation: typer.Context,
    config: ConfigOption = DEFAULT_CONFIG,
    apply: Annotated[str, typer.Option(metavar="PLAN", help="The reviewed plan: its file or checksum.")] = "",
    override: OverrideOption = None,
    because: BecauseOption = "",
) -> None:
    """Move people to the backend: only what was planned and reviewed, only through open gates."""
    if invocation.invoked_subcommand:
        return
    if not apply:
        raise ConfigurationError("say what to do: handover cutover begin, plan, or --apply PLAN.")
    if override and not because:
        raise ConfigurationError("--override needs --because: it is loud, and it stands in the journal.")
    pair = load_config(config)
    reviewed = plan.load(pair, apply)
    check_target(pair, reviewed)
    facts = {"plan": reviewed.as_json(), "overrides": dict.fromkeys(override or [], because)}
    with open_context(pair, "cutover", say=progress.print) as context:
        switch(context, facts)
        show(context.position())
        show_way_back(context)


@cutover.command("begin")
def begin_(config: ConfigOption = DEFAULT_CONFIG, apply: ApplyOption = False) -> None:
    """Begin parallel operation: see that both systems answer, and lower the record's TTL, or look at the balancer."""
    pair = load_config(config)
    if not apply:
        out.print(f"Would {chosen_way(pair).previews().begin}.")
        out.print("Nothing was changed. To do it: handover cutover begin --apply")
        return
    with open_context(pair, "cutover begin", say=progress.print) as context:
        start_command(context, commands(pair)["begin"], {})
        show(context.position())


@cutover.command("end")
def end(config: ConfigOption = DEFAULT_CONFIG, apply: ApplyOption = False, because: BecauseOption = "") -> None:
    """Undo `begin`: the record gets its former TTL again."""
    pair = load_config(config)
    if not apply:
        out.print(f"Would {chosen_way(pair).previews().end}. To do it: handover cutover end --apply")
        return
    with open_context(pair, "cutover end", say=progress.print) as context:
        start_command(context, commands(pair)["end"], {"because": because})
        show(context.position())


@cutover.command("plan")
def plan_(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Show exactly what a switch would change, and write that down for review."""
    pair = load_config(config)
    entries = entries_so_far(pair)
    try:
        made = make_plan(pair, attempt_of(entries))
    except Refused as error:
        state = position_of(entries).state
        if state in PLANNABLE:
            raise
        # What stands against a plan is then what the journal says, not something to correct.
        message = f"the state is {state}: {DESCRIPTIONS[state].text}. A plan is for a switch that is to come."
        todo = f"Nothing was changed. Next: {DESCRIPTIONS[state].next_command}"
        raise Refused(f"{message} {todo}", code="HO505") from error
    path = plan.save(pair, made)
    if as_json:
        print_json(made.as_json())
    else:
        out.print("\n".join(plan_lines(pair, made)))
        out.print(f"Nothing was changed. Written: {_shown(pair, path)}")
        out.print(f"To do it: handover cutover --apply {made.checksum[: plan.SHORT]}")


def show(position: Position) -> None:
    """Say where a command has led."""
    description = DESCRIPTIONS[position.state]
    out.print(f"State: {position.state}: {description.text}. Next: {description.next_command}")


def show_way_back(context: RunContext) -> None:
    """Say when people go back by themselves and by which process, where the switch is to be confirmed."""
    for line in watch_health(context.config, context.journal, context.journal.entries()).way_back():
        out.print(line)


def _shown(pair: Config, path: object) -> str:
    return str(path).removeprefix(f"{pair.root}/")
