"""``handover contract``: show the accepted findings, or accept one more."""

from datetime import date, datetime
from typing import Annotated

import typer

from handover.check.contract import accept, is_proved, load, path_of, save
from handover.check.table import BAD, GOOD, OPEN
from handover.cli.check import look_at
from handover.cli.console import out
from handover.cli.options import DEFAULT_CENSUS_S, DEFAULT_CONFIG, BecauseOption, CensusSecondsOption, ConfigOption
from handover.config.config import load_config
from handover.proof.run import proved_findings

UntilOption = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="The last day of the acceptance."),
]
contract = typer.Typer(invoke_without_command=True, help="Show what was accepted, or accept one more finding.")


@contract.callback()
def show(context: typer.Context, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Show what was accepted."""
    if context.invoked_subcommand:
        return
    path = path_of(load_config(config))
    entries = load(path).accepted
    out.print(f"{path}: {len(entries)} accepted" if entries else f"{path}: nothing is accepted.")
    for entry in entries:
        over = entry.until is not None and entry.until < _today()
        until = f" (until {entry.until})" if entry.until else ""
        out.print(
            f"{BAD if over else OPEN if entry.until else GOOD} {entry.code} {entry.place}{until}: {entry.because}"
        )


@contract.command("accept")
def accept_finding(
    code: Annotated[str, typer.Argument(help="The finding's code, for example HO131.")],
    place: Annotated[str, typer.Argument(help="Its place, as the check or the proof prints it.")],
    because: BecauseOption,
    until: UntilOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
    census_seconds: CensusSecondsOption = DEFAULT_CENSUS_S,
) -> None:
    """Accept one finding that a check has now, or the last proof had, with a reason.

    The finding must exist, so a typing error is refused.
    """
    pair = load_config(config)
    path = path_of(pair)
    before = load(path)
    findings = proved_findings(pair) if is_proved(code) else look_at(pair, census_seconds).findings
    day = until.date() if until else None
    save(path, accept(before, findings, code, place, because, day))
    out.print(f"{path}: accepted {code} {place}. Review the file, then commit it.")


def _today() -> date:
    return date.today()  # noqa: DTZ011 - a day of the reader's
