"""The end: what the original was is archived, it is decommissioned, the database stays."""

from handover.cutover.run import Action, Command, Evidence, Night


def preflight(night: Night) -> Evidence:
    raise NotImplementedError


def archive(night: Night) -> Evidence:
    raise NotImplementedError


CLEANUP = Command("cleanup", (Action("archive", archive),), preflight, "archive")
