"""The command line: one command for each step from a song and a library to a video."""

from __future__ import annotations

from importlib import metadata
from typing import Annotated

import typer

from bachateo.cli.index import index_command, reindex_command, search_command
from bachateo.cli.library import library_app
from bachateo.cli.make import cut_command, make_command
from bachateo.cli.plan import plan_command, swap_command
from bachateo.cli.songs import analyze_command, correct_command, demo_song_command

VERSION = "Show the version of bachateo, and do nothing else."
app = typer.Typer(no_args_is_help=True, add_completion=False)


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - an option's callback
    if wanted:
        typer.echo(f"bachateo {metadata.version('bachateo')}")
        raise typer.Exit


@app.callback()
def bachateo(
    version: Annotated[bool, typer.Option("--version", is_eager=True, callback=_show_version, help=VERSION)] = False,
) -> None:
    """A song in, a bachata choreography video out."""


app.command("make")(make_command)
app.command("analyze")(analyze_command)
app.command("correct")(correct_command)
app.command("plan")(plan_command)
app.command("swap")(swap_command)
app.command("cut")(cut_command)
app.command("demo-song")(demo_song_command)
app.command("search")(search_command)
library_app.command("index")(index_command)
library_app.command("reindex")(reindex_command)
app.add_typer(library_app, name="library")
