"""Rows of a system's own tables that reference shared rows: the other system must still be able to delete those."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from psycopg import sql

from handover.errors import UnseenError
from handover.finding import Finding
from handover.proof.actor import Actor, Reply, Row
from handover.proof.mapped_table import Actors
from handover.proof.outcome import Failure
from handover.proof.parents import Parents, key_of
from handover.proof.reproduce import shell_line, sources
from handover.proof.values import NoValuesError
from handover.schema.catalog import LiveConstraint, Table
from handover.schema.models import Field, Model
from handover.side import Side

# Rows of these apps belong to Django itself; deleting them is not part of normal use.
DJANGO_OWN = ("contenttypes", "sessions", "admin", "auth")
DEEPEST = 3
Keys = Sequence[tuple[Table, LiveConstraint]]


@dataclass(frozen=True)
class Link:
    """A foreign key of one system's own table, which references the rows of another table."""

    model: Model
    field: Field

    @property
    def where(self) -> str:
        """Its place in a finding."""
        return f"{_plain(self.model.table)}.{self.field.column}"

    @property
    def target(self) -> tuple[str, str]:
        """The table and the column that it references."""
        assert self.field.references  # noqa: S101 - only made of foreign keys
        return self.field.references


class DependentRows:
    """Own rows that reference shared rows, which the other system then deletes; ``counts`` says how many."""

    def __init__(self, actors: Actors, parents: Parents, keys: Keys) -> None:
        self.actors, self.parents, self.keys = actors, parents, keys
        self.counts: dict[Side, Counter[str]] = {side: Counter() for side in Side}

    def failures(self) -> Iterator[tuple[Side, Failure]]:
        """Yield each reference that prevents a delete, with the system that owns the referencing row."""
        for side in Side:
            owner, other = self.actors[side], self.actors[self.actors[side].other]
            shared = [m.table for m in other.description.concrete() if self._is_shared(owner, other, m)]
            for table in dict.fromkeys(shared):
                yield from ((side, failure) for failure in self._on(owner, other, table, ()))

    def _is_shared(self, owner: Actor, other: Actor, model: Model) -> bool:
        is_user = model.table == other.description.settings.user_table
        known = owner.of_table(model.table) is not None and not model.made_for
        return known and (is_user or model.app_label not in DJANGO_OWN)

    def _on(self, owner: Actor, other: Actor, table: str, path: tuple[Link, ...]) -> Iterator[Failure]:
        """Let own rows reference a table's rows; where the delete works, let further rows reference those."""
        for link in _links(owner, other, table):
            longer = (*path, link)
            failure = self._tried(owner, other, longer)
            self.counts[owner.side]["own_rows"] += 1
            if failure:
                yield failure
            elif len(longer) < DEEPEST and link.model.table not in {one.target[0] for one in longer}:
                yield from self._on(owner, other, link.model.table, longer)

    def _tried(self, owner: Actor, other: Actor, path: tuple[Link, ...]) -> Failure | None:
        table = path[0].target[0]
        shared = other.of_table(table)
        assert shared  # noqa: S101 - chosen by it
        try:
            rows = self._chain(owner, other, shared, path)
        except (UnseenError, NoValuesError) as error:
            return Failure(_unseen(owner, path[-1], table, str(error.args[0]).splitlines()[0]), caused_by=owner.side)
        where = {"pk": key_of(shared, rows[0])}
        answer = other.one("delete", model=shared.label, where=where)
        if not answer.raised and other.one("filter", model=shared.label, where=where, select="exists").value is False:
            return None
        return self._failure(owner, other, path, rows, answer)

    def _chain(self, owner: Actor, other: Actor, shared: Model, path: tuple[Link, ...]) -> list[Row]:
        """Make a shared row and a chain of own rows, each referencing the one before; a child row makes its parent."""
        first = path[0]
        use = f"reference {first.where}"
        if _is_parent_link(first.field):
            child = self._made(owner, first.model, {}, use)
            rows = [{**child, shared.key[0]: child[first.field.column]}, child]
        else:
            column = first.target[1]
            row = self._made(other, shared, self._pointed_at(other, shared, column), use)
            rows = [row, self._made(owner, first.model, {first.field.column: row[column]}, use)]
        for link in path[1:]:
            given = {link.field.column: rows[-1][link.target[1]]}
            rows.append(self._made(owner, link.model, given, use))
        return rows

    def _pointed_at(self, other: Actor, shared: Model, column: str) -> Row:
        """Return a value for a nullable column that is referenced: such a reference needs a value."""
        one = next((f for f in other.fields(shared) if f.column == column), None)
        return {} if one is None or one.primary_key or not one.null else self.parents.plain(one)

    def _made(self, actor: Actor, model: Model, given: Row, use: str) -> Row:
        made = self.parents.make(actor, model, given, use)
        if isinstance(made, Reply):
            raise UnseenError(f"the {actor.side} could not make a row of {_plain(model.table)}: {made.words.strip()}")
        return made

    # --- findings

    def _failure(self, owner: Actor, other: Actor, path: tuple[Link, ...], rows: list[Row], answer: Reply) -> Failure:
        link, table = path[-1], _plain(path[0].target[0])
        why = answer.refusal or "the row is still there"
        found = f"keeps the {other.side} from deleting rows of {table}: {why}"
        expected = f"the {other.side} does not know {_plain(link.model.table)} and deletes as before"
        said = answer.words.strip().splitlines()[:1]
        todo = "\n".join([self._advice(owner, link), *(f"It said: {line}" for line in said)])
        lines = tuple(self._lines(owner, other, path, rows))
        finding = Finding(
            code="HO390",
            where=link.where,
            found=found,
            expected=expected,
            todo="\n".join((todo, *lines)),
            hurts=other.side,
        )
        return Failure(finding, lines, caused_by=owner.side)

    def _advice(self, owner: Actor, link: Link) -> str:
        """Return the statement that lets the database do what the owner's model does."""
        found = next(((t, k) for t, k in self.keys if _is_of(t, k, link)), None)
        if found is None:
            return "Look for a trigger or a delete() of its own: no foreign key of the database forbids it."
        table, key = found
        relation = link.field.relation
        rule = (relation.on_delete or "") if relation else ""
        nullable = link.field.null and rule not in ("CASCADE", "DB_CASCADE")
        action = "SET NULL" if nullable else "CASCADE"
        doubt = "" if nullable or rule.endswith("CASCADE") else " If the row must stay, make the column nullable first."
        return f"In a migration of the {owner.side} (RunSQL): {_statement(table, key, action)}{doubt}"

    def _lines(self, owner: Actor, other: Actor, path: tuple[Link, ...], rows: list[Row]) -> Iterator[str]:
        shared = other.of_table(path[0].target[0])
        assert shared  # noqa: S101 - chosen by it
        if not _is_parent_link(path[0].field):
            yield shell_line(other.side, shared, f"M._default_manager.create({sources(other.fields(shared), rows[0])})")
        for number, link in enumerate(path):
            on = path[number - 1].model if number else owner.of_table(path[0].target[0])
            assert on  # noqa: S101 - both know the shared table
            given = {link.field.column: rows[number + 1][link.field.column]}
            last = {} if _is_parent_link(link.field) else {link.field.column: _last(on, link.target[1])}
            fields = [f for f in owner.fields(link.model) if f.column not in given]
            parts = [sources(fields, rows[number + 1]), *(f"{_attribute(link.field)}={text}" for text in last.values())]
            yield shell_line(owner.side, link.model, f"M._default_manager.create({', '.join(filter(None, parts))})")
        yield shell_line(other.side, shared, "print(M._default_manager.order_by('pk').last().delete())")


def _links(owner: Actor, other: Actor, table: str) -> Iterator[Link]:
    """Yield the foreign keys of the owner's own tables that reference a table."""
    for model in owner.description.concrete():
        if other.of_table(model.table) is None and model.managed:
            for field in model.fields:
                if field.relation and field.references and field.references[0] == table:
                    yield Link(model, field)


def _is_of(table: Table, key: LiveConstraint, link: Link) -> bool:
    names = (table.name, key.target[1] if key.target else "")
    return names == tuple(_plain(n).rpartition(".")[2] for n in (link.model.table, link.target[0])) and key.columns == (
        link.field.column,
    )


def _statement(table: Table, key: LiveConstraint, action: str) -> str:
    assert key.target  # noqa: S101 - a foreign key has one
    text = sql.SQL(
        "ALTER TABLE {} DROP CONSTRAINT {}, ADD CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {} ({}) ON DELETE {} "
        "DEFERRABLE INITIALLY DEFERRED;"
    ).format(
        sql.Identifier(table.schema, table.name),
        sql.Identifier(key.name),
        sql.Identifier(key.name),
        sql.SQL(", ").join(map(sql.Identifier, key.columns)),
        sql.Identifier(*key.target),
        sql.SQL(", ").join(map(sql.Identifier, key.target_columns)),
        sql.SQL(action),
    )
    return text.as_string(None)


def _unseen(owner: Actor, link: Link, table: str, said: str) -> Finding:
    found = f"could not be filled with a reference to a row of {_plain(table)}: {said}"
    expected = "it is not known whether the other system can still delete such rows"
    todo = f"Make a row of {_plain(link.model.table)} on a copy by hand, and delete its row of {_plain(table)} there."
    return Finding(
        code="HO391", where=link.where, found=found, expected=expected, todo=todo, severity="unseen", hurts=owner.other
    )


def _is_parent_link(field: Field) -> bool:
    return field.relation is not None and field.relation.parent_link


def _attribute(field: Field) -> str:
    return f"{field.name}_id" if field.relation else field.name


def _last(model: Model, column: str) -> str:
    path, _, name = model.path.rpartition(".")
    attribute = next((_attribute(f) for f in model.fields if f.column == column), "pk")
    return f"__import__({path!r}, fromlist=['x']).{name}._default_manager.order_by('pk').last().{attribute}"


def _plain(table: str) -> str:
    return table.replace('"', "")
