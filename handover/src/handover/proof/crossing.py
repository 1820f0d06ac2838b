"""One row, made by one system and lived with by the other: read, found, reached, changed, saved, deleted."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from handover.probe.wire import JSON_NULL, Wire, encode, same
from handover.proof.actor import Actor, Answer, Request, Row
from handover.proof.difference import Difference, Key, Values, told_apart
from handover.proof.mirror import Actors, Example, Mirror
from handover.proof.questions import questions
from handover.side import Side

HELD = "crossing"
NO_WORDS = "look at both queries."


@dataclass
class Trace:
    """What became of a row that one system made.

    Attributes
    ----------
    maker
        Which system.
    refused
        What its ORM raised instead of making it.
    made, changed
        The row as its maker read it after it was made, and after the other changed it.
    before
        The row as the other's save finds it, where that is not as it was made.
    touched
        The automatic columns that the other's save moved.
    stumbled
        Step → what the other's ORM raised there; no difference if both do.
    found
        What differed between the two.
    """

    maker: Side
    refused: Answer | None = None
    made: Row = field(default_factory=dict)
    changed: Row = field(default_factory=dict)
    before: Row = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)
    stumbled: dict[str, Answer] = field(default_factory=dict)
    found: list[Difference] = field(default_factory=list)


class Crossing:
    """Rows of one table crossing from each system to the other.

    ``counts`` tells how many rows and values were compared and how many questions both answered; ``refused`` how many
    rows both refuse, which is no difference and no comparison.
    """

    def __init__(self, mirror: Mirror, actors: Actors) -> None:
        self.mirror, self.actors = mirror, actors
        must = ["rows", "values", "questions", "deletes", *(["new_fields"] if mirror.pair.new_fields else [])]
        must += ["relations"] if any(one.relation for one in mirror.fields.values()) else []
        self.counts: dict[Side, Counter[str]] = {side: Counter(dict.fromkeys(must, 0)) for side in Side}
        self.refused = 0
        self._turn = 0
        self._column: str | None = None

    def differences(
        self, example: Example, *, column: str | None = None, only: Side | None = None
    ) -> dict[Key, Difference]:
        """Let a row cross in both directions; return what differed, the first of each place and direction.

        With a ``column`` both are asked everything about that one and nothing about the others. With ``only`` the rows
        of that system cross, and nothing can be said of what needs both directions.
        """
        self._turn, self._column = self._turn + 1, column
        if only:
            return {d.key: replace(d, example=example) for d in reversed(self._cross(only, example).found)}
        one, other = (self._cross(side, example) for side in Side)
        result: dict[Key, Difference] = {}
        seen: set[tuple[str, Side]] = set()
        for difference in (*one.found, *other.found, *self._between(one, other, example)):
            if (difference.place, difference.maker) not in seen:
                seen.add((difference.place, difference.maker))
                result[difference.key] = replace(difference, example=example)
        return result

    # --- one direction

    def _cross(self, side: Side, example: Example) -> Trace:
        maker, other = self.actors[side], self.actors[self.actors[side].other]
        trace = Trace(side)
        answer = maker.one("create", **self.of(maker), values=example.row)
        if answer.raised:
            trace.refused = answer
            return trace
        key, label = answer.value, self.mirror.models[Side.ORIGINAL].label
        self.mirror.parents.note(label, key)
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
        self.mirror.parents.forget(label, key)
        return trace

    def _find(self, trace: Trace, key: Wire) -> None:
        """Ask both for the row by each of its values."""
        asked = {actor.side: list(self._questions(actor, key, trace.made)) for actor in self.actors.values()}
        if not asked[Side.ORIGINAL]:
            return
        one, two = (self.actors[side].batch(*[r for _, _, r in asked[side]]) for side in Side)
        for (column, lookup, request), mine, theirs in zip(asked[Side.ORIGINAL], one, two, strict=True):
            self.counts[trace.maker]["questions"] += 1
            if (mine.value, mine.refusal) != (theirs.value, theirs.refusal):
                where = {k: v for k, v in request["where"].items() if k != "pk"}
                words = {"lookup": lookup, "words": _first_line(mine, theirs) or NO_WORDS, "where": where}
                trace.found.append(self._told("HO302", trace, column, "filter", words=words))

    def _questions(self, actor: Actor, key: Wire, view: Row) -> Iterator[tuple[str, str, Request]]:
        # The original's fields decide what is asked, so that both are asked the same.
        for number, (column, (one, _)) in enumerate(self.mirror.shared.items()):
            if self._column not in (None, column):
                continue
            turn = self._turn + number if self._column is None else None
            for lookup, request in questions(one, view[column], self.of(actor)["model"], key, turn):
                yield column, lookup, request

    def _reach(self, trace: Trace, key: Wire, example: Example) -> None:
        """From each row that this one points at: back by the accessor, and found by the query's name."""
        asked = {actor.side: list(self._related(actor, key, example)) for actor in self.actors.values()}
        if not asked[Side.ORIGINAL]:
            return
        one, two = (self.actors[side].batch(*[r for _, _, r in asked[side]]) for side in Side)
        for (column, name, _), mine, theirs in zip(asked[Side.ORIGINAL], one, two, strict=True):
            self.counts[trace.maker]["relations"] += 1
            if mine.refusal != theirs.refusal or _set(mine.value) != _set(theirs.value):
                hurts: Side = Side.ORIGINAL if mine.raised and not theirs.raised else Side.BACKEND
                words = {"name": name, "words": _first_line(mine, theirs)}
                trace.found.append(self._told("HO305", trace, column, "related", hurts=hurts, words=words))

    def _related(self, actor: Actor, key: Wire, example: Example) -> Iterator[tuple[str, str, Request]]:
        for column, (one, _) in self.mirror.shared.items():
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

    def _change(self, trace: Trace, other: Actor, key: Wire, example: Example) -> None:
        if not example.change:
            return
        answer = other.one("update", **self.of(other, key), values=example.change)
        seen = self._same_view(trace, key) or {}
        if not answer.raised:
            trace.changed = seen
            return
        trace.stumbled["update"] = answer
        # Of a model with parents Django writes one table after the other: the first may have taken it.
        trace.before = seen

    def _save(self, trace: Trace, other: Actor, key: Wire, example: Example) -> None:
        """The other holds the object, sets it back to what it was made as, and saves it whole."""
        extra = self._extra(key, example)
        back = {c: _as_made(example.row, trace.made, c) for c in example.change if trace.changed}
        back = {c: wire for c, wire in back.items() if not _strange(wire)}
        told = {"back": back}
        held, saved, _ = other.batch(
            {"do": "get", **self.of(other, key), "held": HELD},
            {"do": "save", "held": HELD, "values": back},
            {"do": "let_go", "held": HELD},
        )
        if held.raised or saved.raised:
            trace.stumbled["save"] = held if held.raised else saved
            return
        after, before = self._same_view(trace, key), trace.before or trace.made
        for column in self.mirror.shared if after else ():
            assert after is not None  # noqa: S101 - nothing is looped over otherwise
            if same(before[column], after[column]):
                continue
            if self.mirror.automatic(column):
                trace.touched.add(column)
                continue
            values: Values = ((trace.maker, before[column]), (other.side, after[column]))
            trace.found.append(self._told("HO308", trace, column, "save", hurts=trace.maker, values=values, words=told))
        for column, wire in self._extra(key, example).items():
            self.counts[trace.maker]["new_fields"] += 1
            if not same(wire, extra[column]):
                values = ((Side.BACKEND, extra[column]), (other.side, wire))
                trace.found.append(self._told("HO309", trace, column, "save", hurts=trace.maker, values=values))

    def _delete(self, trace: Trace, maker: Actor, other: Actor, key: Wire) -> None:
        answer = other.one("delete", **self.of(other, key))
        there = [a.one("filter", **self.of(a, key), select="exists").value for a in (maker, other)]
        self.counts[trace.maker]["deletes"] += 1
        if answer.raised or any(there):
            words = {"error": answer.refusal or "the row is still there", "words": _first_line(answer)}
            trace.found.append(self._told("HO311", trace, "", "delete", hurts=trace.maker, words=words))
            maker.one("delete", **self.of(maker, key), base=True)

    # --- how both see a row

    def of(self, actor: Actor, key: Wire = None) -> dict[str, Any]:
        """Return the part of a request that names the model, and the row."""
        model = {"model": self.mirror.models[actor.side].label}
        return model if key is None else model | {"where": {"pk": key}}

    def _same_view(self, trace: Trace, key: Wire) -> Row | None:
        """Compare how both see the row; return it as its maker does, or None when one of them cannot."""
        views = {side: self.actors[side].one("get", **self.of(self.actors[side], key)) for side in Side}
        mine, theirs = views[trace.maker], views[self.actors[trace.maker].other]
        if mine.raised or theirs.raised:
            if mine.refusal != theirs.refusal:
                blind = self.actors[trace.maker].other if theirs.raised else trace.maker
                trace.found.append(self._blind(trace, blind, theirs if theirs.raised else mine))
            return None
        for column in self.mirror.shared:
            one, two = mine.value[column], theirs.value[column]
            self.counts[trace.maker]["values"] += 1
            if not same(one, two):
                values: Values = ((trace.maker, one), (self.actors[trace.maker].other, two))
                words = told_apart(one, two)
                trace.found.append(self._told("HO300", trace, column, "get", values=values, words=words))
        row: Row = mine.value
        return row

    def _extra(self, key: Wire, example: Example) -> Row:
        if not example.extra:
            return {}
        backend = self.actors[Side.BACKEND]
        answer = backend.one("get", **self.of(backend, key))
        return {c: wire for c, wire in (answer.value or {}).items() if c in example.extra}

    # --- both directions

    def _between(self, original: Trace, backend: Trace, example: Example) -> Iterator[Difference]:
        """Compare what the same values became when each system wrote them."""
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
                yield self._told("HO318", backend, column, "save")

    def _stumbles(self, original: Trace, backend: Trace) -> Iterator[Difference]:
        for step in ("update", "save"):
            raised = [trace.stumbled[step] for trace in (original, backend) if step in trace.stumbled]
            if len({answer.refusal for answer in raised}) == 1 and len(raised) == len(Side):
                continue
            for trace in (original, backend):
                if step in trace.stumbled:
                    other = self.actors[self.actors[trace.maker].other]
                    yield self._refused(trace.maker, other, trace.stumbled[step], step)

    def _written(self, original: Trace, backend: Trace, example: Example) -> Iterator[Difference]:
        for stage, given in (("made", example.row), ("changed", example.change)):
            one, two = getattr(original, stage), getattr(backend, stage)
            for column in self.mirror.shared if one and two else ():
                fields = self.mirror.shared[column]
                if same(one[column], two[column]) or self.mirror.automatic(column):
                    continue
                values: Values = ((Side.ORIGINAL, one[column]), (Side.BACKEND, two[column]))
                if column in given:
                    yield self._told("HO306", backend, column, "create", hurts=Side.ORIGINAL, values=values)
                elif stage == "made" and not any(f.default.kind == "callable" for f in fields):
                    words = told_apart(two[column], one[column]) | {"hurts": "original"}
                    yield self._told(
                        "HO310", backend, column, "create", hurts=Side.ORIGINAL, values=values, words=words
                    )

    # --- what is told

    def _told(
        self, code: str, trace: Trace, column: str, step: str, *, hurts: Side | None = None, values: Values = (),
        words: dict[str, Any] | None = None,
    ) -> Difference:  # fmt: skip
        suffers = hurts or self.actors[trace.maker].other
        place = self.mirror.place(column)
        return Difference(code, place, trace.maker, suffers, step, column, values, words or {})

    def _blind(self, trace: Trace, blind: Side, told: Answer) -> Difference:
        hidden = "ObjectDoesNotExist" in told.raised
        words = {} if hidden else {"error": told.refusal, "words": _first_line(told)}
        return self._told("HO301" if hidden else "HO319", trace, "", "get", hurts=blind, words=words)

    def _refused(self, maker: Side, actor: Actor, answer: Answer, step: str) -> Difference:
        words = {"error": answer.refusal, "words": _first_line(answer)}
        return Difference("HO307", self.mirror.place(), maker, actor.side, step, words=words)


def _first_line(*answers: Answer) -> str:
    lines = [answer.words.strip().splitlines()[0] for answer in answers if answer.words.strip()]
    return f"It said: {lines[0]}" if lines else ""


def _set(value: Any) -> Any:
    return sorted(map(str, value)) if isinstance(value, list) else value


def _as_made(row: Row, made: Row, column: str) -> Wire:
    """Return what puts a column back as it was made: what was stored, but for what only what was given can say."""
    given = row.get(column, made[column])
    sayable = not _strange(made[column]) and given != encode(JSON_NULL)
    return made[column] if sayable and not same(given, made[column]) else given


def _strange(wire: Wire) -> bool:
    return isinstance(wire, list) and wire[0] == "other"
