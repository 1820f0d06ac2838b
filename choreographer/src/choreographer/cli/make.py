"""``choreographer make``: the whole way from a song to a video."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from choreographer.choreography import make
from choreographer.cli.console import Difficulty, Energy, home, progress_console, told
from choreographer.cli.library import starter_library
from choreographer.video import Sidecars


def make_command(
    song: Annotated[Path, typer.Argument(help="The song: mp3, m4a, ogg, opus, flac, wav or mp4.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The mp4 to write.")],
    difficulty: Annotated[Difficulty | None, typer.Option(help="The hardest moves to dance.")] = None,
    energy: Annotated[Energy | None, typer.Option(help="The energy to keep; without it the song decides.")] = None,
    seed: Annotated[int, typer.Option(help="Another seed, another choreography.")] = 0,
    library: Annotated[Path | None, typer.Option(help="Folder of a library; by default the starter library.")] = None,
    sidecars: Annotated[bool, typer.Option(help="Write timeline, captions, chapters and a picture beside it.")] = True,
) -> None:
    """Make a choreography video for a song."""
    with told():
        made = make(
            song,
            out,
            library=library or starter_library(),
            difficulty=difficulty,
            energy=energy,
            seed=seed,
            cache=home() / "cache",
            sidecars=Sidecars.beside(out) if sidecars else None,
            on_stage=lambda stage: progress_console.print(f"{stage} ..."),
        )
    typer.echo(f"{made.video}  {made.duration_s:.0f} s at {made.tempo_bpm:.0f} bpm, {len(made.moves)} moves:")
    for placed in made.moves:
        typer.echo(f"  {int(placed.start_s) // 60}:{placed.start_s % 60:04.1f}  {placed.move.move_label}")
