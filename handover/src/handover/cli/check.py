"""``handover check``: is the pair clean?

The two systems' interpreters take longest to start, so they start first, and the other modules are imported meanwhile.
"""

# ruff: noqa: PLC0415 - see above

import sys
import time
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from handover.check.systems import asking
from handover.cli.options import DEFAULT_CENSUS_S, DEFAULT_CONFIG, CensusSecondsOption, ConfigOption, JsonOption
from handover.config.config import Config, database_url, load_config
from handover.errors import ConfigurationError
from handover.wording import printable

if TYPE_CHECKING:
    from handover.check.run import CheckResult
    from handover.check.verdict import Verdict


def check(
    config: ConfigOption = DEFAULT_CONFIG,
    census_seconds: CensusSecondsOption = DEFAULT_CENSUS_S,
    everything: Annotated[
        bool, typer.Option("--all", help="Show everything: whole lists, safe and accepted findings.")
    ] = False,
    as_json: JsonOption = False,
    as_sarif: Annotated[bool, typer.Option("--sarif", help="SARIF 2.1.0 instead of the table.")] = False,
    as_junit: Annotated[bool, typer.Option("--junit", help="JUnit XML instead of the table.")] = False,
    as_html: Annotated[bool, typer.Option("--html", help="An HTML page instead of the table.")] = False,
) -> None:
    """Compare both systems and the live database; change nothing.

    Exit 0 clean, 4 with findings, 1 when something could not be checked.
    """
    if as_json + as_sarif + as_junit + as_html > 1:
        raise ConfigurationError("--json, --sarif, --junit and --html are one output each; choose one.")
    pair = load_config(config)
    began = time.monotonic()
    looked = look_at(pair, census_seconds)
    from handover.check.contract import judge, load, path_of
    from handover.check.verdict import Verdict

    judged = judge(load(path_of(pair)).of_checks(), looked.findings, date.today())  # noqa: DTZ011 - a day of the reader's
    verdict = Verdict(looked, judged, time.monotonic() - began)
    if as_json or as_sarif or as_junit or as_html:
        _print_for_machines(verdict, sarif=as_sarif, junit=as_junit, html=as_html)
    else:
        from handover.check import table
        from handover.cli.console import PlainConsole

        console = PlainConsole(highlight=False)
        if verdict.exit_code:
            from handover.evolve.standing import evolved_lines

            for line in evolved_lines(pair):
                console.print(line, soft_wrap=True, markup=False)
        table.show(verdict, console, everything=everything)
    raise typer.Exit(verdict.exit_code)


def _print_for_machines(verdict: "Verdict", *, sarif: bool, junit: bool, html: bool) -> None:
    from handover.check.html import as_html
    from handover.check.machine import as_json, as_junit, as_sarif
    from handover.cli.console import print_json, print_whole

    if junit or html:
        print_whole(as_junit(verdict) if junit else as_html(verdict))
    else:
        print_json(as_sarif(verdict) if sarif else as_json(verdict))


def look_at(pair: Config, census_seconds: float) -> "CheckResult":
    """Compare a pair, with progress on standard error."""
    say("asking both systems, reading the catalog")
    with asking(pair) as answers:
        from handover.check.run import run_check

        return run_check(pair, database_url(pair), answers, budget_s=census_seconds, say=say)


def say(line: str) -> None:
    """Print a line of progress."""
    print(printable(line), file=sys.stderr)  # noqa: T201
