"""``handover sign``: sign off the current schema, evidence and plan."""

from typing import Annotated

import typer

from handover.cli.console import out
from handover.cli.options import DEFAULT_CONFIG, BecauseOption, ConfigOption, PlanOption
from handover.config.config import load_config
from handover.cutover import plan
from handover.cutover.gate_context import gate_context
from handover.cutover.sign import signature_of
from handover.journal.journal import opened


def sign(
    role: Annotated[str, typer.Option("--as", metavar="ROLE", help="For example DevOps.")],
    because: BecauseOption,
    config: ConfigOption = DEFAULT_CONFIG,
    plan_: PlanOption = "",
) -> None:
    """Sign off the schema, the evidence and the plan as they are; a later change of any of them voids it."""
    pair = load_config(config)
    with opened(pair) as journal:
        journal.require()
        reviewed = plan.load(pair, plan_) if plan_ else plan.newest(pair)
        body = signature_of(gate_context(pair, journal, reviewed), role, because)
        entry = journal.add("signature", body)
    out.print(f"{entry.who} signed as {role}, for {body['fingerprint'][:12]}:")
    out.print("\n".join(f"  {part}: {value[:12]}" for part, value in body["parts"].items()))
