"""What of a table has a twin on the shadow columns: indexes, keys, foreign keys, checks."""

from collections.abc import Iterator
from dataclasses import dataclass

from handover.evolve.catalog.facts import ForeignKeyFacts, IndexFacts
from handover.evolve.draft import AddedIndex, EvolutionDraft, TableDraft
from handover.evolve.expression import applied
from handover.evolve.names import short_name
from handover.evolve.rewording import with_names
from handover.schema.definition import groups
from handover.schema.evolved import SHADOW_SUFFIX
from handover.wording import identifier

_TEXTS = ("text", "character varying", "character")
_ACTIONS = {"a": "NO ACTION", "r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}
_MATCHES = {"s": "", "f": " MATCH FULL", "p": " MATCH PARTIAL"}


@dataclass(frozen=True, kw_only=True)
class TwinIndex:
    """The twin of an index on the shadow columns: its name while both live, and the statement that builds it."""

    old: IndexFacts
    name: str
    sql: str


@dataclass(frozen=True, kw_only=True)
class ShapeKey:
    """A foreign key of the new shape.

    Attributes
    ----------
    table, parent
        ``schema.name`` of the table that has it, and of the one that it points at.
    name, final_name
        Its name while both shapes live, and after the contract.
    columns, parent_columns
        The columns, named as in the new shape.
    definition
        ``FOREIGN KEY …`` as SQL, without NOT VALID.
    replaces
        The old foreign key that goes when the evolution is contracted.
    """

    table: str
    parent: str
    name: str
    final_name: str
    columns: tuple[str, ...]
    parent_columns: tuple[str, ...]
    definition: str
    replaces: ForeignKeyFacts | None = None


@dataclass(frozen=True, kw_only=True)
class NewCheck:
    """A check of the new shape.

    Attributes
    ----------
    name, final_name
        Its name while both shapes live, and after the contract.
    condition, column
        Its SQL, and the table's own name of its column before the switch.
    not_null
        It only stands in for NOT NULL until the contract.
    drops
        The check in whose place it comes, when that does not go with an old column.
    """

    name: str
    final_name: str
    condition: str
    column: str = ""
    not_null: bool = False
    drops: str = ""


def quoted_columns(table: TableDraft) -> dict[str, str]:
    """Return the table's own name, before the switch and as SQL, of each column of the new shape."""
    return {name: identifier(table.physical(name)) for name in table.new_columns()}


def twin_indexes(table: TableDraft) -> Iterator[TwinIndex]:
    """Yield the twin of each index that has a paired column."""
    shadows = {old: identifier(table.pair(old).shadow) for old in table.pairs}
    for index in table.facts.indexes:
        if index.name in table.dropped_indexes or not set(index.columns) & set(table.pairs) or _only_text(table, index):
            continue
        name = short_name(index.name, SHADOW_SUFFIX)
        unique = "UNIQUE " if index.unique else ""
        rest = with_names(_after_method(index), shadows)
        sql = f"CREATE {unique}INDEX CONCURRENTLY {identifier(name)} ON {table.facts.sql} USING {rest}"
        yield TwinIndex(old=index, name=name, sql=sql)


def useless_indexes(table: TableDraft) -> list[str]:
    """Return the indexes that serve LIKE on a column that is no text any more: they go with the old column."""
    left = [one for one in table.facts.indexes if one.name not in table.dropped_indexes]
    return [one.name for one in left if set(one.columns) & set(table.pairs) and _only_text(table, one)]


def index_sql(table: TableDraft, index: AddedIndex) -> str:
    """Return the statement that builds an index of the new shape."""
    names = quoted_columns(table)
    parts = ", ".join(with_names(part, names) for part in index.parts)
    include = f" INCLUDE ({', '.join(names.get(one, identifier(one)) for one in index.include)})"
    where = f" WHERE {with_names(index.where, names)}"
    return (
        f"CREATE {'UNIQUE ' if index.unique else ''}INDEX CONCURRENTLY {identifier(index.name)} ON {table.facts.sql}"
        f" USING {index.method} ({parts}){include if index.include else ''}{where if index.where else ''}"
    )


def shape_keys(draft: EvolutionDraft) -> Iterator[ShapeKey]:
    """Yield every foreign key of the new shape: the twins of those with a paired column, and the added ones."""
    for table in draft.tables.values():
        for key in table.facts.own_foreign_keys():
            parent = draft.tables.get(key.parent_key)
            paired = set(key.columns) & set(table.pairs)
            if paired or (parent and set(key.parent_columns) & set(parent.pairs)):
                yield _twin(table, parent, key)
        for added in table.foreign_keys:
            yield _added(draft, table, added.name)


def new_checks(table: TableDraft) -> Iterator[NewCheck]:
    """Yield the checks of the new shape, those that stand in for NOT NULL included."""
    for added in table.checks:
        physical = table.physical(added.column)
        name = short_name(added.name, SHADOW_SUFFIX) if added.replaces else added.name
        condition = applied(added.check, identifier(physical))
        drops = added.name if added.replaces and table.old_name(added.column) not in table.pairs else ""
        yield NewCheck(name=name, final_name=added.name, condition=condition, column=physical, drops=drops)
    required = [table.pair(old).shadow for old, pair in table.pairs.items() if pair.not_null]
    for physical in (*required, *map(table.physical, table.not_null)):
        name = short_name(f"{table.facts.name}_{physical}", "_is_not_null")
        condition = f"{identifier(physical)} IS NOT NULL"
        yield NewCheck(name=name, final_name="", condition=condition, column=physical, not_null=True)


def _only_text(table: TableDraft, index: IndexFacts) -> bool:
    changed = {
        table.pairs[name].type.partition("(")[0].strip().lower() for name in index.columns if name in table.pairs
    }
    no_text = not any(_is_text(name) for name in changed)
    return "_pattern_ops" in index.definition and no_text and not index.unique


def _is_text(type_name: str) -> bool:
    return type_name in _TEXTS or type_name in ("varchar", "char", "bpchar", "citext")


def _after_method(index: IndexFacts) -> str:
    """Return the part of an index's statement after USING, with its tablespace."""
    rest = index.definition.partition(" USING ")[2]
    if not index.tablespace:
        return rest
    place = f" TABLESPACE {identifier(index.tablespace)}"
    parts = groups(rest)
    if "WHERE" not in parts:
        return rest + place
    at = parts.index("WHERE")
    return "".join(parts[:at]).rstrip() + f"{place} " + "".join(parts[at:])


def _twin(table: TableDraft, parent: TableDraft | None, key: ForeignKeyFacts) -> ShapeKey:
    columns = [table.pair(one).shadow if one in table.pairs else one for one in key.columns]
    there = [parent.pair(one).shadow if parent and one in parent.pairs else one for one in key.parent_columns]
    return ShapeKey(
        table=key.child_key,
        parent=key.parent_key,
        name=short_name(key.name, SHADOW_SUFFIX),
        final_name=key.name,
        columns=tuple(map(table.new_name, key.columns)),
        parent_columns=tuple(map(parent.new_name, key.parent_columns)) if parent else key.parent_columns,
        definition=_key_sql(columns, key.parent_schema, key.parent, there)
        + _MATCHES[key.match]
        + f" ON UPDATE {_ACTIONS[key.on_update]} ON DELETE {_ACTIONS[key.on_delete]}"
        + _deferral(deferrable=key.deferrable, deferred=key.deferred),
        replaces=key,
    )


def _added(draft: EvolutionDraft, table: TableDraft, name: str) -> ShapeKey:
    added = next(one for one in table.foreign_keys if one.name == name)
    there = draft.tables.get(f"{table.facts.schema}.{added.references}")
    column = there.physical(added.references_column) if there else added.references_column
    return ShapeKey(
        table=table.facts.key,
        parent=f"{table.facts.schema}.{added.references}",
        name=added.name,
        final_name=added.name,
        columns=(added.column,),
        parent_columns=(added.references_column,),
        definition=_key_sql([table.physical(added.column)], table.facts.schema, added.references, [column])
        + f" ON DELETE {added.on_delete}"
        + _deferral(deferrable=added.deferrable, deferred=added.deferrable),
    )


def _key_sql(columns: list[str], schema: str, parent: str, parent_columns: list[str]) -> str:
    own, there = (", ".join(map(identifier, names)) for names in (columns, parent_columns))
    return f"FOREIGN KEY ({own}) REFERENCES {identifier(schema)}.{identifier(parent)} ({there})"


def _deferral(*, deferrable: bool, deferred: bool) -> str:
    return f" DEFERRABLE INITIALLY {'DEFERRED' if deferred else 'IMMEDIATE'}" if deferrable else ""
