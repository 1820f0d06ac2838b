"""Replay the failures of an earlier run."""

import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from handover.check.table import BAD, GOOD, OPEN
from handover.errors import ConfigurationError
from handover.proof.actor import Row, actors
from handover.proof.groups.read_across import failure_of
from handover.proof.mapped_table import Example, MappedTable, mapped_table, settled
from handover.proof.parents import Parents
from handover.proof.row_round_trip import RowRoundTrip
from handover.proof.shrink import no_traces
from handover.proof.target import ProofTarget
from handover.side import Side
from handover.troubles import why_unreadable

STILL_THERE, GONE = 4, 0


def replayed(target: ProofTarget, path: Path, console: Console) -> int:
    """Repeat the round trips of recorded rows and print which failures still occur; return the exit code.

    Parameters
    ----------
    target
        Where to act.
    path
        ``failures.jsonl`` of an earlier run, or some of its lines.
    console
        Where to print.

    Raises
    ------
    ConfigurationError
        The file is missing or holds no recorded failure that can be replayed.
    """
    recorded = [line for line in _lines(path) if line.get("group") == "read-across" and line.get("example")]
    if not recorded:
        message = f"{path} holds no failure with a row; `--replay` takes failures.jsonl of an evidence folder."
        raise ConfigurationError(message, code="HO423")
    still = 0
    pairs = {pair.table: pair for pair in target.config.models}
    with no_traces(), actors(target) as both:
        parents = Parents(both)
        for line in recorded:
            if line["table"] not in pairs:
                raise ConfigurationError(
                    f"{path} is about {line['table']}, which handover.toml does not map.", code="HO423"
                )
            table = settled(mapped_table(pairs[line["table"]], both, parents), both[Side.ORIGINAL])
            found = RowRoundTrip(table, both).differences(_example(table, line["example"]))
            code = line["finding"]["code"]
            met = next((d for d in found.values() if d.code == code), None)
            still += met is not None
            text = f"{code} {line['finding']['where']}: {'still occurs' if met else 'no longer occurs'}"
            console.print(f"{BAD if met else GOOD} {escape(text)}", soft_wrap=True)
            if met:
                console.print(escape(str(failure_of(table, met).finding)), soft_wrap=True)
        for label, _ in parents.remove():
            console.print(f"{OPEN} a row of {label} that was made for this is still there", soft_wrap=True)
    return STILL_THERE if still else GONE


def _lines(path: Path) -> list[dict[str, Any]]:
    try:
        return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        message = f"{path} cannot be replayed: {why_unreadable(error)}."
        todo = "`--replay` takes failures.jsonl of an evidence folder."
        raise ConfigurationError(f"{message} {todo}", code="HO423") from error


def _example(table: MappedTable, parts: dict[str, Row]) -> Example:
    """Return the recorded row; the rows that it pointed at are gone, so it points at rows of this run."""

    def pointed(row: Row) -> Row:
        result = dict(row)
        for column, wire in row.items():
            one = table.fields.get(column)
            if one and one.relation and wire is not None:
                result[column] = table.pointed(one)[0]
        return result

    return Example(pointed(parts["row"]), pointed(parts["change"]), parts["extra"])
