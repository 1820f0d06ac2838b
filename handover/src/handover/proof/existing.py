"""Existing rows, read by both systems; their values are compared and never written down."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from handover.probe.wire import Wire, same
from handover.proof.actor import Row
from handover.proof.difference import Difference, kinds_of
from handover.proof.mapped_table import Actors, MappedTable
from handover.side import Side

AT_ONCE = 100
ATTEMPTS = 3  # a row that changes meanwhile is read again
PAGE = 50


class Existing:
    """The existing rows of one table, the oldest and the newest by key; ``counts`` holds how many were compared."""

    def __init__(self, mapped: MappedTable, actors: Actors, limit: int) -> None:
        self.mapped, self.actors, self.limit = mapped, actors, limit
        self.counts: Counter[str] = Counter()

    def differences(self) -> Iterator[Difference]:
        """Yield what the systems read differently, the first row of each place."""
        found: dict[tuple[str, str], Difference] = {}
        keys = self._keys()
        for start in range(0, len(keys), AT_ONCE):
            for difference in self._compare(keys[start : start + AT_ONCE]):
                found.setdefault((difference.code, difference.place), difference)
        yield from found.values()
        yield from self._lists()

    def _of(self, side: Side) -> dict[str, Any]:
        return {"model": self.mapped.models[side].label}

    def _keys(self) -> list[Wire]:
        """Return keys of rows that one of the systems sees."""
        half = max(self.limit // 2, 1)
        found: dict[str, Wire] = {}
        for side in Side:
            key = self.mapped.models[side].key[0]
            requests = [{"do": "filter", **self._of(side), "select": "keys", "order": [order], "limit": half}
                        for order in (key, f"-{key}")]  # fmt: skip
            for answer in self.actors[side].batch(*requests):
                found |= {str(wire): wire for wire in answer.value or ()}
        return list(found.values())

    def _compare(self, keys: list[Wire], attempts: int = ATTEMPTS) -> list[Difference]:
        rows = [self._rows(side, keys) for side in Side]
        if None in rows and len(keys) > 1:  # reading one of them raises: find it
            middle = len(keys) // 2
            return [*self._compare(keys[:middle], attempts), *self._compare(keys[middle:], attempts)]
        found = list(self._differing(keys, *rows))
        if found and attempts > 1:
            return self._compare(keys, attempts - 1)
        self.counts["existing_rows"] += len(keys)
        return found

    def _differing(
        self, keys: list[Wire], original: dict[str, Row] | None, backend: dict[str, Row] | None
    ) -> Iterator[Difference]:
        if original is None or backend is None:
            if original is not backend:
                blind: Side = Side.ORIGINAL if original is None else Side.BACKEND
                yield self._difference("HO319", blind, keys[0], words={"error": "an error"})
            return
        for key in keys:
            one, two = original.get(str(key)), backend.get(str(key))
            if one is None or two is None:
                if one is not two:
                    hidden: Side = Side.ORIGINAL if one is None else Side.BACKEND
                    yield self._difference("HO316", hidden, key)
                continue
            for column in self.mapped.shared:
                self.counts["existing_values"] += 1
                if not same(one[column], two[column]):
                    yield self._difference("HO315", Side.BACKEND, key, column, words=kinds_of(one[column], two[column]))

    def _rows(self, side: Side, keys: list[Wire]) -> dict[str, Row] | None:
        answer = self.actors[side].one("filter", **self._of(side), where={"pk__in": ["list", keys]})
        return None if answer.raised else {str(self.mapped.key_of(side, row)): row for row in answer.value}

    def _lists(self) -> Iterator[Difference]:
        """Compare lists: the first page, and how many rows there are of each choice."""
        asked: list[tuple[str, str, dict[str, Any]]] = []
        if any(self.mapped.models[side].ordering for side in Side):
            asked.append(("HO303", "", {"select": "keys", "limit": PAGE}))
        asked.append(("HO304", "", {"select": "count"}))
        asked += [
            ("HO302", column, {"select": "count", "where": {column: choice}})
            for column, (one, _) in self.mapped.shared.items()
            for choice in one.values()
        ]
        for code, column, request in asked:
            for _ in range(ATTEMPTS):
                one, two = (self.actors[s].one("filter", **self._of(s), **request) for s in Side)
                if one == two:
                    break
            else:
                words = {"by": "without order_by", "lookup": "exact", "mine": one.value, "theirs": two.value}
                words |= {"maker": Side.ORIGINAL, "words": "Compare both queries.", "where": request.get("where", {})}
                place = self.mapped.place(column)
                yield Difference(
                    code,
                    place,
                    Side.ORIGINAL,
                    Side.BACKEND,
                    "order" if code == "HO303" else "rows",
                    column,
                    words=words,
                )
            self.counts["lists"] += 1

    def _difference(
        self, code: str, hurts: Side, key: Wire, column: str = "", *, words: dict[str, Any] | None = None
    ) -> Difference:
        return Difference(
            code,
            self.mapped.place(column),
            Side.ORIGINAL,
            hurts,
            "existing",
            column,
            words={**(words or {}), "key": key},
        )
