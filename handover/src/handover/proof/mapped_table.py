"""A mapped table with the two models on it, and rows that both can make."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from hypothesis import strategies as st

from handover.config.config import ModelPair
from handover.errors import UnseenError
from handover.probe.wire import Wire, encode
from handover.proof.actor import Actor, Row
from handover.proof.parents import Parents, complete, is_parent_link, key_of, patterns, together
from handover.proof.values import NoValuesError, automatic, corners, optional, strategy
from handover.schema.models import Field, ManyToMany, Model
from handover.side import Side

Actors = Mapping[Side, Actor]


@dataclass(frozen=True)
class Example:
    """A row to be made, the changes that follow, and the values that only the backend writes."""

    row: Row
    change: Row = field(default_factory=dict)
    extra: Row = field(default_factory=dict)

    def without(self, column: str) -> "Example":
        """Return the example without a column."""
        parts = ({k: v for k, v in part.items() if k != column} for part in (self.row, self.change, self.extra))
        return Example(*parts)


@dataclass(frozen=True)
class MappedTable:
    """Two models on one table.

    Attributes
    ----------
    pair
        Its entry in ``handover.toml``.
    models
        Side → model.
    fields
        Column → field of the original, of the columns that both know and that get a value from outside.
    shared
        All columns that both know.
    own
        Side → column → field, of those that only that side knows.
    parents
        Where foreign keys may point.
    pattern
        Values that a row starts with, where a plain row is refused.
    """

    pair: ModelPair
    models: Mapping[Side, Model]
    fields: Mapping[str, Field]
    shared: Mapping[str, tuple[Field, Field]]
    own: Mapping[Side, Mapping[str, Field]]
    parents: Parents
    pattern: Row = field(default_factory=dict)

    @property
    def table(self) -> str:
        """The name of the table."""
        return self.pair.table

    def place(self, column: str = "") -> str:
        """Return the place of a finding: the table, or one of its columns."""
        return f"{self.table}.{column}" if column else self.table

    def automatic(self, column: str) -> bool:
        """Say whether either system sets a column by itself, or takes it from the row of a parent model."""
        return any(automatic(one) or is_parent_link(one) for one in self.shared[column])

    def key_of(self, side: Side, row: Row) -> Wire:
        """Return the key of a row as a system's model has it."""
        return key_of(self.models[side], row)

    def pointed(self, one: Field) -> list[Wire]:
        """Return the values that a foreign key of an example row may hold."""
        alone = one.unique or one.column in together(self.models[Side.ORIGINAL])
        return self.parents.values(one.model_copy(update={"unique": alone}), f"{self.table}.{one.column}")

    def entangled(self, column: str) -> bool:
        """Say whether a unique or exclusion constraint of either system ties a column to the other rows."""
        models = self.models.values()
        constraints = (c.columns for m in models for c in m.constraints if c.kind in ("unique", "exclusion"))
        return any(column in columns for columns in (*constraints, *(together(m) for m in models)))

    def many_to_many(self) -> list[tuple[ManyToMany, ManyToMany]]:
        """Return the many-to-many fields of both that lead through one table that Django made."""
        others = {m.table: m for m in self.models[Side.BACKEND].many_to_many}
        found = ((m, others[m.table]) for m in self.models[Side.ORIGINAL].many_to_many if m.table in others)
        return [(one, other) for one, other in found if one.own_table and other.own_table]

    def corner_examples(self, turns: int) -> list[Example]:
        """Return rows that together have every boundary value of every column, and their changes."""
        columns = {name: self._corners(one) for name, one in self.fields.items()}
        extras = {name: self._corners(one) for name, one in self.own[Side.BACKEND].items()}
        number = max((len(values) for values in (*columns.values(), *extras.values())), default=1)
        return [
            Example(
                self.completed(_turned(columns, n, self.fields)),
                _turned({k: v for k, v in columns.items() if self.changeable(k)}, n + 1, self.fields),
                _turned(extras, n, self.own[Side.BACKEND]),
            )
            for n in range(max(number, turns))
        ]

    def examples(self) -> st.SearchStrategy[Example]:
        """Return a strategy for rows; a column that may be left out sometimes is."""
        row = self._rows(self.fields)
        change = self._rows({k: v for k, v in self.fields.items() if self.changeable(k)}, partly=True)
        return st.builds(Example, row.map(self.completed), change, self._rows(self.own[Side.BACKEND]))

    def value(self, column: str) -> st.SearchStrategy[Wire]:
        """Return a strategy for one column's value as it travels."""
        one = self.fields.get(column) or self.own[Side.BACKEND][column]
        if one.relation:
            return st.sampled_from([*self.pointed(one), *([None] if one.null else [])])
        return strategy(one).map(encode)

    def completed(self, row: Row) -> Row:
        """Return the row with a value in every column that must have one."""
        given = {**self.pattern, **row}
        return complete(self.fields.values(), given, self.parents, together(self.models[Side.ORIGINAL]), use=self.table)

    def changeable(self, column: str) -> bool:
        """Say whether a row keeps its identity when the column changes."""
        one = self.fields[column]
        return not (one.primary_key or one.unique or column in self.models[Side.ORIGINAL].key)

    def _corners(self, one: Field) -> list[Wire]:
        if one.relation:
            return [*self.pointed(one), *([None] if one.null else [])]
        return [encode(value) for value in corners(one)]

    def _rows(self, fields: Mapping[str, Field], *, partly: bool = False) -> st.SearchStrategy[Row]:
        must = {k: self.value(k) for k, one in fields.items() if not (partly or optional(one))}
        may = {k: self.value(k) for k in fields if k not in must}
        return st.fixed_dictionaries(must, optional=may)


def mapped_table(pair: ModelPair, actors: Actors, parents: Parents) -> MappedTable:
    """Return the mapped table of an entry of ``handover.toml``.

    Parameters
    ----------
    pair
        The entry.
    actors
        Both systems.
    parents
        Gives rows for foreign keys to point at.

    Raises
    ------
    ConfigurationError
        A system does not have its model.
    UnseenError
        A column must have a value, and the proof has no values for its kind.
    """
    models = {side: actors[side].model(side.of(pair)) for side in Side}
    known = {side: {f.column: f for f in actors[side].fields(models[side])} for side in models}
    shared = {c: (f, known[Side.BACKEND][c]) for c, f in known[Side.ORIGINAL].items() if c in known[Side.BACKEND]}
    own = {side: {c: f for c, f in known[side].items() if c not in shared and _given(f)} for side in known}
    fields = {c: f for c, (f, other) in shared.items() if _given(f) and not automatic(other)}
    unmade = [c for c, f in fields.items() if not f.relation and _valueless(f)]
    if must := [c for c in unmade if not optional(fields[c])]:
        what = f"{pair.table}.{must[0]} must have a value, and the proof has none for a {fields[must[0]].kind}"
        raise UnseenError(f"{what} ({fields[must[0]].type}); no row of the table could be made.", code="HO425")
    kept = {c: _narrowed(f, shared[c][1]) for c, f in fields.items() if c not in unmade}
    return MappedTable(pair, models, kept, shared, {s: {c: f for c, f in o.items() if not _valueless(f)}
                                               for s, o in own.items()}, parents)  # fmt: skip


def settled(table: MappedTable, maker: Actor) -> MappedTable:
    """Return the table with a pattern that its model accepts, where the database or its code refuses a plain row."""
    model = table.models[maker.side]
    for pattern in ({}, *patterns(maker, model, table.fields.values())):
        tried = replace(table, pattern={c: w for c, w in pattern.items() if c in table.fields})
        values = tried.completed({})
        _, made, _ = maker.batch({"do": "begin"}, {"do": "create", "model": model.label, "values": values},
                                 {"do": "rollback"})  # fmt: skip
        if not made.raised:
            return tried
    return table


def _narrowed(one: Field, other: Field) -> Field:
    """Return the original's field with the shorter of both lengths: a row that does not fit shows nothing."""
    lengths = [f.max_length for f in (one, other) if f.max_length is not None]
    return one.model_copy(update={"max_length": min(lengths, default=None)})


def _given(one: Field) -> bool:
    return not automatic(one) and not is_parent_link(one)


def _valueless(one: Field) -> bool:
    if one.relation:
        return False
    try:
        strategy(one)
    except NoValuesError:
        return True
    return False


def _turned(columns: Mapping[str, list[Wire]], turn: int, fields: Mapping[str, Field]) -> Row:
    """Give each column its value of this turn; the values of unique columns are not repeated."""
    return {
        name: values[turn % len(values)]
        for name, values in columns.items()
        if values and (turn < len(values) or not fields[name].unique)
    }
