"""The shape that an evolution's operations declare, table by table, before it becomes statements."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from handover.errors import Refused
from handover.evolve.catalog.facts import ColumnFacts, ForeignKeyFacts, TableFacts
from handover.evolve.expression import applied
from handover.evolve.names import checksum, short_name
from handover.evolve.statement import ColumnPair
from handover.schema.evolved import KEPT_SUFFIX, SHADOW_SUFFIX, SYNC_FUNCTION_PREFIX
from handover.schema.types import INTEGERS, canonical_type
from handover.wording import identifier, literal


@dataclass
class PairDraft:
    """A column that gets a shadow: ``up`` and ``down`` are SQL on ``$1``.

    Attributes
    ----------
    mapped
        Condition on the old value; such values are mapped, so their way back is not compared.
    many_to_one
        Whether several old values may have one new value; then the way back is not compared either.
    default
        SQL of the new column's default; None: the old one's, converted.
    repeatable
        Whether the file vouches that the conversion always gives the same result.
    follows
        The foreign key through which its values follow another table's pair.
    """

    column: ColumnFacts
    type: str
    up: str = "$1"
    down: str = "$1"
    mapped: str = ""
    many_to_one: bool = False
    default: str | None = None
    not_null: bool = False
    collation: str | None = None
    follows: ForeignKeyFacts | None = None
    repeatable: bool = False

    @property
    def counts_on(self) -> bool:
        """Whether the new column goes on taking its values from the old one's sequence."""
        return self.column.sequence is not None and canonical_type(self.type) in INTEGERS

    def convert(self, up: str, down: str) -> None:
        """Add a conversion after those that it has."""
        self.up, self.down = applied(up, f"({self.up})"), applied(self.down, f"({down})")


@dataclass(frozen=True, kw_only=True)
class AddedColumn:
    """A column of the new shape alone; ``expression``: the trigger keeps it at this value."""

    name: str
    type: str
    default: str = ""
    nullable: bool = True
    expression: str = ""


@dataclass(frozen=True, kw_only=True)
class AddedCheck:
    """A check on one column of the new shape.

    Attributes
    ----------
    name, column, check
        Its name, its column in the new shape, and its condition on ``$1``.
    replaces
        The old column's check of this name goes with it.
    repaired
        What breaks it becomes another value in the new shape, so that no write of the old shape fails.
    """

    name: str
    column: str
    check: str
    replaces: bool = False
    repaired: bool = False


@dataclass(frozen=True, kw_only=True)
class AddedForeignKey:
    """A foreign key from one column of the new shape."""

    name: str
    column: str
    references: str
    references_column: str
    on_delete: str
    deferrable: bool


@dataclass(frozen=True, kw_only=True)
class AddedIndex:
    """An index of the new shape; ``parts`` and ``where`` are SQL on its columns, ``include`` names."""

    name: str
    parts: tuple[str, ...]
    method: str = "btree"
    unique: bool = False
    include: tuple[str, ...] = ()
    where: str = ""


@dataclass(frozen=True, kw_only=True)
class CreatedTable:
    """A table of the new shape alone; ``grants``: the rights of each role that may use it."""

    name: str
    columns: dict[str, str]
    constraints: tuple[str, ...]
    grants: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass
class TableDraft:
    """What becomes of one table. Columns are named as in the new shape, pairs by their old name."""

    facts: TableFacts
    pairs: dict[str, PairDraft] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    added: dict[str, AddedColumn] = field(default_factory=dict)
    dropped: dict[str, str] = field(default_factory=dict)
    checks: list[AddedCheck] = field(default_factory=list)
    not_null: list[str] = field(default_factory=list)
    foreign_keys: list[AddedForeignKey] = field(default_factory=list)
    indexes: list[AddedIndex] = field(default_factory=list)
    dropped_indexes: list[str] = field(default_factory=list)
    new_names: dict[str, str] = field(default_factory=dict)

    @property
    def shape_changes(self) -> bool:
        """Whether the two shapes have different columns, so that views are needed."""
        return bool(self.pairs or self.renamed or self.added or self.dropped)

    @property
    def moves(self) -> bool:
        """Whether the switch renames a column of it."""
        return bool(self.pairs or self.renamed)

    @property
    def synced(self) -> bool:
        """Whether a trigger keeps both shapes in step."""
        return bool(self.pairs or self.keeps_columns)

    @property
    def keeps_columns(self) -> bool:
        """Whether it gets columns that follow from others, which a trigger keeps also after the contract."""
        return any(one.expression for one in self.added.values())

    @property
    def sync_function(self) -> str:
        """Name of the trigger's function."""
        return short_name(f"{SYNC_FUNCTION_PREFIX}{self.facts.name}", "_sync")

    def new_name(self, column: str) -> str:
        """Return the name in the new shape of a column of the old one."""
        return self.renamed.get(column, column)

    def old_columns(self) -> list[ColumnFacts]:
        """Return the columns of the old shape, in their order."""
        return sorted(self.facts.columns.values(), key=lambda column: column.number)

    def new_columns(self) -> list[str]:
        """Return the names of the new shape's columns, in their order."""
        kept = [self.new_name(one.name) for one in self.old_columns() if one.name not in self.dropped]
        return [*kept, *self.added]

    def old_name(self, column: str) -> str | None:
        """Return the old shape's name of a column of the new shape; None when it is new."""
        back = {new: old for old, new in self.renamed.items()}
        if column in back:
            return back[column]
        return column if column in self.facts.columns and column not in self.renamed else None

    def physical(self, column: str, *, switched: bool = False) -> str:
        """Return the table's own name, now, of a column of the new shape."""
        old = self.old_name(column)
        if column in self.added or old is None:
            return column
        if old in self.pairs:
            return self.pair(old).new(switched=switched)
        return column if switched else old

    def physical_old(self, column: str, *, switched: bool = False) -> str:
        """Return the table's own name, now, of a column of the old shape."""
        if column in self.pairs:
            return self.pair(column).old(switched=switched)
        return self.new_name(column) if switched else column

    def renames(self) -> list[tuple[str, str]]:
        """Return the renames of the switch, (before, after), in an order in which no name is taken."""
        away = [(self.physical_old(one.name), self.physical_old(one.name, switched=True)) for one in self.old_columns()]
        home = [(self.physical(name), self.physical(name, switched=True)) for name in self.new_columns()]
        return list(dict.fromkeys((before, after) for before, after in (*away, *home) if before != after))

    def pair(self, column: str) -> ColumnPair:
        """Return the pair of an old column."""
        draft = self.pairs[column]
        new = self.new_name(column)
        return ColumnPair(
            table=self.facts.key,
            column=column,
            shadow=short_name(column, SHADOW_SUFFIX),
            kept=short_name(column, KEPT_SUFFIX),
            renamed=new,
            type=draft.type,
            up=f"{self.function_sql(column, 'up')}($1)",
            down=f"{self.function_sql(column, 'down')}($1)",
        )

    def function_sql(self, column: str, way: str) -> str:
        """Return the name of a conversion's function, as SQL."""
        return f"{identifier(self.facts.schema)}.{identifier(self._function_name(column, way))}"

    def function_names(self, column: str) -> tuple[str, str]:
        """Return the names of both conversions' functions."""
        return self._function_name(column, "up"), self._function_name(column, "down")

    def _function_name(self, column: str, way: str) -> str:
        # Two names with one underscore more or less must not give one name.
        mark = checksum(f"{self.facts.name}\0{column}")
        return short_name(f"{SYNC_FUNCTION_PREFIX}{mark}_{column}", f"_{way}")

    def new_default(self, column: str) -> str | None:
        """Return the SQL of the new column's default, of a pair."""
        draft = self.pairs[column]
        if draft.default is not None:
            return draft.default or None
        if draft.column.default is None or draft.column.identity or draft.column.sequence:
            return None
        keeps = draft.up == "$1"
        return applied(draft.up, f"({draft.column.default})") if keeps or draft.column.constant_default else None


@dataclass
class EvolutionDraft:
    """What becomes of all tables.

    Attributes
    ----------
    read
        Returns the facts about a table by its name.
    schema
        The schema of the shared tables.
    tables
        By ``schema.name``.
    created
        Tables of the new shape alone.
    """

    read: Callable[[str, str], TableFacts]
    schema: str
    tables: dict[str, TableDraft] = field(default_factory=dict)
    created: list[CreatedTable] = field(default_factory=list)

    @property
    def schemas(self) -> tuple[str, ...]:
        """The schemas of its tables, the shared one first: a table that follows a key may be in any."""
        return tuple(dict.fromkeys((self.schema, *(one.facts.schema for one in self.tables.values()))))

    def table(self, name: str, schema: str = "") -> TableDraft:
        """Return the draft of a table, read when it is first asked for."""
        schema = schema or self.schema
        key = f"{schema}.{name}"
        if key not in self.tables:
            self.tables[key] = TableDraft(self.read(schema, name))
        return self.tables[key]

    def make_pair(self, table: TableDraft, column: str) -> PairDraft:
        """Return the pair of a column, named as in the new or in the old shape, made when it is first asked for.

        Raises
        ------
        Refused
            The table has no such column, or it is generated.
        """
        old = self.column_of(table, column)
        if old.name not in table.pairs:
            if old.generated:
                raise Refused(
                    f"{table.facts.name}.{old.name} is a generated column: PostgreSQL computes it, so it has no value"
                    " to convert. Drop it, and add another one.",
                    code="HO660",
                )
            table.pairs[old.name] = PairDraft(old, old.type, not_null=old.not_null, collation=old.collation)
        return table.pairs[old.name]

    def column_of(self, table: TableDraft, column: str) -> ColumnFacts:
        """Return the old column that a name of the new or of the old shape means.

        Raises
        ------
        Refused
            The table has no such column.
        """
        old = table.old_name(column) or column
        if old not in table.facts.columns or old in table.dropped:
            there = ", ".join(table.new_columns())
            message = f"{table.facts.name} has no column {column}; it has {there}."
            raise Refused(f"{message} Correct `column` in the evolution's file.", code="HO660")
        return table.facts.columns[old]

    def follow_keys(self) -> None:
        """Give a pair to each column that points at a paired one, through any number of tables."""
        waiting = [(table, old) for table in self.tables.values() for old in table.pairs]
        while waiting:
            table, old = waiting.pop()
            for key in table.facts.referencing(old):
                child = self.table(key.child, key.child_schema)
                name = key.columns[key.parent_columns.index(old)]
                if name not in child.pairs:
                    self._follow(child, name, table.pairs[old])
                    waiting.append((child, name))
                child.pairs[name].follows = key

    def _follow(self, child: TableDraft, name: str, parent: PairDraft) -> None:
        column = child.facts.columns[name]
        child.pairs[name] = PairDraft(
            column,
            parent.type,
            up=parent.up,
            down=parent.down,
            mapped=parent.mapped,
            many_to_one=parent.many_to_one,
            not_null=column.not_null,
            collation=parent.collation,
            repeatable=parent.repeatable,
        )


def values_case(values: dict[str, str]) -> str:
    """Return the SQL that puts new values in the place of old ones.

    Examples
    --------
    >>> values_case({"a": "b"})
    "CASE $1 WHEN 'a' THEN 'b' ELSE $1 END"
    """
    return "CASE $1 " + " ".join(_whens(values)) + " ELSE $1 END"


def _whens(values: dict[str, str]) -> Iterator[str]:
    return (f"WHEN {literal(old)} THEN {literal(new)}" for old, new in values.items())
