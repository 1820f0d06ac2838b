"""One row's history, and how an anomaly in it is told: by whom, and by the few lines that show it."""

from handover.proof.anomalies import Tally
from handover.proof.history import READS, Operation, RowHistory, State, Version, Writers
from handover.side import Side

VERSIONS_SHOWN = 8


class Told:
    """One row under examination; what is found goes into a tally."""

    def __init__(self, row: RowHistory, writers: Writers, tally: Tally) -> None:
        self.row, self.writers, self.tally = row, writers, tally
        self.versions = row.versions or []
        self.by_id: dict[int, Operation] = {}
        for operation in row.operations:
            if operation.style not in READS:
                self.by_id[operation.id] = operation
                if operation.style in {"double", "rollback"}:
                    self.by_id[operation.id + 1] = operation

    def side(self, operation: Operation | None) -> Side | None:
        """Return whose operation it is."""
        return self.writers.sides.get(operation.agent) if operation else None

    def saw(self, kind: str, reader: Operation, seen: State, writer: Operation | None) -> None:
        """Count what a reader saw of a writer."""
        wrote = [f"{told(writer, self.writers)}, {writer.outcome}"] if writer else []
        line = f"{told(reader, self.writers)} saw {shown(seen)}"
        self.tally.add(kind, self.side(writer), writer, len(wrote) + 1, lambda: (*wrote, line))

    def say(self, kind: str, operation: Operation, words: str) -> None:
        """Count what an operation did, in words."""
        line = f"{told(operation, self.writers)} {words}"
        self.tally.add(kind, self.side(operation), operation, 1, lambda: (f"row {self.row.key}", line))

    def add(self, kind: str, version: Version | None, operation: Operation | None, start: int, end: int) -> None:
        """Count an anomaly that the versions from ``start`` to ``end`` show."""
        role = self.writers.roles.get(version.role) if version else None
        side = self.side(operation) or role
        start = max(start, 0)
        self.tally.add(kind, side, operation, end - start + 1, lambda: self.lines(start, end, operation))

    def lines(self, start: int, end: int, operation: Operation | None = None) -> tuple[str, ...]:
        """Return the versions that show it, and what the writer knew."""
        shown = list(range(start, min(end + 1, len(self.versions))))
        if len(shown) > VERSIONS_SHOWN:
            shown = [*shown[: VERSIONS_SHOWN // 2], *shown[-VERSIONS_SHOWN // 2 :]]
        lines = [f"row {self.row.key}", *(self.line(at) for at in shown if at >= 0)]
        if operation is not None and operation.basis:
            lines.append(self.knew(operation))
        return tuple(lines)

    def knew(self, operation: Operation) -> str:
        """Return what a writer went by."""
        knew = f"{told(operation, self.writers)} knew {shown(operation.basis)}"
        return f"{knew}; it ended {operation.outcome}"

    def line(self, at: int) -> str:
        """Return one version as a line."""
        version = self.versions[at]
        writer = self.by_id.get(version.operation) if version.operation is not None else None
        who = told(writer, self.writers) if writer else f"role {version.role}"
        others = f", and {version.others}" if version.others else ""
        return f"version {at + 1}: {who}: {shown(version.old)} → {shown(version.new)}{others}"


def told(operation: Operation, writers: Writers) -> str:
    """Return an operation as people read it."""
    side = writers.sides.get(operation.agent, "?")
    return f"{side} (agent {operation.agent}) {operation.style} {operation.id}"


def shown(state: State | None) -> str:
    """Return a row as people read it."""
    return "no row" if state is None else f"[{state[0]}, {state[1]}, {state[2]}]"
