"""Several rows at once: in bulk, counted, sorted, in transactions, in many-to-many relations, and with defaults."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from handover.probe.wire import Wire, same
from handover.proof.actor import Actor, Reply, Row
from handover.proof.difference import Difference, ValuesBySide, kind_of, kinds_of
from handover.proof.mapped_table import Actors, Example, MappedTable
from handover.proof.parents import POOL
from handover.schema.models import ManyToMany
from handover.side import Side


class BulkRows:
    """Rows of one table that are made together; ``counts`` as for the round trip of one row.

    ``unseen`` says what was not compared because neither system does it.
    """

    def __init__(self, mapped: MappedTable, actors: Actors) -> None:
        self.mapped, self.actors = mapped, actors
        self.unseen: dict[str, None] = {}
        self.counts: dict[Side, Counter[str]] = {side: Counter() for side in Side}

    def differences(self, rows: list[Row]) -> Iterator[Difference]:
        """Yield what differs when each system makes the rows in bulk and the other lives with them."""
        refused: dict[Side, Reply] = {}
        for side in Side:
            maker, other = self.actors[side], self.actors[self.actors[side].other]
            made = maker.one("bulk_create", **self._of(maker), rows=[self.mapped.completed(row) for row in rows])
            if made.raised or None in made.value:
                # Django makes no rows in bulk for a model with parents; one by one they were compared already.
                refused[side] = made
                continue
            keys, label = self._as_read(maker, made.value), self.mapped.models[Side.ORIGINAL].label
            for key in keys:
                self.mapped.parents.note(label, key)
            yield from self._read(maker, other, keys, rows)
            yield from self._ordered(maker, other, keys, rows)
            yield from self._updated(maker, other, keys)
            yield from self._deleted(maker, other, keys)
            for key in keys:
                self.mapped.parents.forget(label, key)
            yield from self._in_transactions(maker, other)
            yield from self._many_to_many(maker, other)
        yield from self._refused("bulk_create", refused)
        yield from self._defaults()

    def _refused(self, call: str, answers: Mapping[Side, Reply]) -> Iterator[Difference]:
        """Yield that one system refuses what the other does; note what neither does."""
        refusals = {side: answers[side].refusal if side in answers else "" for side in Side}
        for side in answers:
            words = _first_line(answers[side])
            if len(set(refusals.values())) == 1:
                what = f"{self.mapped.table}: {call} was not compared, neither system does it. {words}"
                self.unseen[what.rstrip()] = None
            elif refusals[side]:
                other = self.actors[self.actors[side].other]
                details = {"error": refusals[side], "words": words, "call": call}
                yield self._difference("HO307", other, side, "rows", words=details, rows=[self.mapped.completed({})])

    def _of(self, actor: Actor, keys: list[Wire] | None = None) -> dict[str, Any]:
        model = {"model": self.mapped.models[actor.side].label}
        return model if keys is None else model | {"where": {"pk__in": ["list", keys]}}

    def _as_read(self, actor: Actor, keys: list[Wire]) -> list[Wire]:
        """Return the keys as the system reads them: a field of its own may give them another form than it was given."""
        answers = actor.batch(*({"do": "filter", **self._of(actor, [key]), "select": "keys"} for key in keys))
        return [answer.value[0] if answer.value else key for answer, key in zip(answers, keys, strict=True)]

    def _rows(self, actor: Actor, keys: list[Wire]) -> dict[str, Row]:
        answer = actor.one("filter", **self._of(actor, keys))
        return {str(self.mapped.key_of(actor.side, row)): row for row in answer.value or ()}

    def _read(self, maker: Actor, other: Actor, keys: list[Wire], rows: list[Row]) -> Iterator[Difference]:
        mine, theirs = self._rows(maker, keys), self._rows(other, keys)
        counted = [a.one("filter", **self._of(a, keys), select="count").value for a in (maker, other)]
        self.counts[maker.side]["counted"] += 1
        if counted[0] != counted[1]:
            words = {"mine": counted[0], "theirs": counted[1]}
            hidden = next((n for n, key in enumerate(keys) if (str(key) in mine) != (str(key) in theirs)), 0)
            yield self._difference("HO304", maker, other.side, "rows", words=words, rows=[rows[hidden]])
        for key, row in mine.items():
            for column in self.mapped.shared if key in theirs else ():
                self.counts[maker.side]["values"] += 1
                if not same(row[column], theirs[key][column]):
                    words = kinds_of(row[column], theirs[key][column])
                    values = ((maker.side, row[column]), (other.side, theirs[key][column]))
                    yield self._difference(
                        "HO300", maker, other.side, "get", column, words=words, values=values, rows=rows
                    )

    def _ordered(self, maker: Actor, other: Actor, keys: list[Wire], rows: list[Row]) -> Iterator[Difference]:
        by_default = {side: self.mapped.models[side].ordering for side in Side}
        key = self.mapped.models[Side.ORIGINAL].key
        asked = [(column, [column, *key]) for column in self.mapped.shared]
        asked += [(column, [f"-{column}", *key]) for column in self.mapped.shared]
        if any(by_default.values()):
            asked.append(("", []))
        requests = {
            a.side: [
                {"do": "filter", **self._of(a, keys), "select": "keys", **({"order": order} if order else {})}
                for _, order in asked
            ]
            for a in (maker, other)
        }
        one, two = (a.batch(*requests[a.side]) for a in (maker, other))
        tied = self._tied(maker, keys)
        for (column, _), mine, theirs in zip(asked, one, two, strict=True):
            self.counts[maker.side]["orders"] += 1
            orders = [[k for k in a.value or () if column or str(k) not in tied] for a in (mine, theirs)]
            if orders[0] != orders[1] and sorted(map(str, orders[0])) == sorted(map(str, orders[1])):
                by = "sorted by it" if column else "without order_by"
                words = {"by": by, "rows": [self.mapped.completed(row) for row in rows]}
                yield self._difference("HO303", maker, other.side, "order", column, words=words)
            elif mine.refusal != theirs.refusal:
                words = {"by": f"sorted by it, or not at all: {_first_line(mine, theirs)}"}
                yield self._difference("HO303", maker, other.side, "order", column, words=words)

    def _tied(self, maker: Actor, keys: list[Wire]) -> set[str]:
        """Return the keys of rows that tie in the maker's default ordering."""
        columns = {f.name: f.column for f, _ in self.mapped.shared.values()}
        columns |= {column: column for column in self.mapped.shared} | {"pk": self.mapped.models[maker.side].key[0]}
        names = [columns.get(name.lstrip("-")) for name in self.mapped.models[Side.ORIGINAL].ordering]
        seen: Counter[str] = Counter()
        rows = self._rows(maker, keys)
        places = {key: str([row[name] for name in names if name]) for key, row in rows.items()}
        seen.update(places.values())
        return {key for key, place in places.items() if names and seen[place] > 1}

    def _updated(self, maker: Actor, other: Actor, keys: list[Wire]) -> Iterator[Difference]:
        """Let the other give each row the values of the next one, in bulk."""
        seen = self._rows(other, keys)  # a row that it does not see is reported already
        rows = {key: row for key, row in self._rows(maker, keys).items() if key in seen}
        if len(rows) < 2:  # noqa: PLR2004
            return
        turned = dict(zip(rows, [*list(rows.values())[1:], next(iter(rows.values()))], strict=True))
        # PostgreSQL checks uniqueness row by row: values that are unique together would conflict meanwhile.
        free = (c for c in self.mapped.fields if self.mapped.changeable(c) and not self.mapped.entangled(c))
        columns = [c for c in free if not _strange(rows.values(), c)]
        if not columns:
            return
        wires = {str(key): key for key in keys}
        sent = [[wires[key], {c: row[c] for c in columns}] for key, row in turned.items()]
        answer = other.one("bulk_update", **self._of(other), rows=sent, fields=columns)
        if answer.raised:
            own = maker.one("bulk_update", **self._of(maker), rows=sent, fields=columns)
            yield from self._refused("bulk_update", {other.side: answer, maker.side: own})
            return
        after = self._rows(maker, keys)
        self.counts[maker.side]["bulk"] += len(sent)
        for key, wanted in turned.items():
            for column in columns:
                # Django's own bulk update writes numbers into a CASE, where zero has no sign.
                if key in after and not same(_unsigned(after[key][column]), _unsigned(wanted[column])):
                    values = ((maker.side, wanted[column]), (other.side, after[key][column]))
                    words = {"what": "update", "wanted": wanted[column]}
                    made = [self.mapped.completed({})]
                    yield self._difference(
                        "HO312", maker, maker.side, "rows", column, words=words, values=values, rows=made
                    )

    def _deleted(self, maker: Actor, other: Actor, keys: list[Wire]) -> Iterator[Difference]:
        seen = self._rows(other, keys)
        shown = [key for key in keys if str(key) in seen]
        answer = other.one("delete", **self._of(other, shown))
        left = [a.one("filter", **self._of(a, shown), select="count").value for a in (maker, other)]
        self.counts[maker.side]["deletes"] += len(shown)
        if len(shown) < len(keys):  # what it does not see is reported already
            maker.one("delete", **self._of(maker, keys), base=True)
        if answer.raised or any(left):
            words = {"error": answer.refusal or "the rows are still there", "words": _first_line(answer)}
            yield self._difference("HO311", maker, maker.side, "delete", words=words, rows=[self.mapped.completed({})])
            maker.one("delete", **self._of(maker, keys), base=True)

    def _in_transactions(self, maker: Actor, other: Actor) -> Iterator[Difference]:
        row = self.mapped.completed({})
        maker.one("begin")
        answer = maker.one("create", **self._of(maker), values=row)
        if answer.raised:
            maker.one("rollback")
            return
        keys = [answer.value]
        seen = [self._count(other, keys)]
        maker.one("commit")
        seen.append(self._count(other, keys))
        other.one("begin")
        other.one("delete", **self._of(other, keys))
        seen.append(self._count(maker, keys))
        other.one("rollback")
        seen += [self._count(maker, keys), self._count(other, keys)]
        maker.one("delete", **self._of(maker, keys), base=True)
        self.counts[maker.side]["transactions"] += 2
        expected = [0, 1, 1, 1, 1]
        moments = ("before their commit", "not even after their commit", "", "", "")
        for count, right, when in zip(seen, expected, moments, strict=True):
            if count != right:
                words = {"when": when or "otherwise than a rolled back delete leaves them"}
                yield self._difference("HO313", maker, other.side, "rows", words=words, rows=[row])
                return

    def _count(self, actor: Actor, keys: list[Wire]) -> Any:
        return actor.one("filter", **self._of(actor, keys), select="count").value

    def _many_to_many(self, maker: Actor, other: Actor) -> Iterator[Difference]:
        for fields in self.mapped.many_to_many():
            by_side = dict(zip(Side, fields, strict=True))
            answer = maker.one("create", **self._of(maker), values=self.mapped.completed({}))
            if answer.raised:
                return
            key, targets = answer.value, self.mapped.parents.any_two(fields[0].to_table)
            for actor, how, keys in ((maker, "add", targets), (other, "remove", targets[:1]), (maker, "set", targets)):
                name = by_side[actor.side].name
                actor.one("relate", **self._of(actor), key=key, accessor=name, how=how, keys=keys)
                seen = [self._links(a, by_side[a.side], fields[0], key, targets[-1]) for a in (maker, other)]
                self.counts[maker.side]["links"] += 1
                if [_links(a) for a in seen[0]] != [_links(a) for a in seen[1]]:
                    words = {"words": _first_line(*seen[0], *seen[1]), "links": fields}
                    place, example = self.mapped.place(fields[0].name), Example(self.mapped.completed({}))
                    yield Difference("HO314", place, maker.side, other.side, "rows", words=words, example=example)
                    break
            maker.one("relate", **self._of(maker), key=key, accessor=by_side[maker.side].name, how="set", keys=[])
            maker.one("delete", **self._of(maker, [key]), base=True)

    def _links(self, actor: Actor, own: ManyToMany, original: ManyToMany, key: Wire, target: Wire) -> list[Reply]:
        """Return what the field leads to, and what leads back by the original's accessor."""
        asked = [{"do": "related", **self._of(actor), "key": key, "accessor": own.name, "select": "keys"}]
        model = actor.of_table(original.to_table)
        if model and original.accessor:
            back = {"model": model.label, "key": target, "accessor": original.accessor, "select": "keys"}
            asked.append({"do": "related", **back})
        return actor.batch(*asked)

    def _defaults(self) -> Iterator[Difference]:
        """Compare defaults: each system makes two rows without values. A default that is a call must repeat itself."""
        made: dict[Side, list[Row]] = {side: [] for side in Side}
        for side in (*Side, *Side):
            actor = self.actors[side]
            answer = actor.one("create", **self._of(actor), values=self.mapped.completed({}))
            if not answer.raised:
                made[side] += self._rows(actor, [answer.value]).values()
                actor.one("delete", **self._of(actor, [answer.value]), base=True)
        for column, fields in self.mapped.shared.items():
            if any(len(rows) < 2 for rows in made.values()) or not any(f.default.kind == "callable" for f in fields):  # noqa: PLR2004
                continue
            self.counts[Side.BACKEND]["defaults"] += 1
            (one, again), (two, anew) = ([row[column] for row in made[side]] for side in Side)
            steady = same(one, again) and same(two, anew)
            if not same(one, two) and (steady or kind_of(one) != kind_of(two) or same(one, again) or same(two, anew)):
                words = {**kinds_of(two, one), "hurts": Side.ORIGINAL}
                values: ValuesBySide = ((Side.ORIGINAL, one), (Side.BACKEND, two))
                example = Example(self.mapped.completed({}))
                yield Difference(
                    "HO310",
                    self.mapped.place(column),
                    Side.BACKEND,
                    Side.ORIGINAL,
                    "create",
                    column,
                    values,
                    words,
                    example,
                )

    def _difference(
        self, code: str, maker: Actor, hurts: Side, step: str, column: str = "", *, words: Mapping[str, Any],
        values: ValuesBySide = (), rows: list[Row] | None = None,
    ) -> Difference:  # fmt: skip
        example = Example(self.mapped.completed(rows[0])) if rows else None
        return Difference(code, self.mapped.place(column), maker.side, hurts, step, column, values, words, example)


def rows_for_bulk(mapped: MappedTable, examples: list[Example]) -> list[Row]:
    """Return rows for bulk calls, made from rows that both systems took; keys and unique columns get new values."""
    fields = mapped.fields
    rows: list[Row] = [
        {c: w for c, w in e.row.items() if c in fields and mapped.changeable(c) and not mapped.entangled(c)}
        for e in examples
    ]
    own_links = [c for c, f in fields.items() if f.relation and (not mapped.changeable(c) or mapped.entangled(c))]
    chosen = rows[:: max(len(rows) // POOL, 1)][:POOL]
    for turn, row in enumerate(chosen):
        for column in own_links:
            if values := mapped.pointed(fields[column]):
                row[column] = values[turn % len(values)]
    return chosen


def _unsigned(wire: Wire) -> Wire:
    return ["float", "0.0"] if wire == ["float", "-0.0"] else wire


def _links(answer: Reply) -> Any:
    return answer.refusal or sorted(map(str, answer.value))


def _strange(rows: Any, column: str) -> bool:
    return any(isinstance(row[column], list) and row[column][0] in ("other", "range") for row in rows)


def _first_line(*answers: Reply) -> str:
    return next((f"It said: {a.words.strip().splitlines()[0]}" for a in answers if a.words.strip()), "")
