"""Where commands print: results on standard output, progress on standard error."""

from rich.console import Console

out = Console(highlight=False, markup=False, soft_wrap=True)
progress = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
