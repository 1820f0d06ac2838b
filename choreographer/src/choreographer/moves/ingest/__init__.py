"""From a folder of films to a library whose clips can be cut by copying packets."""

from choreographer.moves.ingest.report import Report
from choreographer.moves.ingest.run import ingest

__all__ = ["Report", "ingest"]
