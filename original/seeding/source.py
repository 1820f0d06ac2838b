"""The source of chance of all seeded rows."""

import random
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import DateTimeField, Model

BATCH = 500

# The fields that make a row untidy: values, or functions of the row.
Kind = Mapping[str, Any]


@dataclass
class Source:
    """One random stream and one clock: the same seed and the same time give the same rows."""

    chance: random.Random
    now: datetime
    untidy: bool
    written: Counter[str] = field(default_factory=Counter)
    odd: Counter[str] = field(default_factory=Counter)

    def uuid(self) -> uuid.UUID:
        """Draw a random UUID."""
        return uuid.UUID(int=self.chance.getrandbits(128), version=4)

    def moment(self, since: datetime, until: datetime) -> datetime:
        """Draw a moment between two others."""
        return since + (until - since) * self.chance.random()

    def ago(self, shortest: timedelta, longest: timedelta) -> datetime:
        """Draw a moment of the past."""
        return self.moment(self.now - longest, self.now - shortest)

    def kinds(self, kinds: Mapping[str, Kind], rows: int, *, share: float) -> Iterator[str | None]:
        """Yield the untidy kind of each row, or None: each kind once, then a share of the other rows."""
        names = list(kinds) if self.untidy else []
        for number in range(rows):
            kind = names[number] if number < len(names) else None
            if names and kind is None and self.chance.random() < share:
                kind = self.chance.choice(names)
            if kind:
                self.odd[kind] += 1
            yield kind

    def write(self, rows: Sequence[Model]) -> None:
        """Insert rows of one model, with the timestamps they carry."""
        if rows:
            model = type(rows[0])
            with _timestamps_as_given(model):
                model._default_manager.bulk_create(rows, batch_size=BATCH)  # noqa: SLF001 - Django documents it
            self.written[model._meta.db_table] += len(rows)  # noqa: SLF001 - Django documents _meta


def change(row: Model, fields: Kind) -> None:
    """Give a row other values."""
    for name, value in fields.items():
        setattr(row, name, value(row) if callable(value) else value)


@contextmanager
def _timestamps_as_given(model: type[Model]) -> Iterator[None]:
    # Django overwrites these fields with the current time; seeded rows keep their own.
    fields = [found for found in model._meta.concrete_fields if isinstance(found, DateTimeField)]  # noqa: SLF001
    before = [(found.auto_now, found.auto_now_add) for found in fields]
    for found in fields:
        found.auto_now = found.auto_now_add = False
    try:
        yield
    finally:
        for found, (now, add) in zip(fields, before, strict=True):
            found.auto_now, found.auto_now_add = now, add
