"""How the commands speak: results on stdout, what happens meanwhile on stderr."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bachateo.errors import BachateoError
from bachateo.moves import DIFFICULTIES, ENERGY_LEVELS
from bachateo.sequence import Plan

progress_console = Console(stderr=True)

Difficulty = StrEnum("Difficulty", list(DIFFICULTIES))  # type: ignore[misc]  # typer offers these words
Energy = StrEnum("Energy", list(ENERGY_LEVELS))  # type: ignore[misc]


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on a terminal, ten plain lines elsewhere."""
    if not progress_console.is_terminal:

        def tell(done: int, total: int) -> None:
            if done == total or done % max(1, total // 10) == 0:
                progress_console.print(f"{what}: {done} of {total}")

        yield tell
        return
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=progress_console, transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def stages() -> Iterator[Callable[[str, int, int], None]]:
    """Show one bar after the other, each named by what is being done."""
    with ExitStack() as shown:
        bars: dict[str, Callable[[int, int], None]] = {}

        def tell(stage: str, done: int, total: int) -> None:
            if stage not in bars:
                shown.close()
                bars[stage] = shown.enter_context(progress(stage))
            bars[stage](done, total)

        yield tell


def films_and_clothes(plan: Plan) -> str:
    """Say how varied a plan is, and how often the clothes change in it."""
    films = f"{plan.distinct_share:.0%} of the films are different"
    return films if plan.changes_share is None else f"{films}; other clothes at {plan.changes_share:.0%} of the cuts"


def home() -> Path:
    """Return the folder for what can be made again: the starter library and the cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bachateo"


@contextmanager
def told() -> Iterator[None]:
    """Tell an error of the engine, or of a file, in plain words and end with status 1."""
    try:
        yield
    except BachateoError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    except OSError as error:
        if error.errno == errno.EPIPE:  # what reads the output has ended, which typer knows
            raise
        typer.echo(_of_a_file(error), err=True)
        raise typer.Exit(1) from error


def _of_a_file(error: OSError) -> str:
    name, reason = error.filename or "a file", error.strerror or str(error)
    full = error.errno in {errno.ENOSPC, errno.EDQUOT}
    todo = "Make room" if full else "Correct its path or its rights"
    return f"{name} cannot be read or written ({reason}). {todo}, then run this again: what is finished is kept."
