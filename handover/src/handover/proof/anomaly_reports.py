"""Reports of the anomalies in one row's history: which system caused each, and the few lines that show it."""

from handover.proof.anomalies import Tally
from handover.proof.history import READS, RowHistory, RowState, Version, WriterOperation, Writers
from handover.side import Side

VERSIONS_SHOWN = 8


class RowReport:
    """One row under examination; its anomalies are counted in a tally."""

    def __init__(self, row: RowHistory, writers: Writers, tally: Tally) -> None:
        self.row, self.writers, self.tally = row, writers, tally
        self.versions = row.versions or []
        self.by_id: dict[int, WriterOperation] = {}
        for operation in row.operations:
            if operation.style not in READS:
                self.by_id[operation.id] = operation
                if operation.style in {"double", "rollback"}:
                    self.by_id[operation.id + 1] = operation

    def side(self, operation: WriterOperation | None) -> Side | None:
        """Return the system that did an operation."""
        return self.writers.sides.get(operation.agent) if operation else None

    def saw(self, kind: str, reader: WriterOperation, seen: RowState, writer: WriterOperation | None) -> None:
        """Count an anomaly that a reader saw.

        Parameters
        ----------
        kind
            Key of :data:`handover.proof.anomalies.KINDS`.
        reader, seen
            The read, and the state of the row that it returned.
        writer
            The operation that wrote what was seen; None when it is unknown.
        """
        wrote = [f"{operation_text(writer, self.writers)}, {writer.outcome}"] if writer else []
        line = f"{operation_text(reader, self.writers)} saw {state_text(seen)}"
        self.tally.add(kind, self.side(writer), writer, len(wrote) + 1, lambda: (*wrote, line))

    def say(self, kind: str, operation: WriterOperation, words: str) -> None:
        """Count an anomaly of an operation.

        Parameters
        ----------
        kind
            Key of :data:`handover.proof.anomalies.KINDS`.
        operation, words
            The operation, and what it did, in words.
        """
        line = f"{operation_text(operation, self.writers)} {words}"
        self.tally.add(kind, self.side(operation), operation, 1, lambda: (f"row {self.row.key}", line))

    def add(self, kind: str, version: Version | None, operation: WriterOperation | None, start: int, end: int) -> None:
        """Count an anomaly that the versions from ``start`` to ``end`` show.

        Parameters
        ----------
        kind
            Key of :data:`handover.proof.anomalies.KINDS`.
        version, operation
            The version in question and the operation that wrote it, as far as they are known.
        start, end
            Positions of the first and the last version to show.
        """
        role = self.writers.roles.get(version.role) if version else None
        side = self.side(operation) or role
        start = max(start, 0)
        self.tally.add(kind, side, operation, end - start + 1, lambda: self.lines(start, end, operation))

    def lines(self, start: int, end: int, operation: WriterOperation | None = None) -> tuple[str, ...]:
        """Return the versions that show an anomaly, and what the writer knew.

        Parameters
        ----------
        start, end
            Positions of the first and the last version to show.
        operation
            The operation in question, if it is known.
        """
        shown = list(range(start, min(end + 1, len(self.versions))))
        if len(shown) > VERSIONS_SHOWN:
            shown = [*shown[: VERSIONS_SHOWN // 2], *shown[-VERSIONS_SHOWN // 2 :]]
        lines = [f"row {self.row.key}", *(self.line(at) for at in shown if at >= 0)]
        if operation is not None and operation.basis:
            lines.append(self.knew(operation))
        return tuple(lines)

    def knew(self, operation: WriterOperation) -> str:
        """Return what a writer knew of the row."""
        knew = f"{operation_text(operation, self.writers)} knew {state_text(operation.basis)}"
        return f"{knew}; it ended {operation.outcome}"

    def line(self, at: int) -> str:
        """Return one version as a line."""
        version = self.versions[at]
        writer = self.by_id.get(version.operation) if version.operation is not None else None
        who = operation_text(writer, self.writers) if writer else f"role {version.role}"
        others = f", and {version.others}" if version.others else ""
        return f"version {at + 1}: {who}: {state_text(version.old)} → {state_text(version.new)}{others}"


def operation_text(operation: WriterOperation, writers: Writers) -> str:
    """Return an operation for people to read."""
    side = writers.sides.get(operation.agent, "?")
    return f"{side} (agent {operation.agent}) {operation.style} {operation.id}"


def state_text(state: RowState | None) -> str:
    """Return a state of a row for people to read."""
    return "no row" if state is None else f"[{state[0]}, {state[1]}, {state[2]}]"
