"""``handover check``: is the pair clean?"""

import json
import time
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from handover import config as configuration
from handover.check.look import Looked, look
from handover.config import Config, database_url
from handover.contract.contract import judge, load, path_of
from handover.errors import ConfigurationError
from handover.report import html, machine, table
from handover.report.verdict import Verdict

progress = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)

ConfigOption = Annotated[Path, typer.Option(help="The pair: its systems, database and models.")]
BudgetOption = Annotated[float, typer.Option("--census-seconds", min=0.0, help="How long counting live rows may take.")]
DEFAULT_CONFIG = Path("handover.toml")
DEFAULT_BUDGET_S = 30.0


def check(
    config: ConfigOption = DEFAULT_CONFIG,
    census_seconds: BudgetOption = DEFAULT_BUDGET_S,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of the table.")] = False,
    as_sarif: Annotated[bool, typer.Option("--sarif", help="SARIF 2.1.0 instead of the table.")] = False,
    as_junit: Annotated[bool, typer.Option("--junit", help="JUnit XML instead of the table.")] = False,
    as_html: Annotated[bool, typer.Option("--html", help="An HTML page instead of the table.")] = False,
) -> None:
    """Compare both systems and the live database; change nothing.

    Exit 0 clean, 4 with findings, 1 when something could not be looked at.
    """
    if as_json + as_sarif + as_junit + as_html > 1:
        raise ConfigurationError("--json, --sarif, --junit and --html are one output each; choose one.")
    pair = configuration.load(config)
    began = time.monotonic()
    looked = look_at(pair, census_seconds)
    judged = judge(load(path_of(pair)), looked.findings, date.today())  # noqa: DTZ011 - a day of the reader's
    verdict = Verdict(looked, judged, time.monotonic() - began)
    if as_json:
        _print(json.dumps(machine.as_json(verdict), indent=2, ensure_ascii=False))
    elif as_sarif:
        _print(json.dumps(machine.as_sarif(verdict), indent=2, ensure_ascii=False))
    elif as_junit:
        _print(machine.as_junit(verdict))
    elif as_html:
        _print(html.as_html(verdict))
    else:
        table.show(verdict, Console(highlight=False))
    raise typer.Exit(verdict.exit_code)


def look_at(pair: Config, census_seconds: float) -> Looked:
    """Look at a pair, with progress on standard error."""
    return look(pair, database_url(pair), budget_s=census_seconds, say=progress.print)


def _print(text: str) -> None:
    print(text)  # noqa: T201 - for a machine, so nothing may wrap it
