"""``bachateo library``: libraries of moves."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated

import typer

from bachateo.cli.console import home, progress, progress_console, stages, told
from bachateo.moves import Library
from bachateo.moves.index.local import LocalMoveIndex
from bachateo.moves.sheet import draw_sheet

library_app = typer.Typer(no_args_is_help=True, help="Libraries of moves.")


@library_app.command("starter")
def starter_command(
    folder: Annotated[Path, typer.Argument(help="Where the library shall be.")],
    height: Annotated[int, typer.Option(help="Height of the pictures in pixels, 16:9.", min=90, max=2160)] = 540,
) -> None:
    """Draw the starter library, or what is missing of it."""
    with told():
        typer.echo(starter_library(folder, height))


@library_app.command("ingest")
def ingest_command(
    folder: Annotated[Path, typer.Argument(help="Folder of the films.")],
    annotations: Annotated[Path, typer.Option(help="JSON file that says what each film shows.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the library to make, or to bring up to date.")],
    height: Annotated[
        int | None, typer.Option(help="Height of the pictures in pixels; 720 in a new library.", min=90, max=2160)
    ] = None,
    width: Annotated[
        int | None, typer.Option(help="Width; by default the shape most films have without bars.", min=90, max=4096)
    ] = None,
    fps: Annotated[int | None, typer.Option(help="Pictures a second; 30 in a new library.", min=10, max=60)] = None,
    workers: Annotated[int | None, typer.Option(help="Films at a time; by default one a core.", min=1)] = None,
    share: Annotated[
        str | None, typer.Option(help="Only a share of the work, like 2/8; call each twice, then once without.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Make a library from a folder of films: beats marked, cut from a 1, encoded alike, and its index.

    Ends with status 4 when some films were refused, and with 1 when all were. In a task of a Cloud Run job that has
    several, it does the share of this task.
    """
    # Hearing and encoding need more of the machine than making a choreography does.
    from bachateo.moves.ingest import ingest, ingest_share  # noqa: PLC0415

    number, of = _share(share)
    if of > 1:
        with told(), stages() as on_progress:
            done = ingest_share(
                folder,
                annotations,
                out,
                number=number,
                of=of,
                height=height,
                width=width,
                rate_hz=fps,
                workers=workers,
                on_progress=on_progress,
            )
        typer.echo(f"share {number} of {of}: {done.films} films, {done.heard} heard and {done.encoded} encoded now")
        if done.waits_for:
            typer.echo(
                f"waits for share {', '.join(map(str, done.waits_for))}: call it again when they have heard theirs"
            )
        return
    with told(), stages() as on_progress:
        report = ingest(
            folder, annotations, out, height=height, width=width, rate_hz=fps, workers=workers, on_progress=on_progress
        )
    if report.accepted:
        with told():
            ready_index(out)
    typer.echo(report.to_json() if as_json else "\n".join(report.lines()))
    if report.refused:
        raise typer.Exit(4 if report.accepted else 1)


def _share(text: str | None) -> tuple[int, int]:
    """Return which share is to be done, from 1, and of how many: as asked, or that of this task of a Cloud Run job."""
    if text is None:
        return int(os.environ.get("CLOUD_RUN_TASK_INDEX", "0")) + 1, int(os.environ.get("CLOUD_RUN_TASK_COUNT", "1"))
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise typer.BadParameter(f"{text!r} is no share; it must be like 2/8.", param_hint="--share")
    return int(found[1]), int(found[2])


@library_app.command("sheet")
def sheet_command(
    out: Annotated[Path, typer.Option("--out", "-o", help="The picture to write, .png or .jpg.")],
    library: Annotated[Path | None, typer.Option(help="Folder of a library; by default the starter library.")] = None,
) -> None:
    """Draw a contact sheet: every move on its counts 1 to 8."""
    with told():
        rows = draw_sheet(Library.load(library or starter_library()), out)
    progress_console.print(f"{rows} moves")
    typer.echo(out)


def starter_library(folder: Path | None = None, height: int = 540) -> Path:
    """Return the folder of the starter library, drawn as far as it is missing."""
    # Drawing needs more of the machine than making a choreography does.
    from bachateo.moves.starter import draw_starter  # noqa: PLC0415

    folder = folder or home() / "starter"
    # Encoders of this colour format want even sizes.
    size = (height * 16 // 9 // 2 * 2, height // 2 * 2)
    with progress("drawing moves") as on_progress:
        library = draw_starter(folder, size=size, on_progress=on_progress)
    progress_console.print(f"{len(library.moves)} clips in {folder}")
    ready_index(folder)
    return folder


def ready_index(folder: Path) -> LocalMoveIndex:
    """Return the index of a library, made when it is missing or older than the library."""
    from bachateo.moves.index.building import index_library  # noqa: PLC0415

    with progress("describing moves") as on_progress:
        index_library(folder, on_progress=on_progress)
    return LocalMoveIndex.of_library(folder)
