"""Shows the rehearsal while it runs: acts, commands with their output, and what people notice."""

import time
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sandbox.rehearsal.stage import EndedCommand

MOST_LINES = 14


class Narrator:
    """Writes to standard error, in colour on a terminal."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True, highlight=False)
        self._began = time.monotonic()

    def act(self, title: str, text: str) -> None:
        """Begin an act."""
        self.console.print()
        self.console.rule(Text(f"{title}", style="bold"), align="left")
        self.console.print(text)

    def say(self, text: str) -> None:
        """Say one thing, with the time since the beginning."""
        minutes, seconds = divmod(int(time.monotonic() - self._began), 60)
        self.console.print(Text.assemble((f"{minutes}:{seconds:02}  ", "dim"), text))

    def command(self, arguments: Sequence[str], ended: EndedCommand, *, quiet: bool = False) -> None:
        """Show a command as it was typed, and what it said."""
        words = " ".join(f'"{word}"' if " " in word else word for word in arguments)
        took = ended.ended - ended.began
        mark = "" if ended.status == 0 else f"  exit {ended.status}"
        line = (f"$ handover {words}", "bold cyan"), (f"   {took:.1f} s{mark}", "dim")
        self.console.print(Text.assemble("      ", *line))
        said = [line for line in (ended.err + ended.out).splitlines() if line.strip()]
        shown = said[-3:] if quiet else said[:MOST_LINES]
        for line_ in shown:
            self.console.print(Text(f"        {line_}", style="dim"), soft_wrap=True)
        if len(said) > len(shown):
            self.console.print(Text(f"        … {len(said) - len(shown)} more lines", style="dim italic"))

    def figures(self, title: str, rows: Sequence[tuple[str, str, str, bool]]) -> None:
        """Show what was measured beside what was promised."""
        table = Table("", "measured", "promised", title=title, title_justify="left")
        for name, measured, promised, held in rows:
            table.add_row(name, Text(measured, style="green" if held else "bold red"), promised)
        self.console.print(table)
