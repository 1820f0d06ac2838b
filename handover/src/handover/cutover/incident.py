"""The record of an incident: begun with the rollback, so that it need not be written from memory."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from handover.config.config import Config
from handover.private_files import private_folder, read_private, write_private

FOLDER = Path(".handover/incidents")
_TEMPLATE = """\
# Incident of {at:%F %T %Z}

- **Decided by:** {who} on {machine}
- **Cause, as far as known:** {because}
- **State before:** {source}
- **Impact:** (how many people, for how long, what was lost: to be filled in)
- **Next attempt:** (what has to be mended first: to be filled in)

## Time line

"""


def begin_record(config: Config, run: str, at: datetime, facts: Mapping[str, Any], who: str, machine: str) -> Path:
    """Write the record of a rollback, once for each run; return its file.

    Parameters
    ----------
    config, run
        The pair, and the identity of the rollback's run.
    at
        When the rollback was decided.
    facts
        What the rollback was given.
    who, machine
        Which account decided it, and on which machine.
    """
    path = config.root / FOLDER / f"{run}.md"
    if not path.exists():
        private_folder(path.parent)
        because = facts.get("because", "not said")
        filled = _TEMPLATE.format(at=at, who=who, machine=machine, because=because, source=facts["source"])
        write_private(path, filled)
    return path


def finish_record(path: Path, lines: list[str]) -> None:
    """Write the time line; what people filled in above it stays."""
    head = read_private(path).decode().partition("## Time line\n")[0]
    write_private(path, f"{head}## Time line\n\n" + "".join(f"- {line}\n" for line in lines))
