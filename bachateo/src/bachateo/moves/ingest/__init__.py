"""From a folder of films to a library whose clips can be cut by copying packets."""

from bachateo.moves.ingest.report import Report
from bachateo.moves.ingest.run import ingest

__all__ = ["Report", "ingest"]
