"""The options that several commands have, each declared once."""

from pathlib import Path
from typing import Annotated

import typer

from handover.errors import ConfigurationError


def require_reason(context: typer.Context, option: typer.CallbackParam, value: str) -> str:
    """Return the reason as it was typed; refuse one that was typed and says nothing."""
    source = context.get_parameter_source(option.name or "")
    if source and source.name == "COMMANDLINE" and not value.strip():
        raise ConfigurationError(f"{option.opts[0]} is empty: the journal keeps the reason. Say why.")
    return value


ConfigOption = Annotated[Path, typer.Option(help="The pair: its systems, database and models.")]
DEFAULT_CONFIG = Path("handover.toml")
ApplyOption = Annotated[bool, typer.Option("--apply", help="Do it. Without this nothing is changed.")]
UndoOption = Annotated[bool, typer.Option("--undo", help="Remove what this command added.")]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]
BecauseOption = Annotated[str, typer.Option(callback=require_reason, help="The reason; it is kept with the action.")]
CONFIRM = "The name that the command asks for, instead of typing it."
ConfirmOption = Annotated[str, typer.Option(help=CONFIRM)]
ConfirmEachOption = Annotated[list[str] | None, typer.Option("--confirm", metavar="NAME", help=CONFIRM)]
PlanOption = Annotated[
    str, typer.Option("--plan", metavar="PLAN", help="The plan that would be applied; the newest if none.")
]
CensusSecondsOption = Annotated[float, typer.Option(min=0.0, help="How long counting live rows may take.")]
DEFAULT_CENSUS_S = 30.0
CopyAloneOption = Annotated[
    bool, typer.Option("--copy-alone", help="The journal's database is down: use this machine's copy.")
]
UnprovenOption = Annotated[
    str,
    typer.Option(metavar="REASON", callback=require_reason, help="Go back although the original is not proven."),
]
ReviewedOption = Annotated[
    str, typer.Option("--reviewed", metavar="CHECKSUM", help="Only if the plan still has this checksum.")
]
SqlOption = Annotated[bool, typer.Option("--sql", help="Print every statement for review, for psql.")]
OverrideOption = Annotated[
    list[str] | None, typer.Option("--override", metavar="GATE", help="Go on although this gate is red.")
]
FollowOption = Annotated[bool, typer.Option("--follow", help="Go on until Ctrl-C or SIGTERM.")]
ServeOption = Annotated[bool, typer.Option("--serve", help="Serve it on this machine until Ctrl-C or SIGTERM.")]
PortOption = Annotated[int, typer.Option(min=0, max=65535, help="With --serve: where; any free one if 0.")]
AcceptLossOption = Annotated[
    bool, typer.Option("--accept-loss", help="Go back although new values that have no old one are lost.")
]
