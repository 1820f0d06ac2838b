"""``handover contract``: what the team has agreed on, and one more acceptance."""

from datetime import date, datetime
from typing import Annotated

import typer

from handover.check import contract as agreed
from handover.check.table import BAD, GOOD, OPEN
from handover.cli.check import look_at
from handover.cli.console import out
from handover.cli.options import DEFAULT_CENSUS_S, DEFAULT_CONFIG, BecauseOption, CensusSecondsOption, ConfigOption
from handover.config.config import load_config
from handover.proof.run import proved_findings

contract = typer.Typer(invoke_without_command=True, help="Show what was accepted, or accept one more finding.")


@contract.callback()
def show(context: typer.Context, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Show what was accepted."""
    if context.invoked_subcommand:
        return
    path = agreed.path_of(load_config(config))
    entries = agreed.load(path).accepted
    out.print(f"{path}: {len(entries)} accepted" if entries else f"{path}: nothing is accepted.")
    for entry in entries:
        over = entry.until is not None and entry.until < _today()
        until = f" (until {entry.until})" if entry.until else ""
        out.print(
            f"{BAD if over else OPEN if entry.until else GOOD} {entry.code} {entry.place}{until}: {entry.because}"
        )


@contract.command()
def accept(
    code: Annotated[str, typer.Argument(help="The finding's code, for example HO131.")],
    place: Annotated[str, typer.Argument(help="Its place, as the check or the proof writes it.")],
    because: BecauseOption,
    until: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The last day that holds.")] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    census_seconds: CensusSecondsOption = DEFAULT_CENSUS_S,
) -> None:
    """Accept one finding that a check has now, or the last proof had, with a reason.

    It is looked for first, so a slip of the pen is told.
    """
    pair = load_config(config)
    path = agreed.path_of(pair)
    before = agreed.load(path)
    findings = proved_findings(pair) if agreed.is_proved(code) else look_at(pair, census_seconds).findings
    day = until.date() if until else None
    agreed.save(path, agreed.accept(before, findings, code, place, because, day))
    out.print(f"{path}: accepted {code} {place}. Review the file, then commit it.")


def _today() -> date:
    return date.today()  # noqa: DTZ011 - a day of the reader's
