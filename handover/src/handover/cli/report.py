"""``handover report``: the whole move on one page, as a file or live."""

import os
import time
from datetime import timedelta
from email.message import EmailMessage
from html import escape
from pathlib import Path
from typing import Annotated

import typer

from handover.cli.console import out
from handover.cli.options import DEFAULT_CONFIG, ConfigOption, PortOption, ServeOption
from handover.cli.watch import duration_s, stopping
from handover.config.config import Config, load_config
from handover.cutover import tell
from handover.cutover.position import position_of
from handover.cutover.states import DESCRIPTIONS
from handover.errors import ConfigurationError, HandoverError
from handover.journal.journal import Journal, opened
from handover.journal.processes import registered
from handover.private_files import write_private
from handover.report.cards import BEFORE
from handover.report.page import GatesView, current_gates, page_facts, recorded_gates, rendered
from handover.report.serve import serving
from handover.wording import printable

LOOK_AGAIN_AFTER_S = 60.0


def report(
    config: ConfigOption = DEFAULT_CONFIG,
    out_: Annotated[Path, typer.Option("--out", help="Where the page is written.")] = Path("handover-report.html"),
    serve: ServeOption = False,
    port: PortOption = 0,
    mail: Annotated[
        bool, typer.Option("--mail", help="Send it by e-mail as well; TELL_MAIL_SERVER, _FROM and _TO say how.")
    ] = False,
    last: Annotated[str, typer.Option(help="How far back the charts go, for example 6h; else all of it.")] = "",
) -> None:
    """Write the report as one HTML file that needs nothing else, or serve it live until stopped."""
    pair = load_config(config)
    reach_s = duration_s(last)
    reach = timedelta(seconds=reach_s) if reach_s else None
    if serve and mail:
        raise ConfigurationError("--serve shows the page live and --mail sends one; use one of them.")
    if serve:
        live(pair, port, reach)
        return
    with opened(pair) as journal:
        page = rendered(page_facts(pair, journal, gates_view(pair, journal), last=reach))
        state = position_of(journal.entries()).state
    _write(out_, page)
    out.print(f"{out_} holds the report, {len(page.encode()) / 1024:.0f} kB. It needs nothing else: open it anywhere.")
    if mail:
        send_page(page, f"{pair.root.name}: {state}", f"The state is {state}: {DESCRIPTIONS[state].text}.")
        out.print(f"It was sent to {os.environ['TELL_MAIL_TO']}.")


def send_page(page: str, title: str, text: str) -> None:
    """Send the page by e-mail, as a file.

    Raises
    ------
    ConfigurationError
        A variable is not set.
    HandoverError
        The server did not take it.
    """
    message = EmailMessage()
    message["Subject"] = f"Report: {title}"
    message.set_content(f"{text}\nThe report is attached: open it in a browser.\n")
    message.add_attachment(page.encode(), maintype="text", subtype="html", filename="handover-report.html")
    try:
        tell.send(message)
    except KeyError as error:
        what = f"the environment variable {error.args[0]} is not set, so the report was not sent."
        raise ConfigurationError(f"{what} Set it and run again; `handover hooks add` explains it.") from error
    except tell.FAILURES as error:
        what = f"the report was written and not sent: {tell.reason(error)}."
        raise HandoverError(f"{what} See TELL_MAIL_SERVER, TELL_MAIL_FROM and TELL_MAIL_TO.", code="HO631") from error


def gates_view(pair: Config, journal: Journal) -> GatesView:
    """Judge the gates before the switch; afterwards return how they were judged when people were moved."""
    if position_of(journal.entries()).state in BEFORE:
        return current_gates(pair, journal)
    return recorded_gates(pair, journal)


def live(pair: Config, port: int, reach: timedelta | None) -> None:
    """Serve the page until Ctrl-C, SIGTERM or a pause."""
    kept: list[tuple[float, GatesView]] = []

    def page(nonce: str) -> str:
        try:
            with opened(pair) as journal:
                # Gates ask both systems and the whole catalog: not at every refresh of the page.
                if not kept or time.monotonic() - kept[0][0] > LOOK_AGAIN_AFTER_S:
                    kept[:] = [(time.monotonic(), gates_view(pair, journal))]
                return rendered(page_facts(pair, journal, kept[0][1], last=reach), live=nonce)
        except HandoverError as error:
            return rendered_error(error)

    with registered(pair.root, "report --serve"), serving(page, port) as server:
        out.print(f"{server.url}")
        out.print("The address is the key: everyone on this machine who has it can read the report. Ctrl-C ends it.")
        stopping().wait()


def rendered_error(error: HandoverError) -> str:
    """Return a page with the reason why there is no report."""
    head = '<!doctype html><meta charset="utf-8"><title>No report</title>'
    return f'{head}<main id="report"><p>{escape(printable(str(error)))}</p></main>'


def _write(path: Path, page: str) -> None:
    try:
        write_private(path, page)
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}. Nothing was written. Name another: --out FILE"
        raise ConfigurationError(message, code="HO630") from error
