"""``handover load``: does the backend carry a multiple of the peak?"""

import typer

from handover.cli.console import out, progress
from handover.cli.options import DEFAULT_CONFIG, ApplyOption, ConfigOption
from handover.config.config import load_config
from handover.cutover.attempt import attempt_of
from handover.cutover.evidence_gates import note_newest
from handover.cutover.load import carry
from handover.journal.journal import opened
from handover.journal.processes import registered


def load(config: ConfigOption = DEFAULT_CONFIG, apply: ApplyOption = False) -> None:
    """Send a multiple of the measured peak to the backend; keep what came back as evidence."""
    pair = load_config(config)
    if not apply:
        if pair.load:
            rate = pair.load.factor * pair.load.peak_per_s
            out.print(f"Would send {rate:g} requests/s to the backend for {pair.load.seconds:g} s; they only read.")
        out.print("Nothing was sent. To do it: handover load --apply")
        return
    with registered(pair.root, "load"), opened(pair) as journal:
        journal.require()
        facts = carry(pair, say=progress.print, attempt=attempt_of(journal.entries()))
        note_newest(pair, journal, "load")
    out.print(f"{facts['carried_per_s']:.1f} requests/s carried, {facts['failed']} of {facts['requests']} failed")
    out.print(f"p50 {facts['p50_ms']:.0f} ms, p95 {facts['p95_ms']:.0f} ms")
    raise typer.Exit(1 if facts["failed"] else 0)
