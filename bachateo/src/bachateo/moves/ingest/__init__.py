"""From a folder of films to a library whose clips can be cut by copying packets."""

from bachateo.moves.ingest.records import AtWorkError
from bachateo.moves.ingest.report import Report
from bachateo.moves.ingest.run import ingest
from bachateo.moves.ingest.share import Share, ingest_share

__all__ = ["AtWorkError", "Report", "Share", "ingest", "ingest_share"]
