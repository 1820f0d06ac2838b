"""The table to which both systems write at the same time, and the columns that they write."""

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from handover.config.config import Config, ModelPair
from handover.config.proof import Writing
from handover.errors import ConfigurationError
from handover.proof.parents import together
from handover.schema.models import Description, Field, Model
from handover.side import Side

TEXTS = frozenset({"TextField", "CharField"})
NUMBERS = frozenset({
    "IntegerField", "BigIntegerField", "PositiveIntegerField", "PositiveBigIntegerField", "SmallIntegerField",
    "PositiveSmallIntegerField",
})  # fmt: skip
FREE_STATUSES = ("one", "two", "three")  # of a text that takes anything, where no column has choices
KEYS = frozenset({"CharField", "UUIDField", "AutoField", "BigAutoField", "IntegerField", "BigIntegerField"})
ID_LENGTH = 24  # "prove-" and the digits of an id
FIRST_NUMBER = 900_000_000  # beyond what a sequence has given, below what an integer holds
NAMESPACE = uuid.UUID("6f1d5a2e-6f0b-4c0e-9d6a-51c3f0a3c1de")


@dataclass(frozen=True)
class ContendedTable:
    """The table under concurrent writes.

    Attributes
    ----------
    pair
        The two models.
    key
        Field of the primary key.
    text, number, status
        The columns.
    statuses
        The values of the status column, in the order of its choices.
    columns
        Every column with its type.
    silent
        Columns that may change with any write: the number, text and status themselves, and what Django stamps.
    names
        The table's own name of each column. While an evolution is under way, both systems see a view of it.
    """

    pair: ModelPair
    key: Field
    text: str
    number: str
    status: str
    statuses: tuple[str, ...]
    columns: dict[str, str]
    silent: frozenset[str]
    names: Mapping[str, str]

    def model(self, side: Side) -> str:
        """Return the import path of a side's model."""
        return side.of(self.pair)

    def own(self, column: str) -> str:
        """Return the table's own name of a column."""
        return self.names.get(column, column)

    def keys(self, seed: int, count: int, start: int = 0) -> list[str]:
        """Return unused primary keys, as text.

        Parameters
        ----------
        seed
            The same seed gives the same keys.
        count, start
            How many keys, and the number of the first one.
        """
        return [self._key(seed, number) for number in range(start, start + count)]

    def _key(self, seed: int, number: int) -> str:
        unique = uuid.uuid5(NAMESPACE, f"{seed}/{number}")
        if self.key.kind == "UUIDField":
            return str(unique)
        if self.key.kind == "CharField":
            return str(unique)[: self.key.max_length]
        return str(FIRST_NUMBER + number)


class NoTableFitsError(ConfigurationError):
    """No table fits, and handover.toml does not name one."""

    code = "HO337"


def candidates(config: Config, descriptions: dict[Side, Description], why: list[str]) -> Iterator[ContendedTable]:
    """Yield the tables that both systems can write to at once.

    Parameters
    ----------
    config
        Names the mapped tables, and perhaps the one to take.
    descriptions
        What each system says of its models.
    why
        Receives a line for each table that does not fit: what it lacks.

    Raises
    ------
    ConfigurationError
        ``handover.toml`` names a table that is not mapped.
    """
    wanted = config.prove.concurrent
    pairs = [pair for pair in config.models if wanted.table in (None, pair.table)]
    if not pairs:
        known = ", ".join(pair.table for pair in config.models)
        raise ConfigurationError(
            f"[prove.concurrent] table is {wanted.table!r}, which is no table of [[models]]. Name one of: {known}",
            code="HO337",
        )
    for pair in pairs:
        models = [_model(descriptions[side], pair.table) for side in Side]
        contended = _contended_table(pair, models, wanted, why)
        if contended:
            yield contended


def none_fits(config: Config, why: list[str]) -> ConfigurationError:
    """Return the error that no table fits; it is a plain configuration error when handover.toml names the columns."""
    wanted = config.prove.concurrent
    text = "\n".join([REFUSAL, *(f"  {line}" for line in why)])
    if any((wanted.table, wanted.text, wanted.number, wanted.status)):
        return ConfigurationError(text, code="HO337")
    return NoTableFitsError(text)


REFUSAL = (
    "no model fits a proof of concurrent writes: it takes a text column of 24 characters or more, a whole number and a "
    "column of choices or a second text, none of them unique, in a table with a key of its own. Name the columns "
    "of one in [prove.concurrent]: table, text, number, status."
)


def _model(description: Description, table: str) -> Model | None:
    return next((m for m in description.concrete() if m.table == table), None)


def _contended_table(
    pair: ModelPair, models: list[Model | None], wanted: Writing, why: list[str]
) -> ContendedTable | None:
    known = [model for model in models if model is not None]
    if len(known) < len(models):
        why.append(f"{pair.table}: one of the systems has no model of it")
        return None
    keys = [f for f in known[0].fields if f.primary_key]
    if any(m.parents or not m.managed for m in known) or len(keys) != 1 or keys[0].kind not in KEYS:
        why.append(f"{pair.table}: its rows are spread over several tables, or its key cannot be chosen freely")
        return None
    found = {
        "text": _first(known, wanted.text, _is_text),
        "number": _first(known, wanted.number, _is_number),
    }
    found["status"] = _first(known, wanted.status, _is_status) or _free_status(known, wanted.status, found["text"])
    missing = [name for name, field in found.items() if field is None]
    if missing:
        named = [f"{name} ({getattr(wanted, name) or 'none found'})" for name in missing]
        why.append(f"{pair.table}: no column for {', '.join(named)}")
        return None
    text, number, status = (field for field in found.values() if field is not None)
    written = {text.column, number.column, status.column}
    stamped = {f.column for m in known for f in m.fields if f.auto_now or f.generated}
    columns = {f.column: f.type for m in known for f in m.fields}
    return ContendedTable(
        pair, keys[0], text.column, number.column, status.column, status.values() or FREE_STATUSES, columns,
        frozenset(written | stamped), {},
    )  # fmt: skip


def _first(models: list[Model], wanted: str | None, fits: Callable[[Field], bool]) -> Field | None:
    others = [model.by_column() for model in models[1:]]
    taken = {column for model in models for column in together(model)}
    for field in sorted(models[0].fields, key=lambda f: f.kind != "TextField"):
        if field.column in taken:
            continue
        everywhere = [field, *(columns[field.column] for columns in others if field.column in columns)]
        if wanted in {None, field.column} and len(everywhere) == len(models) and all(map(fits, everywhere)):
            return field
    return None


def _free_status(models: list[Model], wanted: str | None, text: Field | None) -> Field | None:
    """Return a second text column that may hold anything; the first one takes the ids."""
    longest = max(map(len, FREE_STATUSES))

    def fits(field: Field) -> bool:
        room = field.max_length is None or field.max_length >= longest
        own = text is None or field.column != text.column
        return own and room and field.kind in TEXTS and not field.choices and not _is_special(field)

    return _first(models, wanted, fits)


def _is_special(field: Field) -> bool:
    return field.primary_key or field.unique or field.references is not None or field.generated


def _is_text(field: Field) -> bool:
    fits = field.max_length is None or field.max_length >= ID_LENGTH
    return field.kind in TEXTS and not field.choices and fits and not _is_special(field)


def _is_number(field: Field) -> bool:
    return field.kind in NUMBERS and not field.choices and not _is_special(field)


def _is_status(field: Field) -> bool:
    return field.kind in {"CharField", *NUMBERS} and len(field.values()) > 1 and not _is_special(field)
