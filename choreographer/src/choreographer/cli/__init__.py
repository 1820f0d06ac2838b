"""The command line: ``choreographer make``, ``choreographer library``, ``choreographer demo-song``."""

from __future__ import annotations

import typer

from choreographer.cli.library import library_app
from choreographer.cli.make import make_command
from choreographer.cli.songs import analyze_command, correct_command, demo_song_command

app = typer.Typer(no_args_is_help=True, add_completion=False, help="A song in, a bachata choreography video out.")
app.command("make")(make_command)
app.command("analyze")(analyze_command)
app.command("correct")(correct_command)
app.command("demo-song")(demo_song_command)
app.add_typer(library_app, name="library")
