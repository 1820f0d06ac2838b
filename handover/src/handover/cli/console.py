"""Where commands that act print: results on standard output, progress on standard error."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

out = Console(highlight=False, markup=False, soft_wrap=True)
progress = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)

ConfigOption = Annotated[Path, typer.Option(help="The pair: its systems, database and models.")]
DEFAULT_CONFIG = Path("handover.toml")
ApplyOption = Annotated[bool, typer.Option("--apply", help="Do it. Without this nothing is changed.")]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]
BecauseOption = Annotated[str, typer.Option(help="Why; it is kept in the journal.")]
CopyAloneOption = Annotated[
    bool, typer.Option("--copy-alone", help="The journal's database is down: use this machine's copy.")
]
UnprovenOption = Annotated[str, typer.Option(metavar="REASON", help="Go back although the original is not proven.")]
