"""Rows for foreign keys to point at, and values for every column that must have one."""

import random
import secrets
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from handover.errors import UnseenError
from handover.probe.wire import Wire, encode
from handover.proof.actor import Actor, Reply, Row
from handover.proof.values import TEXTS, NoValuesError, automatic, corners, optional, plainest
from handover.schema.models import Field, Given, Model
from handover.side import Side

POOL = 4  # rows to point at, of each table that a foreign key points at
NUMBER_BITS = 48
PATTERNS = 5  # existing rows whose values are tried where a plain row is refused
DRAWS = 40  # rows of random values that are tried after those


class Parents:
    """Rows for foreign keys to point at, removed at the end, the newest first.

    The original makes the rows of the tables that it knows, the backend those of its own tables. Rows that are being
    compared are noted, too, so that an interrupted run leaves no rows on a staging database.
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
            Neither system has a model of the table.
        """
        for side in Side:
            if model := self._actors[side].of_table(table):
                return self._actors[side], model
        raise UnseenError(f"no model of either system writes {table}, which a foreign key points at.")

    def values(self, one: Field, use: str = "") -> list[Wire]:
        """Return the values that a foreign key may hold; rows for it are made at the first call.

        Only one row may point at the row of a unique key, so each ``use`` gets rows of its own.
        """
        assert one.relation  # noqa: S101 - only asked of foreign keys
        table, column = one.references or (one.relation.to_table, "")
        rows = self._pool(table, use if one.unique else "")
        _, model = self.maker_of(table)
        return [row.get(column, row[model.key[0]]) for row in rows]

    def any_two(self, table: str) -> list[Wire]:
        """Return two keys of a table: of existing rows, or of rows that are made for this."""
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
            if isinstance(made, Reply):
                if there := self._there(table):
                    return there
                message = f"the {maker.side} could not make a row of {table} to point at: {made.words.strip()}"
                raise UnseenError(f"{message} Nothing that points there can be proved.", code="HO424")
            rows.append(made)
        return rows

    def _there(self, table: str) -> list[Row]:
        """Return existing rows: foreign keys point at them where no row can be made."""
        maker, model = self.maker_of(table)
        return list(maker.one("filter", model=model.label, limit=POOL, base=True).value or ())

    def make(self, maker: Actor, model: Model, given: Row, use: str, turn: int = 0) -> Row | Reply:
        """Make a row; return it, or the reply with the exception.

        Parameters
        ----------
        maker, model
            The system that makes the row, and its model.
        given
            Values that the row must hold.
        use, turn
            Choose the rows that its own foreign keys point at, see :func:`complete`.
        """
        fields = maker.fields(model)
        first = Reply()
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
        """Remember a row of the original's model; a later step deletes it and calls :meth:`forget`."""
        self._made.append((Side.ORIGINAL, path, key))

    def forget(self, path: str, key: Wire) -> None:
        """Forget a row that was deleted."""
        self._made.remove((Side.ORIGINAL, path, key))

    def remove(self, by: Mapping[Side, Actor] | None = None) -> list[tuple[str, Wire]]:
        """Delete the rows, through other agents if the first were interrupted; return the rows that are still there."""
        left = []
        for side, label, key in reversed(self._made):
            actor, where = (by or self._actors)[side], {"pk": key}
            actor.one("delete", model=label, where=where, base=True)
            if actor.one("filter", model=label, where=where, select="exists", base=True).value is not False:
                left.append((label, key))
        return left


def key_of(model: Model, row: Row) -> Wire:
    """Return a row's key in its wire form; a key of several columns is a tuple."""
    return row[model.key[0]] if len(model.key) == 1 else ["tuple", [row[column] for column in model.key]]


def together(model: Model) -> frozenset[str]:
    """Return the columns that are unique together with others: two rows cannot both leave them empty."""
    keys = [model.key] if len(model.key) > 1 else []
    return frozenset(column for columns in (*model.unique, *keys) for column in columns)


def complete(
    fields: Iterable[Field], given: Row, parents: Parents, unique: frozenset[str], turn: int = 0, use: str = ""
) -> Row:
    """Return a row with a plain value in every column that must have one.

    Parameters
    ----------
    fields
        The fields of the model.
    given
        Values that are kept as they are.
    parents, use, turn
        Give the values of foreign keys: row number ``turn`` of those for ``use``, see :meth:`Parents.values`.
    unique
        Columns that are unique together with others, see :func:`together`.
    """
    row = dict(given)
    for one in fields:
        left_out = optional(one) and not (one.column in unique and one.kind in TEXTS)
        if one.column in row or left_out or is_parent_link(one):
            continue
        alone = one.model_copy(update={"unique": one.unique or one.column in unique})
        if one.relation:
            values = parents.values(alone, f"{use}.{one.column}")
            row[one.column] = values[turn % len(values)] if values else None
        else:
            row[one.column] = encode(plainest(alone, secrets.randbits(NUMBER_BITS)))
    return row


def patterns(maker: Actor, model: Model, fields: Iterable[Field]) -> Iterator[Row]:
    """Yield values to start a row with where a plain row is refused: from existing rows, then at random.

    Parameters
    ----------
    maker, model
        The system that makes the row, and its model.
    fields
        The fields that may get a value.
    """
    free = [one for one in fields if _repeatable(one, together(model))]
    there = maker.one("filter", model=model.label, limit=PATTERNS, base=True).value
    for row in there or ():
        yield {one.column: row[one.column] for one in free if _travels(row[one.column])}
    rng = random.Random(model.label)  # noqa: S311 - the same model gets the same rows
    values = {one.column: _values(one) for one in free if not one.relation}
    for _ in range(DRAWS):
        yield {column: encode(rng.choice(some)) for column, some in values.items() if some}


def is_parent_link(one: Field) -> bool:
    """Say whether the column links a row to the row of its parent model."""
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
