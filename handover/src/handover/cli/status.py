"""``handover status``: where are we?"""

import typer

from handover.cli.console import out, print_json
from handover.cli.options import DEFAULT_CONFIG, ConfigOption, JsonOption
from handover.config.config import load_config
from handover.cutover.next_step import NextStep
from handover.cutover.states import DESCRIPTIONS
from handover.cutover.status import read_status, status_json, status_lines
from handover.errors import Refused
from handover.evolve.hindered import hindered_lines
from handover.evolve.status import evolution_conflicts, evolution_lines, evolutions_json, evolutions_under_way
from handover.journal.delivery import waiting, waiting_lines
from handover.journal.journal import Journal

NOT_READ, DIFFERENT = 1, 4


def status(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Say how far the handover is, what is under way, and what people reach; change nothing.

    Exit 4 when the name servers do not say what the journal says, or it contradicts itself or cannot be compared.
    Exit 1 when only this machine's copy of the journal was read.
    """
    pair = load_config(config)
    try:
        journal = Journal(pair)
    except Refused as error:
        _show_none(error, as_json=as_json)
        return
    try:
        found = read_status(pair, journal)
    finally:
        journal.close()
    hindered = hindered_lines(pair) if evolutions_under_way(found.entries) else []
    if as_json:
        evolving = {"evolutions": evolutions_json(found.entries), "evolution_waits_for": hindered}
        print_json({**status_json(found), **evolving, "events_waiting": waiting(pair)})
    else:
        lines = evolution_lines(found.entries, settled=found.next_step.settled)
        lines += [f"  {one}" for one in hindered]
        out.print("\n".join([*status_lines(found), *lines, *waiting_lines(pair)]))
    contradicts = found.position.conflict or evolution_conflicts(found.entries)
    if found.agrees is False or contradicts or not found.seals.compared:
        raise typer.Exit(DIFFERENT)
    if found.trouble:
        raise typer.Exit(NOT_READ)


def _show_none(error: Refused, *, as_json: bool) -> None:
    step = NextStep(DESCRIPTIONS["none"].next_command)
    if as_json:
        print_json({"state": "none", "next": step.as_json()})
    else:
        out.print(f"State: none. {error}\nNext: {step}")
