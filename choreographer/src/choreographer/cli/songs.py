"""``choreographer demo-song``: a song whose beats are known."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from choreographer.cli.console import told


def demo_song_command(
    out: Annotated[Path, typer.Argument(help="The sound file to write; its true beats go into the .json beside it.")],
    seconds: Annotated[float, typer.Option(help="How long it lasts.")] = 60.0,
    bpm: Annotated[float, typer.Option(help="Beats per minute, 95 to 175.")] = 126.0,
    seed: Annotated[int, typer.Option(help="Another seed, another melody.")] = 0,
) -> None:
    """Synthesise a bachata whose beats are known."""
    from choreographer.music.demo import write_demo_song  # noqa: PLC0415

    with told():
        write_demo_song(out, seconds=seconds, bpm=bpm, seed=seed)
    typer.echo(out)
