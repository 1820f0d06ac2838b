"""``bachateo plan`` and ``bachateo swap``: which move is danced when, without making the video."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from bachateo.cache import content_key
from bachateo.cli.console import Difficulty, Energy, films_and_clothes, home, progress_console, told
from bachateo.cli.library import ready_index, starter_library
from bachateo.moves import Library
from bachateo.music import analyze_song, song_reader
from bachateo.selection import offer_moves, search_every_level, song_vectors
from bachateo.sequence import Plan, Wishes, plan_sequence, read_plan, swap_move, write_plan

PlanOut = Annotated[Path, typer.Option("--out", "-o", help="The plan to write, a JSON file.")]
Why = Annotated[bool, typer.Option("--why", help="Also tell why each move was chosen.")]


def plan_command(
    song: Annotated[Path, typer.Argument(help="The song: mp3, m4a, ogg, opus, flac, wav or mp4.")],
    out: PlanOut,
    library: Annotated[Path | None, typer.Option(help="Folder of a library; by default the starter library.")] = None,
    difficulty: Annotated[Difficulty | None, typer.Option(help="The hardest moves to dance.")] = None,
    energy: Annotated[Energy | None, typer.Option(help="The energy to keep; without it the song decides.")] = None,
    style: Annotated[str | None, typer.Option(help="The style to prefer, a word of the library.")] = None,
    seed: Annotated[int, typer.Option(help="Another seed, another choreography.")] = 0,
    relax: Annotated[bool, typer.Option("--relax", help="Give up what has to be, when not everything can be.")] = False,
    relax_only: Annotated[
        list[str] | None,
        typer.Option(help="Give up no more than this: repeats, difficulty, style, tempo or ends. May be repeated."),
    ] = None,
    why: Why = False,
) -> None:
    """Plan a choreography: write which move is danced when, and show it."""
    with told():
        wishes = Wishes(difficulty, energy, seed, style, relax=tuple(relax_only) if relax_only else relax)
        folder, cache = library or starter_library(), home() / "cache"
        read = song_reader(song)
        analysis = analyze_song(song, cache=cache, read=read)
        found = search_every_level(ready_index(folder), song_vectors(song, cache=cache, read=read), wishes)
        plan = plan_sequence(analysis, offer_moves(Library.load(folder), found), wishes, relevance=found)
        write_plan(replace(plan, song=song, song_sha256=content_key(song)), out)
    _show(plan, out, why=why)


def swap_command(
    plan_file: Annotated[Path, typer.Argument(metavar="PLAN", help="The plan, a JSON file of `bachateo plan`.")],
    number: Annotated[int, typer.Argument(help="Which move, counted from 1.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Where to write; by default the same file.")] = None,
    seed: Annotated[int | None, typer.Option(help="Another seed may choose another move.")] = None,
    library: Annotated[Path | None, typer.Option(help="Folder of the library; by default where the plan says.")] = None,
    why: Why = False,
) -> None:
    """Replace one move of a plan; all others stay."""
    with told():
        plan = read_plan(plan_file, library=library)
        wishes = plan.wishes if seed is None else replace(plan.wishes, seed=seed)
        swapped = swap_move(plan, Library.load(plan.library), number, wishes=wishes)
        write_plan(swapped, out or plan_file)
    _show(swapped, out or plan_file, why=why)


def _show(plan: Plan, path: Path, *, why: bool) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("", "at", "move", "eight-counts", "energy", "level", "speed"):
        table.add_column(column, justify="left" if column in {"move", "energy", "level"} else "right")
    for number, placed in enumerate(plan.moves, 1):
        move = placed.move
        at = f"{int(placed.start_s) // 60}:{placed.start_s % 60:04.1f}"
        words = (move.move_label, str(move.eight_counts), move.energy_level, move.difficulty)
        table.add_row(str(number), at, *words, f"{placed.tempo_ratio:.0%}")
    Console().print(table)
    for number, placed in enumerate(plan.moves, 1) if why else ():
        typer.echo(f"{number}  {placed.move.move_label}: {' '.join(placed.reasons)}")
    progress_console.print(films_and_clothes(plan))
    for sentence in plan.relaxed:
        progress_console.print(f"given up: {sentence}")
    typer.echo(path)
