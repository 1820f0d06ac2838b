"""The check of a row without recorded versions, by the ids that were seen and by times.

The order of the versions is unknown, so fewer anomalies are found: two writers that counted up from one state, reads of
what was rolled back or half done, saves of rows that had been deleted before. It is linear, too.
"""

from handover.proof.anomaly_reports import RowReport, operation_text
from handover.proof.history import LEAVES_NOTHING, WHOLE, RowState, WriterOperation


class UnversionedRow(RowReport):
    """One row, examined by the records of its writers alone."""

    def examine(self) -> None:
        """Find the anomalies that show without the order of the versions."""
        known: dict[int, WriterOperation] = {}
        gone_since, created_until = None, float("-inf")
        for operation in sorted(self.row.operations, key=lambda o: o.began):
            if operation.outcome in {"deadlock", "conflict"}:
                self.say("deadlock", operation, f"ended as {operation.outcome} and was not tried again")
            for seen in operation.seen:
                self._read(operation, seen)
            if operation.agent in self.writers.repeatable and len(set(operation.seen)) > 1:
                self.say("read goes back", operation, "saw two rows in one transaction")
            if operation.style == "create" and operation.outcome in {"ok", "unknown"}:
                gone_since, created_until = None, max(created_until, operation.ended)
            elif operation.outcome != "ok":
                continue
            elif operation.style == "delete" and created_until < operation.began:
                gone_since = operation.ended
            elif operation.style in WHOLE or operation.style == "locked":
                if operation.style != "locked" and gone_since is not None and operation.began > gone_since:
                    self.say("resurrected row", operation, "saved a row that had been deleted")
                self._based(operation, known)
        self._final()

    def _read(self, operation: WriterOperation, seen: RowState | None) -> None:
        writer = self.by_id.get(seen[0]) if seen and seen[0] is not None else None
        if seen and writer and writer.outcome in LEAVES_NOTHING:
            self.saw("dirty read", operation, seen, writer)
        elif seen and writer and writer.style == "double" and writer.id == seen[0]:
            self.saw("intermediate read", operation, seen, writer)

    def _based(self, operation: WriterOperation, known: dict[int, WriterOperation]) -> None:
        """Find two writers that counted up from the same state: the later one took back what the earlier one wrote."""
        basis = operation.basis[0] if operation.basis else None
        if basis is None:
            return
        rival = known.setdefault(basis, operation)
        if rival is not operation:
            kind = "condition ignored" if operation.style == "locked" else "lost update"
            rivals = (operation_text(rival, self.writers), operation_text(operation, self.writers))
            self.tally.add(kind, self.side(operation), operation, 2, lambda: rivals)

    def _final(self) -> None:
        final = self.row.final
        writer = self.by_id.get(final[0]) if final and final[0] is not None else None
        if final and writer and writer.outcome in LEAVES_NOTHING:
            self.say("applied after all", writer, f"ended as {writer.outcome}, and the row carries its id")
