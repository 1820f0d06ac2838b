"""``handover report``: the whole move on one page, as a file or live."""

import time
from datetime import timedelta
from html import escape
from pathlib import Path
from typing import Annotated

import typer

from handover.cli.console import out
from handover.cli.options import DEFAULT_CONFIG, ConfigOption
from handover.cli.watch import duration_s, stopping
from handover.config.config import Config, load_config
from handover.cutover.position import position_of
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
    serve: Annotated[bool, typer.Option("--serve", help="Show it live on this machine instead.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="With --serve: where; any free one if 0.")] = 0,
    last: Annotated[str, typer.Option(help="How far back the charts go, for example 6h; else all of it.")] = "",
) -> None:
    """Write the report as one HTML file that needs nothing else, or serve it live until stopped."""
    pair = load_config(config)
    reach_s = duration_s(last)
    reach = timedelta(seconds=reach_s) if reach_s else None
    if serve:
        live(pair, port, reach)
        return
    with opened(pair) as journal:
        page = rendered(page_facts(pair, journal, gates_view(pair, journal), last=reach))
    _write(out_, page)
    out.print(f"{out_} holds the report, {len(page.encode()) / 1024:.0f} kB. It needs nothing else: open it anywhere.")


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
