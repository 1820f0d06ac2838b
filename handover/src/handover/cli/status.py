"""``handover status``: where are we?"""

import typer

from handover.cli.console import out, print_json
from handover.cli.options import DEFAULT_CONFIG, ConfigOption, JsonOption
from handover.config.config import load_config
from handover.cutover.status import read_status, status_json, status_lines
from handover.errors import Refused
from handover.evolve.status import evolution_conflicts, evolution_lines, evolutions_json
from handover.journal.journal import Journal

DIFFERENT = 4


def status(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Say how far the handover is, what is under way, and what people reach; change nothing.

    Exit 4 when the name servers do not say what the journal says, or it contradicts itself.
    """
    pair = load_config(config)
    try:
        journal = Journal(pair)
    except Refused as error:
        out.print(f"State: none. {error}")
        return
    try:
        found = read_status(pair, journal)
    finally:
        journal.close()
    if as_json:
        print_json({**status_json(found), "evolutions": evolutions_json(found.entries)})
    else:
        out.print("\n".join([*status_lines(found), *evolution_lines(found.entries)]))
    if found.agrees is False or found.position.conflict or evolution_conflicts(found.entries):
        raise typer.Exit(DIFFERENT)
