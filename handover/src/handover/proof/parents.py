"""Rows for foreign keys to point at, and how a row gets a value in every column that must have one."""

import random
import secrets
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from handover.errors import UnseenError
from handover.probe.wire import Wire, encode
from handover.proof.actor import Actor, Answer, Row
from handover.proof.values import TEXTS, NoValuesError, automatic, corners, optional, plainest
from handover.schema.models import Field, Given, Model
from handover.side import Side

POOL = 4  # rows to point at, of each table that a foreign key leads to
NUMBER_BITS = 48
PATTERNS = 5  # existing rows whose values are tried where a plain row is refused
DRAWS = 40  # rows of values at random that are tried after those


class Parents:
    """Rows for foreign keys to point at, removed at the end, the newest first.

    The original makes those of the tables that it knows, the backend those of its own. Rows on their way across
    are noted, too, so that a run that is ended leaves none on a staging database.
    """

    def __init__(self, actors: Mapping[Side, Actor]) -> None:
        self._actors = actors
        self._pools: dict[tuple[str, str], list[Row]] = {}
        self._made: list[tuple[Side, str, Wire]] = []
        self._being_made: list[str] = []

    def maker_of(self, table: str) -> tuple[Actor, Model]:
        """Return the system that makes rows of a table, and its model.

        Raises
        ------
        UnseenError
            Neither has a model of it.
        """
        for side in Side:
            if model := self._actors[side].of_table(table):
                return self._actors[side], model
        raise UnseenError(f"no model of either system writes {table}, which a foreign key leads to.")

    def values(self, one: Field, use: str = "") -> list[Wire]:
        """Return what a foreign key may hold; rows for it are made when they are asked for first.

        A row that only one other may point at is of no use twice: each ``use`` has rows of its own.
        """
        assert one.relation  # noqa: S101 - only asked of foreign keys
        table, column = one.references or (one.relation.to_table, "")
        rows = self._pool(table, use if one.unique else "")
        _, model = self.maker_of(table)
        return [row.get(column, row[model.key[0]]) for row in rows]

    def any_two(self, table: str) -> list[Wire]:
        """Return two keys of a table: of rows that are there, or of rows made for this."""
        maker, model = self.maker_of(table)
        there = maker.one("filter", model=model.label, select="keys", order=["pk"], limit=2)
        if there.value and len(there.value) > 1:
            found: list[Wire] = there.value
            return found
        return [key_of(model, row) for row in self._pool(table, "")[:2]]

    def _pool(self, table: str, use: str) -> list[Row]:
        if table in self._being_made:
            return self._there(table)
        place = (table, use)
        if place not in self._pools:
            self._being_made.append(table)
            try:
                self._pools[place] = self._rows(table, use)
            finally:
                self._being_made.remove(table)
        return self._pools[place]

    def _rows(self, table: str, use: str) -> list[Row]:
        rows: list[Row] = []
        maker, model = self.maker_of(table)
        for turn in range(POOL):
            made = self.make(maker, model, {}, f"{use}>{table}", turn)
            if isinstance(made, Answer):
                if there := self._there(table):
                    return there
                message = f"the {maker.side} could not make a row of {table} to point at: {made.words.strip()}"
                raise UnseenError(f"{message} Nothing that points there can be proved.", code="HO424")
            rows.append(made)
        return rows

    def _there(self, table: str) -> list[Row]:
        """Return rows that exist: what may be pointed at where none can be made."""
        maker, model = self.maker_of(table)
        return list(maker.one("filter", model=model.label, limit=POOL, base=True).value or ())

    def make(self, maker: Actor, model: Model, given: Row, use: str, turn: int = 0) -> Row | Answer:
        """Make a row that holds what is given; return it, or what was raised."""
        fields = maker.fields(model)
        first = Answer()
        for pattern in (Row(), *patterns(maker, model, fields)):
            row = complete(fields, {**pattern, **given}, self, together(model), turn, use)
            answer = maker.one("create", model=model.label, values=row)
            if not answer.raised:
                self._made.append((maker.side, model.label, answer.value))
                found: Row = maker.one("get", model=model.label, where={"pk": answer.value}, base=True).value
                return found or {model.key[0]: answer.value}
            first = first if first.raised else answer
        return first

    def plain(self, one: Field) -> Row:
        """Return a plain value for one column."""
        must = one.model_copy(update={"null": False, "unique": True, "default": Given()})
        return {one.column: encode(plainest(must, secrets.randbits(NUMBER_BITS)))}

    def note(self, path: str, key: Wire) -> None:
        """Remember a row of the original's model that is to be deleted by its own step."""
        self._made.append((Side.ORIGINAL, path, key))

    def forget(self, path: str, key: Wire) -> None:
        """Its step deleted it."""
        self._made.remove((Side.ORIGINAL, path, key))

    def remove(self, by: Mapping[Side, Actor] | None = None) -> list[tuple[str, Wire]]:
        """Delete the rows again, by other agents if the first were interrupted; return those that are still there."""
        left = []
        for side, label, key in reversed(self._made):
            actor, where = (by or self._actors)[side], {"pk": key}
            actor.one("delete", model=label, where=where, base=True)
            if actor.one("filter", model=label, where=where, select="exists", base=True).value is not False:
                left.append((label, key))
        return left


def key_of(model: Model, row: Row) -> Wire:
    """Return a row's key as it travels; of several columns it is a tuple."""
    return row[model.key[0]] if len(model.key) == 1 else ["tuple", [row[column] for column in model.key]]


def together(model: Model) -> frozenset[str]:
    """Return the columns that are unique with others: empty ones would be taken by the second row."""
    keys = [model.key] if len(model.key) > 1 else []
    return frozenset(column for columns in (*model.unique, *keys) for column in columns)


def complete(
    fields: Iterable[Field], given: Row, parents: Parents, unique: frozenset[str], turn: int = 0, use: str = ""
) -> Row:
    """Return a row with a plain value in every column that must have one."""
    row = dict(given)
    for one in fields:
        told = optional(one) and not (one.column in unique and one.kind in TEXTS)
        if one.column in row or told or is_parent_link(one):
            continue
        alone = one.model_copy(update={"unique": one.unique or one.column in unique})
        if one.relation:
            values = parents.values(alone, f"{use}.{one.column}")
            row[one.column] = values[turn % len(values)] if values else None
        else:
            row[one.column] = encode(plainest(alone, secrets.randbits(NUMBER_BITS)))
    return row


def patterns(maker: Actor, model: Model, fields: Iterable[Field]) -> Iterator[Row]:
    """Yield values that rows of a model may begin with where a plain one is refused: of rows there are, then drawn."""
    free = [one for one in fields if _repeatable(one, together(model))]
    there = maker.one("filter", model=model.label, limit=PATTERNS, base=True).value
    for row in there or ():
        yield {one.column: row[one.column] for one in free if _travels(row[one.column])}
    rng = random.Random(model.label)  # noqa: S311 - the same model, the same rows
    values = {one.column: _values(one) for one in free if not one.relation}
    for _ in range(DRAWS):
        yield {column: encode(rng.choice(some)) for column, some in values.items() if some}


def is_parent_link(one: Field) -> bool:
    """Say whether the column is the key of the row of a parent model."""
    return one.relation is not None and one.relation.parent_link


def _repeatable(one: Field, unique: frozenset[str]) -> bool:
    """Say whether a second row may have the same value."""
    return not (automatic(one) or is_parent_link(one) or one.unique or one.column in unique)


def _values(one: Field) -> list[Any]:
    try:
        return corners(one)
    except NoValuesError:
        return []


def _travels(wire: Wire) -> bool:
    return not (isinstance(wire, list) and wire[0] in ("other", "range"))
