"""At most five lines that show a difference again, to paste into each system's own shell."""

from collections.abc import Iterable, Iterator
from typing import Any
from uuid import uuid4

from handover.probe.wire import Wire
from handover.proof.actor import Row
from handover.proof.difference import Difference
from handover.proof.mapped_table import MappedTable
from handover.proof.values import automatic
from handover.schema.models import Field, Model
from handover.side import Side

MADE_TO_ORDER = 3  # and two lines that show their order
MODULES = {"datetime.": "datetime", "decimal.": "decimal", "uuid.": "uuid", "base64.": "base64"}
SIMPLE = {
    "float": "float({!r})",
    "decimal": "decimal.Decimal({!r})",
    "date": "datetime.date.fromisoformat({!r})",
    "time": "datetime.time.fromisoformat({!r})",
    "uuid": "uuid.UUID({!r})",
    "bytes": "base64.b64decode({!r})",
    "file": "{!r}",
}


def lines(mapped: MappedTable, difference: Difference) -> tuple[str, ...]:
    """Return the lines; the end of each line names the shell that it is for."""
    return tuple(ReproductionLines(mapped, difference).all())


def shell_line(side: Side, model: Model, code: str) -> str:
    """Return a line with its imports; its end names the shell that it is for. The model is ``M``.

    Parameters
    ----------
    side
        The system whose shell it is for.
    model
        The model that ``M`` stands for.
    code
        The code of the line.
    """
    path, _, name = model.path.rpartition(".")
    found = f"from {path} import {name} as M"
    if model.made_for:  # Django made it; no module has it
        found = f"from django.apps import apps; M = apps.get_model({model.label!r})"
    needed = [module for word, module in MODULES.items() if word in code]
    imports = f"import {', '.join(needed)}; " if needed else ""
    imports += "from django.db.models import JSONField, Value; " if "JSONField()" in code else ""
    return f"{imports}{found}; {code}  # in the shell of the {side}"


def sources(fields: Iterable[Field], row: Row) -> str:
    """Return the arguments that make such a row; its foreign keys point at the first row of each table."""
    parts = []
    for one in fields:
        wire = row.get(one.column)
        if wire is None or automatic(one) or (one.relation and one.relation.parent_link):
            continue
        if one.relation:
            parts.append(f"{one.name}_id={_first(one)}")
        else:
            parts.append(f"{one.name}={source(wire)}")
    return ", ".join(parts)


def _first(one: Field) -> str:
    """Return the source of a foreign key's value: of the first row that it can point at, else of a new row."""
    rows = f"M._meta.get_field({one.name!r}).related_model._default_manager"
    target = f"M._meta.get_field({one.name!r}).target_field.attname"
    return f"getattr((lambda rows: rows.first() or rows.create())({rows}), {target})"


class ReproductionLines:
    """The lines of one difference."""

    def __init__(self, mapped: MappedTable, difference: Difference) -> None:
        self._mapped, self._difference = mapped, difference
        self._maker = difference.maker
        # The row that showed the difference may still exist, so this one gets a key of its own.
        met: Row = dict(difference.example.row) if difference.example else {}
        self._made = {column: self._another(column, wire) for column, wire in met.items()}
        key = mapped.models[Side.ORIGINAL].key[0]
        if key in mapped.fields and mapped.fields[key].kind == "UUIDField" and key not in self._made:
            # With a random key the last row can be any row, so this one gets a key that the next line can name.
            self._made[key] = ["uuid", str(uuid4())]
        self._other = self._maker.other

    def all(self) -> Iterator[str]:
        """Yield the lines that show the difference, by the step that shows it."""
        step, column = self._difference.step, self._difference.column
        if step in ("rows", "order"):
            yield from self._many(step)
            return
        if step == "existing":
            for side in (self._maker, self._other):
                row = f"{self._manager()}.get(pk={source(self._difference.words['key'])})"
                shown = f"repr({row}.{self._name(column, side)})" if column else row
                yield self._line(side, f"print({shown})")
            return
        if step == "create":
            shown = "one.refresh_from_db(); print(repr(one.{}))" if column else "print(one.pk)"
            for side in (self._other, self._maker):
                yield self._line(side, f"{self._create(side)}; {shown.format(self._name(column, side))}")
                self._made = {c: self._another(c, wire) for c, wire in self._made.items()}
            return
        shown = f"; print({self._shown(self._maker)})" if self._difference.code == "HO318" else ""
        yield self._line(self._maker, f"{self._create(self._maker)}{shown}")
        yield from self._seen(step, column)

    def _another(self, column: str, wire: Wire) -> Wire:
        """Return another value for a unique column; every other value stays."""
        one = self._mapped.fields.get(column)
        if one is None or column == self._difference.column or not (one.unique or one.primary_key) or one.relation:
            return wire
        if isinstance(wire, str):
            return f"{wire[: (one.max_length or 99) - 1]}2"
        if isinstance(wire, list) and wire[0] == "uuid":
            return ["uuid", str(uuid4())]
        return wire + 1 if type(wire) is int else wire

    def _many(self, step: str) -> Iterator[str]:
        """Yield lines about several rows, or about one of many calls for them."""
        code, words = self._difference.code, self._difference.words
        both: tuple[Side, ...] = (self._maker, self._other)
        if step == "order":
            for row in words.get("rows", ())[:MADE_TO_ORDER]:
                yield self._line(self._maker, f"{self._manager()}.create({self._arguments(row, self._maker)})")
            end = f"values_list('pk', flat=True).order_by({self._by()})"
            yield from (self._line(side, f"print(list({self._manager()}.{end}[:20]))") for side in both)
        elif code == "HO307" and words["call"] == "bulk_create":
            for side in both:
                yield self._line(
                    side, f"print({self._manager()}.bulk_create([M({self._arguments(self._made, side)})]))"
                )
        elif self._difference.example is None:
            for side in both:
                where = self._arguments(words.get("where", {}), side)
                yield self._line(side, f"print({self._manager()}.filter({where}).count())")
        else:
            yield from self._one_of_many(code, both)

    def _one_of_many(self, code: str, both: tuple[Side, ...]) -> Iterator[str]:
        words = self._difference.words
        if code == "HO313":
            begin = "from django.db import transaction as t; t.set_autocommit(False)"
            yield self._line(self._maker, f"{begin}; {self._create(self._maker)}")
            yield self._line(self._other, f"print({self._manager()}.count())")
            yield self._line(self._maker, "from django.db import transaction as t; t.commit()")
            yield self._line(self._other, f"print({self._manager()}.count())")
            return
        yield self._line(self._maker, self._create(self._maker))
        if code in ("HO307", "HO312"):
            fields = [f for c, f in self._mapped.fields.items() if self._mapped.changeable(c)]
            name = self._name(self._difference.column or fields[0].column, self._other)
            value = f"; one.{name} = {source(words['wanted'])}" if "wanted" in words else ""
            done = f"one = {self._row()}{value}; {self._manager()}.bulk_update([one], [{name!r}])"
            yield self._line(self._other, done)
            for side in both:
                yield self._line(side, f"print(repr({self._row()}.{name}))")
        elif code == "HO314":
            by_side = dict(zip(Side, words["links"], strict=True))
            name = by_side[self._maker].name
            yield self._line(
                self._maker, f"one = {self._row()}; one.{name}.set(one.{name}.model._default_manager.all()[:2])"
            )
            back = by_side[Side.ORIGINAL].accessor
            for side in both:
                own = f"one = {self._row()}.{by_side[side].name}"
                yield self._line(side, f"{own}; print(one.count(), one.first().{back}.count())")
        else:
            yield from (self._line(side, f"print({self._manager()}.count())") for side in both)

    def _seen(self, step: str, column: str) -> Iterator[str]:
        both: tuple[Side, ...] = (self._maker, self._other)
        change = self._difference.example.change if self._difference.example else {}
        extra = self._difference.example.extra if self._difference.example else {}
        if extra and self._maker is Side.ORIGINAL:
            values = self._arguments(extra, Side.BACKEND)
            yield self._line(Side.BACKEND, f"{self._manager()}.filter(pk={self._row()}.pk).update({values})")
        if change and step in ("get", "save", "update"):
            values = self._arguments(change, self._other)
            yield self._line(self._other, f"{self._manager()}.filter(pk={self._row()}.pk).update({values})")
        if step == "get":
            yield from (self._line(side, f"print({self._shown(side)})") for side in both)
        elif step == "filter":
            where = self._arguments(self._difference.words.get("where", {}), self._other)
            yield from (self._line(side, f"print({self._manager()}.filter({where}).count())") for side in both)
        elif step == "related":
            name = self._name(column, self._other)
            accessor = self._difference.words["name"]
            for side in both:
                yield self._line(side, f"print({self._row()}.{name}.{accessor}.count())")
        elif self._difference.code == "HO309":
            yield self._line(Side.ORIGINAL, f"{self._row()}.save()")
            yield self._line(Side.BACKEND, f"print({self._shown(Side.BACKEND)})")
        elif self._difference.code == "HO318":
            for side in both:
                yield self._line(side, f"{self._row()}.save(); print({self._shown(side)})")
        elif step in ("save", "update"):
            parts = [f"one.{self._attribute(c, self._other)} = {self._value(c, w, self._other)}"
                     for c, w in self._difference.words.get("back", {}).items()]  # fmt: skip
            saved = "; ".join([f"one = {self._row()}", *parts, "one.save()"])
            yield self._line(self._other, f"{saved}; print({self._shown(self._other)})")
            yield self._line(self._maker, f"print({self._shown(self._maker)})")
        else:
            gone = f"print(rows.delete(), {self._manager()}.count())"
            yield self._line(self._maker, f"print({self._manager()}.count())")
            yield self._line(self._other, f"rows = {self._manager()}.filter(pk={self._row()}.pk); {gone}")

    def _line(self, side: Side, code: str) -> str:
        return shell_line(side, self._mapped.models[side], code)

    def _create(self, side: Side) -> str:
        example, row = self._difference.example, dict(self._made)
        if example and side is Side.BACKEND:
            row |= example.extra
        return f"one = {self._manager()}.create({self._arguments(row, side)})"

    def _manager(self) -> str:
        return "M._default_manager"

    def _row(self) -> str:
        """Return the source that finds the row, in a shell that did not make it."""
        key = self._key()
        if key is not None:
            return f"{self._manager()}.get(pk={source(key)})"
        return f"{self._manager()}.order_by('pk').last()"

    def _key(self) -> Wire:
        row, fields = self._made, self._mapped.fields
        key = self._mapped.models[Side.ORIGINAL].key
        if len(key) > 1 and all(c in row and c in fields and not fields[c].relation for c in key):
            return ["tuple", [row[column] for column in key]]
        return next(
            (w for c, w in row.items() if c in fields and fields[c].primary_key and not fields[c].relation), None
        )

    def _shown(self, side: Side) -> str:
        column = self._difference.column
        return f"repr({self._row()}.{self._name(column, side)})" if column else f"{self._row()}.pk"

    def _arguments(self, row: Row, side: Side) -> str:
        parts = []
        for name, wire in row.items():
            column, *lookups = name.split("__")
            value = self._value(column, wire, side)
            parts.append(f"{'__'.join([self._attribute(column, side), *lookups])}={value}")
        return ", ".join(parts)

    def _value(self, column: str, wire: Wire, side: Side) -> str:
        one = self._field(column, side)
        return _first(one) if one and one.relation and wire is not None else source(wire)

    def _field(self, column: str, side: Side) -> Field | None:
        if column in self._mapped.shared:
            return dict(zip(Side, self._mapped.shared[column], strict=True))[side]
        return self._mapped.own[side].get(column)

    def _attribute(self, column: str, side: Side) -> str:
        one = self._field(column, side)
        return column if one is None else f"{one.name}_id" if one.relation else one.name

    def _name(self, column: str, side: Side) -> str:
        one = self._field(column, side)
        return one.name if one else column

    def _by(self) -> str:
        column = self._difference.column
        return f"{self._name(column, Side.ORIGINAL)!r}, 'pk'" if column else "*M._meta.ordering"


def source(wire: Wire) -> str:
    """Return a value as Python source."""
    if not isinstance(wire, list):
        return repr(wire)
    kind, rest = wire[0], wire[1:]
    if kind in SIMPLE:
        return SIMPLE[kind].format(*rest)
    return _source_of(kind, rest)


def _source_of(kind: str, rest: list[Any]) -> str:
    match kind:
        case "datetime":
            return f"datetime.datetime.fromisoformat({rest[0]!r})"
        case "timedelta":
            return f"datetime.timedelta({', '.join(map(str, rest))})"
        case "json_null":
            return "Value(None, JSONField())"
        case "dict":
            return "{" + ", ".join(f"{source(k)}: {source(v)}" for k, v in rest[0]) + "}"
        case "tuple" | "list":
            items = ", ".join(map(source, rest[0]))
            return f"[{items}]" if kind == "list" else f"({items},)"
    return repr(rest)
