"""``python -m bachateo.cli``."""

from bachateo.cli import app

app()
