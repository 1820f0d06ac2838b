"""``bachateo analyze``, ``correct`` and ``demo-song``: what is heard in a song."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from bachateo.cli.console import home, told
from bachateo.music import (
    Analysis,
    Corrections,
    analyze_song,
    apply_corrections,
    read_corrections,
    save_corrections,
)

SPARKS = "▁▂▃▄▅▆▇█"
WIDTH = 60
LEAST_RANGE_BPM = 4.0  # a steady song is a flat line, whatever its last decimals

SongArgument = Annotated[Path, typer.Argument(help="The song: mp3, m4a, ogg, opus, flac, wav or mp4.")]


def analyze_command(
    song: SongArgument,
    json_: Annotated[bool, typer.Option("--json", help="All of it as JSON.")] = False,
) -> None:
    """Tell the beats, the counts and the energy of a song."""
    with told():
        analysis = analyze_song(song, cache=home() / "cache")
        corrections = read_corrections(song)
    if json_:
        typer.echo(analysis.to_json())
        return
    _show(song, analysis)
    if corrections != Corrections():
        typer.echo(f"  as corrected: {_in_words(corrections)}")


def correct_command(
    song: SongArgument,
    shift_half_beat: Annotated[
        bool, typer.Option("--shift-half-beat", help="The beats were heard half a beat off.")
    ] = False,
    the_one_at: Annotated[float | None, typer.Option(help="Seconds at which there is a 1, about.", min=0)] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Forget the corrections given before.")] = False,
) -> None:
    """Correct what was heard; kept beside the song and obeyed from now on."""
    if not (shift_half_beat or the_one_at is not None or clear):
        raise typer.BadParameter("say what to correct: --shift-half-beat, --the-one-at SECONDS or --clear.")
    with told():
        corrections = Corrections() if clear else read_corrections(song)
        if shift_half_beat:
            corrections = replace(corrections, shift_half_beat=True)
        if the_one_at is not None:
            corrections = replace(corrections, downbeat_at_s=the_one_at)
        # Tried before it is kept: a correction that leaves nothing to dance to is refused.
        analysis = apply_corrections(analyze_song(song, cache=home() / "cache", corrected=False), corrections)
        save_corrections(song, corrections)
    typer.echo(f"{song.name}: {_in_words(corrections)}")
    typer.echo(f"  first 1 at {analysis.beats_s[analysis.first_count]:.2f} s, {analysis.tempo_bpm:.1f} bpm")


def demo_song_command(
    out: Annotated[Path, typer.Argument(help="The sound file to write; its true beats go into the .json beside it.")],
    seconds: Annotated[float, typer.Option(help="How long it lasts.")] = 60.0,
    bpm: Annotated[float, typer.Option(help="Beats per minute, 95 to 175.")] = 126.0,
    seed: Annotated[int, typer.Option(help="Another seed, another melody.")] = 0,
) -> None:
    """Synthesise a bachata whose beats are known."""
    from bachateo.music.demo import write_demo_song  # noqa: PLC0415

    with told():
        write_demo_song(out, seconds=seconds, bpm=bpm, seed=seed)
    typer.echo(out)


def _in_words(corrections: Corrections) -> str:
    words = ["half a beat later"] * corrections.shift_half_beat
    if corrections.downbeat_at_s is not None:
        words.append(f"a 1 at {corrections.downbeat_at_s:g} s")
    return ", ".join(words) or "no corrections"


def _show(song: Path, analysis: Analysis) -> None:
    tempo = analysis.tempo_curve_bpm
    typer.echo(
        f"{song.name}  {_time(analysis.duration_s)}, {analysis.tempo_bpm:.1f} bpm "
        f"({min(tempo):.1f} to {max(tempo):.1f}), {len(analysis.beats_s)} beats, "
        f"first 1 at {analysis.beats_s[analysis.first_count]:.2f} s"
    )
    middle = (min(tempo) + max(tempo)) / 2
    reach = max(max(tempo) - min(tempo), LEAST_RANGE_BPM) / 2
    typer.echo(f"  tempo       {_spark(tempo, middle - reach, middle + reach)}")
    typer.echo(f"  confidence  {_spark(analysis.confidence, 0, 1)}")
    for doubt in analysis.doubts:
        typer.echo(f"  {doubt}")
    for phrase in analysis.phrases:
        bar = "█" * round(1 + 19 * phrase.energy)
        typer.echo(f"  {phrase.number + 1:3}  {_time(phrase.start_s)} to {_time(phrase.end_s)}  {bar}")


def _time(seconds: float) -> str:
    return f"{int(seconds) // 60}:{seconds % 60:04.1f}"


def _spark(values: Sequence[float], low: float, high: float) -> str:
    """Draw a line of text through the values: low to high, at most ``WIDTH`` characters."""
    parts = np.array_split(np.array(values), min(WIDTH, len(values)) or 1)
    heights = [(float(part.mean()) - low) / (high - low) for part in parts if len(part)]
    return "".join(SPARKS[round(height * (len(SPARKS) - 1))] for height in heights)
