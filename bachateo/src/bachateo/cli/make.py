"""``bachateo make`` and ``bachateo cut``: a song, or a plan for it, becomes a video."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from bachateo.choreography import make, require_song_of
from bachateo.cli.console import Difficulty, Energy, films_and_clothes, home, progress_console, told
from bachateo.cli.library import ready_index, starter_library
from bachateo.errors import VideoError
from bachateo.selection import search_every_level
from bachateo.sequence import Plan, read_plan
from bachateo.video import Sidecars, assemble, encode_sound, sidecars_aside

Out = Annotated[Path, typer.Option("--out", "-o", help="The mp4 to write.")]
WithSidecars = Annotated[
    bool, typer.Option("--sidecars/--no-sidecars", help="Write timeline, captions, chapters and a picture beside it.")
]


def make_command(
    song: Annotated[Path, typer.Argument(help="The song: mp3, m4a, ogg, opus, flac, wav or mp4.")],
    out: Out,
    difficulty: Annotated[Difficulty | None, typer.Option(help="The hardest moves to dance.")] = None,
    energy: Annotated[Energy | None, typer.Option(help="The energy to keep; without it the song decides.")] = None,
    style: Annotated[str | None, typer.Option(help="The style to prefer, a word of the library.")] = None,
    seed: Annotated[int, typer.Option(help="Another seed, another choreography.")] = 0,
    relax: Annotated[bool, typer.Option("--relax", help="Give up what has to be, when not everything can be.")] = False,
    library: Annotated[Path | None, typer.Option(help="Folder of a library; by default the starter library.")] = None,
    sidecars: WithSidecars = True,
) -> None:
    """Make a choreography video for a song."""
    with told():
        folder = library or starter_library()
        made = make(
            song,
            out,
            library=folder,
            difficulty=difficulty,
            energy=energy,
            seed=seed,
            style=style,
            relax=relax,
            search=partial(search_every_level, ready_index(folder)),
            cache=home() / "cache",
            sidecars=Sidecars.beside(out) if sidecars else None,
            on_stage=lambda stage: progress_console.print(f"{stage} ..."),
        )
    _show(out, made.plan)


def cut_command(
    plan_file: Annotated[Path, typer.Argument(metavar="PLAN", help="The plan, a JSON file of `bachateo plan`.")],
    out: Out,
    song: Annotated[Path | None, typer.Option(help="The song; by default where the plan says.")] = None,
    library: Annotated[Path | None, typer.Option(help="Folder of the library; by default where the plan says.")] = None,
    sidecars: WithSidecars = True,
    cfr: Annotated[
        int | None, typer.Option(help="Pictures a second at a constant rate, for editing programs.", min=10, max=120)
    ] = None,
) -> None:
    """Cut the video of a plan."""
    with told(), TemporaryDirectory(prefix="bachateo-") as place:
        plan = read_plan(plan_file, library=library)
        song = _song_of(plan, song)
        sound = encode_sound(song, cache=Path(place))
        with sidecars_aside(plan, song.stem, Sidecars.beside(out)) if sidecars else nullcontext():
            assemble(plan, sound.path, out, constant_hz=cfr)
    _show(out, plan)


def _song_of(plan: Plan, given: Path | None) -> Path:
    song = given or plan.song
    if song is None or not song.is_file():
        raise VideoError("CH066", f"the song of the plan, {song}, is not there. Say where it is: --song FILE")
    require_song_of(plan, song)
    return song


def _show(video: Path, plan: Plan) -> None:
    heard = plan.analysis
    typer.echo(f"{video}  {heard.duration_s:.0f} s at {heard.tempo_bpm:.0f} bpm, {len(plan.moves)} moves:")
    for placed in plan.moves:
        typer.echo(f"  {int(placed.start_s) // 60}:{placed.start_s % 60:04.1f}  {placed.move.move_label}")
    progress_console.print(films_and_clothes(plan))
    for sentence in plan.relaxed:
        progress_console.print(f"given up: {sentence}")
