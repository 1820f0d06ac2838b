"""``handover gates``: is the switch allowed?"""

import typer

from handover.check.table import BAD, GOOD
from handover.cli.console import out, print_json, progress
from handover.cli.options import DEFAULT_CONFIG, ConfigOption, JsonOption, PlanOption
from handover.config.config import load_config
from handover.cutover import plan
from handover.cutover.attempt import ended_attempts
from handover.cutover.gates import judge_gates
from handover.journal.journal import opened

RED = 4


def gates(config: ConfigOption = DEFAULT_CONFIG, plan_: PlanOption = "", as_json: JsonOption = False) -> None:
    """Look at every gate; change nothing. Exit 4 when one is red, or the plan is of an attempt that was rolled back."""
    pair = load_config(config)
    with opened(pair) as journal:
        journal.require()
        reviewed = plan.load(pair, plan_) if plan_ else plan.newest(pair)
        judged = judge_gates(pair, journal, reviewed)
        old = plan.attempt_trouble(reviewed, ended_attempts(journal.entries()))
    if as_json:
        print_json([one.as_json() for one in judged])
        if old:
            progress.print(old)
    else:
        for one in judged:
            out.print(f"{GOOD if one.result.ok else BAD} {one.gate.id}: {one.result.found}")
            if not one.result.ok:
                out.print(f"   {one.result.todo}")
        if old:
            out.print(f"{BAD} {old}")
    raise typer.Exit(0 if all(one.result.ok for one in judged) and not old else RED)
