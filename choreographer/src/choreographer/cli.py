"""The command line: ``choreographer make``, ``choreographer library``, ``choreographer demo-song``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from choreographer.choreography import make
from choreographer.errors import ChoreographerError
from choreographer.moves import Library
from choreographer.moves.sheet import draw_sheet

app = typer.Typer(no_args_is_help=True, add_completion=False, help="A song in, a bachata choreography video out.")
library_app = typer.Typer(no_args_is_help=True, help="Libraries of moves.")
app.add_typer(library_app, name="library")

# Results go to stdout; what happens meanwhile to stderr.
progress_console = Console(stderr=True)

Difficulty = StrEnum("Difficulty", ["beginner", "intermediate", "advanced"])
Energy = StrEnum("Energy", ["low", "medium", "high"])


@app.command("make")
def make_command(
    song: Annotated[Path, typer.Argument(help="The song: mp3, m4a, ogg, opus, flac, wav or mp4.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The mp4 to write.")],
    difficulty: Annotated[Difficulty | None, typer.Option(help="The hardest moves to dance.")] = None,
    energy: Annotated[Energy | None, typer.Option(help="The energy to keep; without it the song decides.")] = None,
    seed: Annotated[int, typer.Option(help="Another seed, another choreography.")] = 0,
    library: Annotated[Path | None, typer.Option(help="Folder of a library; by default the starter library.")] = None,
) -> None:
    """Make a choreography video for a song."""
    try:
        folder = library or _starter(_home() / "starter")
        made = make(
            song,
            out,
            library=folder,
            difficulty=difficulty,
            energy=energy,
            seed=seed,
            cache=_home() / "cache",
            on_stage=lambda stage: progress_console.print(f"{stage} ..."),
        )
    except ChoreographerError as error:
        raise _failed(error) from error
    typer.echo(f"{made.video}  {made.duration_s:.0f} s at {made.tempo_bpm:.0f} bpm, {len(made.moves)} moves:")
    for placed in made.moves:
        typer.echo(f"  {int(placed.start_s) // 60}:{placed.start_s % 60:04.1f}  {placed.move.move_label}")


@library_app.command("starter")
def starter_command(
    folder: Annotated[Path, typer.Argument(help="Where the library shall be.")],
    height: Annotated[int, typer.Option(help="Height of the pictures in pixels, 16:9.", min=90, max=2160)] = 540,
) -> None:
    """Draw the starter library, or what is missing of it."""
    try:
        _starter(folder, height)
    except ChoreographerError as error:
        raise _failed(error) from error
    typer.echo(folder)


@library_app.command("sheet")
def sheet_command(
    out: Annotated[Path, typer.Option("--out", "-o", help="The picture to write, .png or .jpg.")],
    library: Annotated[Path | None, typer.Option(help="Folder of a library; by default the starter library.")] = None,
) -> None:
    """Draw a contact sheet: every move on its counts 1 to 8."""
    try:
        rows = draw_sheet(Library.load(library or _starter(_home() / "starter")), out)
    except ChoreographerError as error:
        raise _failed(error) from error
    progress_console.print(f"{rows} moves")
    typer.echo(out)


@app.command("demo-song")
def demo_song_command(
    out: Annotated[Path, typer.Argument(help="The sound file to write; its true beats go into the .json beside it.")],
    seconds: Annotated[float, typer.Option(help="How long it lasts.")] = 60.0,
    bpm: Annotated[float, typer.Option(help="Beats per minute, 95 to 175.")] = 126.0,
    seed: Annotated[int, typer.Option(help="Another seed, another melody.")] = 0,
) -> None:
    """Synthesise a bachata whose beats are known."""
    from choreographer.music.demo import write_demo_song  # noqa: PLC0415

    try:
        write_demo_song(out, seconds=seconds, bpm=bpm, seed=seed)
    except ChoreographerError as error:
        raise _failed(error) from error
    typer.echo(out)


def _starter(folder: Path, height: int = 540) -> Path:
    # Drawing needs more of the machine than making a choreography does.
    from choreographer.moves.starter import draw_starter  # noqa: PLC0415

    # Encoders of this colour format want even sizes.
    size = (height * 16 // 9 // 2 * 2, height // 2 * 2)
    with _progress("drawing moves") as on_progress:
        library = draw_starter(folder, size=size, on_progress=on_progress)
    progress_console.print(f"{len(library.moves)} clips in {folder}")
    return folder


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on a terminal, plain lines elsewhere."""
    if not progress_console.is_terminal:
        yield lambda done, total: progress_console.print(f"{what}: {done} of {total}")
        return
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=progress_console, transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _home() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "choreographer"


def _failed(error: ChoreographerError) -> typer.Exit:
    typer.echo(str(error), err=True)
    return typer.Exit(1)


if __name__ == "__main__":
    app()
