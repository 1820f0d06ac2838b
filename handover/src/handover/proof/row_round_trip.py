"""A round trip of one row: one system makes it, the other reads, finds, changes, saves and deletes it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from handover.probe.wire import JSON_NULL, Wire, encode, same
from handover.proof.actor import Actor, Reply, Request, Row
from handover.proof.difference import Difference, DifferenceKey, ValuesBySide, kinds_of
from handover.proof.lookups import lookup_requests
from handover.proof.mapped_table import Actors, Example, MappedTable
from handover.side import Side

HELD = "round trip"
NO_WORDS = "compare both queries."


@dataclass
class RowTrace:
    """What happened to a row that one system made.

    Attributes
    ----------
    maker
        The system that made it.
    refused
        What its ORM raised instead of making it.
    made, changed
        The row as its maker read it after it was made, and after the other changed it.
    before
        The row as the other's save found it, if it had changed since it was made.
    touched
        The automatic columns that the other's save changed.
    stumbled
        Step → what the other's ORM raised in it; no difference if both raise it.
    found
        What differed between the two.
    """

    maker: Side
    refused: Reply | None = None
    made: Row = field(default_factory=dict)
    changed: Row = field(default_factory=dict)
    before: Row = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)
    stumbled: dict[str, Reply] = field(default_factory=dict)
    found: list[Difference] = field(default_factory=list)


class RowRoundTrip:
    """Round trips of one table's rows, from each system to the other.

    ``counts`` holds how many rows and values were compared and how many look-ups both systems answered. ``refused`` is
    how many rows both systems refuse: that is no difference, and nothing was compared.
    """

    def __init__(self, mapped: MappedTable, actors: Actors) -> None:
        self.mapped, self.actors = mapped, actors
        must = ["rows", "values", "questions", "deletes", *(["new_fields"] if mapped.pair.new_fields else [])]
        must += ["relations"] if any(one.relation for one in mapped.fields.values()) else []
        self.counts: dict[Side, Counter[str]] = {side: Counter(dict.fromkeys(must, 0)) for side in Side}
        self.refused = 0
        self._turn = 0
        self._column: str | None = None

    def differences(
        self, example: Example, *, column: str | None = None, only: Side | None = None
    ) -> dict[DifferenceKey, Difference]:
        """Return what differs in the round trips of a row, the first difference of each place and direction.

        Parameters
        ----------
        example
            The row.
        column
            The only column that is looked up, with every look-up; None for some look-ups of each column.
        only
            The only system that makes the row; what needs both directions is not compared then. None for both.
        """
        self._turn, self._column = self._turn + 1, column
        if only:
            return {d.key: replace(d, example=example) for d in reversed(self._row_trace(only, example).found)}
        one, other = (self._row_trace(side, example) for side in Side)
        result: dict[DifferenceKey, Difference] = {}
        seen: set[tuple[str, Side]] = set()
        for difference in (*one.found, *other.found, *self._between(one, other, example)):
            if (difference.place, difference.maker) not in seen:
                seen.add((difference.place, difference.maker))
                result[difference.key] = replace(difference, example=example)
        return result

    # --- one direction

    def _row_trace(self, side: Side, example: Example) -> RowTrace:
        maker, other = self.actors[side], self.actors[self.actors[side].other]
        trace = RowTrace(side)
        answer = maker.one("create", **self.of(maker), values=example.row)
        if answer.raised:
            trace.refused = answer
            return trace
        key, label = answer.value, self.mapped.models[Side.ORIGINAL].label
        self.mapped.parents.note(label, key)
        self.counts[side]["rows"] += 1
        if example.extra:
            backend = self.actors[Side.BACKEND]
            backend.one("update", **self.of(backend, key), values=example.extra)
        trace.made = self._same_view(trace, key) or {}
        if trace.made:
            self._find(trace, key)
            self._reach(trace, key, example)
            self._change(trace, other, key, example)
            self._save(trace, other, key, example)
        self._delete(trace, maker, other, key)
        self.mapped.parents.forget(label, key)
        return trace

    def _find(self, trace: RowTrace, key: Wire) -> None:
        """Ask both for the row by each of its values."""
        asked = {actor.side: list(self._lookups(actor, key, trace.made)) for actor in self.actors.values()}
        if not asked[Side.ORIGINAL]:
            return
        one, two = (self.actors[side].batch(*[r for _, _, r in asked[side]]) for side in Side)
        for (column, lookup, request), mine, theirs in zip(asked[Side.ORIGINAL], one, two, strict=True):
            self.counts[trace.maker]["questions"] += 1
            if (mine.value, mine.refusal) != (theirs.value, theirs.refusal):
                where = {k: v for k, v in request["where"].items() if k != "pk"}
                words = {"lookup": lookup, "words": _first_line(mine, theirs) or NO_WORDS, "where": where}
                trace.found.append(self._difference("HO302", trace, column, "filter", words=words))

    def _lookups(self, actor: Actor, key: Wire, view: Row) -> Iterator[tuple[str, str, Request]]:
        # The original's fields decide what is asked, so that both get the same requests.
        for number, (column, (one, _)) in enumerate(self.mapped.shared.items()):
            if self._column not in (None, column):
                continue
            turn = self._turn + number if self._column is None else None
            for lookup, request in lookup_requests(one, view[column], self.of(actor)["model"], key, turn):
                yield column, lookup, request

    def _reach(self, trace: RowTrace, key: Wire, example: Example) -> None:
        """Ask for the row from each row that it points at: by the accessor, and by the query name."""
        asked = {actor.side: list(self._related(actor, key, example)) for actor in self.actors.values()}
        if not asked[Side.ORIGINAL]:
            return
        one, two = (self.actors[side].batch(*[r for _, _, r in asked[side]]) for side in Side)
        for (column, name, _), mine, theirs in zip(asked[Side.ORIGINAL], one, two, strict=True):
            self.counts[trace.maker]["relations"] += 1
            if mine.refusal != theirs.refusal or _set(mine.value) != _set(theirs.value):
                hurts: Side = Side.ORIGINAL if mine.raised and not theirs.raised else Side.BACKEND
                words = {"name": name, "words": _first_line(mine, theirs)}
                trace.found.append(self._difference("HO305", trace, column, "related", hurts=hurts, words=words))

    def _related(self, actor: Actor, key: Wire, example: Example) -> Iterator[tuple[str, str, Request]]:
        for column, (one, _) in self.mapped.shared.items():
            relation, value = one.relation, example.row.get(column)
            model = relation and actor.of_table(relation.to_table)
            if not (relation and relation.accessor and model) or value is None or relation.parent_link:
                continue
            name, label = relation.accessor, model.label
            by = one.references[1] if one.references else "pk"
            asked = {"do": "related", "model": label, "key": value, "by": by}
            yield column, name, {**asked, "accessor": name, "select": "keys"}
            where = {by: value, f"{relation.query_name}__pk": key}
            yield column, relation.query_name, {"do": "filter", "model": label, "where": where, "select": "count"}

    def _change(self, trace: RowTrace, other: Actor, key: Wire, example: Example) -> None:
        if not example.change:
            return
        answer = other.one("update", **self.of(other, key), values=example.change)
        seen = self._same_view(trace, key) or {}
        if not answer.raised:
            trace.changed = seen
            return
        trace.stumbled["update"] = answer
        # Django writes the tables of a model with parents one after the other: the first may have changed.
        trace.before = seen

    def _save(self, trace: RowTrace, other: Actor, key: Wire, example: Example) -> None:
        """Let the other hold the object, set it back to what it was made as, and save it whole."""
        extra = self._extra(key, example)
        back = {c: _as_made(example.row, trace.made, c) for c in example.change if trace.changed}
        back = {c: wire for c, wire in back.items() if not _strange(wire)}
        words = {"back": back}
        held, saved, _ = other.batch(
            {"do": "get", **self.of(other, key), "held": HELD},
            {"do": "save", "held": HELD, "values": back},
            {"do": "let_go", "held": HELD},
        )
        if held.raised or saved.raised:
            trace.stumbled["save"] = held if held.raised else saved
            return
        after, before = self._same_view(trace, key), trace.before or trace.made
        for column in self.mapped.shared if after else ():
            assert after is not None  # noqa: S101 - nothing is looped over otherwise
            if same(before[column], after[column]):
                continue
            if self.mapped.automatic(column):
                trace.touched.add(column)
                continue
            values: ValuesBySide = ((trace.maker, before[column]), (other.side, after[column]))
            trace.found.append(
                self._difference("HO308", trace, column, "save", hurts=trace.maker, values=values, words=words)
            )
        for column, wire in self._extra(key, example).items():
            self.counts[trace.maker]["new_fields"] += 1
            if not same(wire, extra[column]):
                values = ((Side.BACKEND, extra[column]), (other.side, wire))
                trace.found.append(self._difference("HO309", trace, column, "save", hurts=trace.maker, values=values))

    def _delete(self, trace: RowTrace, maker: Actor, other: Actor, key: Wire) -> None:
        answer = other.one("delete", **self.of(other, key))
        there = [a.one("filter", **self.of(a, key), select="exists").value for a in (maker, other)]
        self.counts[trace.maker]["deletes"] += 1
        if answer.raised or any(there):
            words = {"error": answer.refusal or "the row is still there", "words": _first_line(answer)}
            trace.found.append(self._difference("HO311", trace, "", "delete", hurts=trace.maker, words=words))
            maker.one("delete", **self.of(maker, key), base=True)

    # --- how both see a row

    def of(self, actor: Actor, key: Wire = None) -> dict[str, Any]:
        """Return the part of a request that names the model, and the row."""
        model = {"model": self.mapped.models[actor.side].label}
        return model if key is None else model | {"where": {"pk": key}}

    def _same_view(self, trace: RowTrace, key: Wire) -> Row | None:
        """Compare how both systems see the row; return its maker's view, or None when one of them cannot read it."""
        views = {side: self.actors[side].one("get", **self.of(self.actors[side], key)) for side in Side}
        mine, theirs = views[trace.maker], views[self.actors[trace.maker].other]
        if mine.raised or theirs.raised:
            if mine.refusal != theirs.refusal:
                blind = self.actors[trace.maker].other if theirs.raised else trace.maker
                trace.found.append(self._blind(trace, blind, theirs if theirs.raised else mine))
            return None
        for column in self.mapped.shared:
            one, two = mine.value[column], theirs.value[column]
            self.counts[trace.maker]["values"] += 1
            if not same(one, two):
                values: ValuesBySide = ((trace.maker, one), (self.actors[trace.maker].other, two))
                words = kinds_of(one, two)
                trace.found.append(self._difference("HO300", trace, column, "get", values=values, words=words))
        row: Row = mine.value
        return row

    def _extra(self, key: Wire, example: Example) -> Row:
        if not example.extra:
            return {}
        backend = self.actors[Side.BACKEND]
        answer = backend.one("get", **self.of(backend, key))
        return {c: wire for c, wire in (answer.value or {}).items() if c in example.extra}

    # --- both directions

    def _between(self, original: RowTrace, backend: RowTrace, example: Example) -> Iterator[Difference]:
        """Compare what was stored when each system wrote the same values."""
        refused = [t for t in (original, backend) if t.refused]
        if len(refused) == len(Side):
            self.refused += 1
        elif refused:
            assert refused[0].refused  # noqa: S101 - just chosen by it
            yield self._refused(Side.BACKEND, self.actors[refused[0].maker], refused[0].refused, "create")
        else:
            yield from self._written(original, backend, example)
            yield from self._stumbles(original, backend)
            for column in sorted(original.touched ^ backend.touched):
                yield self._difference("HO318", backend, column, "save")

    def _stumbles(self, original: RowTrace, backend: RowTrace) -> Iterator[Difference]:
        for step in ("update", "save"):
            raised = [trace.stumbled[step] for trace in (original, backend) if step in trace.stumbled]
            if len({answer.refusal for answer in raised}) == 1 and len(raised) == len(Side):
                continue
            for trace in (original, backend):
                if step in trace.stumbled:
                    other = self.actors[self.actors[trace.maker].other]
                    yield self._refused(trace.maker, other, trace.stumbled[step], step)

    def _written(self, original: RowTrace, backend: RowTrace, example: Example) -> Iterator[Difference]:
        for stage, given in (("made", example.row), ("changed", example.change)):
            one, two = getattr(original, stage), getattr(backend, stage)
            for column in self.mapped.shared if one and two else ():
                fields = self.mapped.shared[column]
                if same(one[column], two[column]) or self.mapped.automatic(column):
                    continue
                values: ValuesBySide = ((Side.ORIGINAL, one[column]), (Side.BACKEND, two[column]))
                if column in given:
                    yield self._difference("HO306", backend, column, "create", hurts=Side.ORIGINAL, values=values)
                elif stage == "made" and not any(f.default.kind == "callable" for f in fields):
                    words = kinds_of(two[column], one[column]) | {"hurts": Side.ORIGINAL}
                    yield self._difference(
                        "HO310", backend, column, "create", hurts=Side.ORIGINAL, values=values, words=words
                    )

    # --- differences

    def _difference(
        self, code: str, trace: RowTrace, column: str, step: str, *, hurts: Side | None = None,
        values: ValuesBySide = (), words: dict[str, Any] | None = None,
    ) -> Difference:  # fmt: skip
        suffers = hurts or self.actors[trace.maker].other
        place = self.mapped.place(column)
        return Difference(code, place, trace.maker, suffers, step, column, values, words or {})

    def _blind(self, trace: RowTrace, blind: Side, reply: Reply) -> Difference:
        hidden = "ObjectDoesNotExist" in reply.raised
        words = {} if hidden else {"error": reply.refusal, "words": _first_line(reply)}
        return self._difference("HO301" if hidden else "HO319", trace, "", "get", hurts=blind, words=words)

    def _refused(self, maker: Side, actor: Actor, answer: Reply, step: str) -> Difference:
        words = {"error": answer.refusal, "words": _first_line(answer)}
        return Difference("HO307", self.mapped.place(), maker, actor.side, step, words=words)


def _first_line(*answers: Reply) -> str:
    lines = [answer.words.strip().splitlines()[0] for answer in answers if answer.words.strip()]
    return f"It said: {lines[0]}" if lines else ""


def _set(value: Any) -> Any:
    return sorted(map(str, value)) if isinstance(value, list) else value


def _as_made(row: Row, made: Row, column: str) -> Wire:
    """Return the value that puts a column back: the stored one, else the given one if it cannot be sent."""
    given = row.get(column, made[column])
    sendable = not _strange(made[column]) and given != encode(JSON_NULL)
    return made[column] if sendable and not same(given, made[column]) else given


def _strange(wire: Wire) -> bool:
    return isinstance(wire, list) and wire[0] == "other"
