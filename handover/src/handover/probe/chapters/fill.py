"""Values for the fields of a new row of any model; the rows that it points at are found or made."""

import datetime
import decimal
import random
import uuid
from typing import Any, Dict

# ruff: noqa: S311 - numbers that keep rows apart, and hide nothing


def row_values(model: Any, given: Any, made: Any, single: Any = (), number: Any = None) -> Dict[str, Any]:
    """Attribute → value, for each column of a new row that has no default.

    ``given`` is by column. Rows that are made to be pointed at are added to ``made``, as (model, row). In ``single``
    are fields whose value no other row may have.
    """
    values = {}
    for field in model._meta.concrete_fields:
        if getattr(field, "generated", False) or getattr(field.remote_field, "parent_link", False):
            continue
        if field.column in given:
            values[field.attname] = field.to_python(given[field.column])
        elif field.remote_field:
            values[field.attname] = None if field.null else related_value(field, made, alone=field in single)
        elif field.primary_key and (field.get_internal_type().endswith("AutoField") or field.has_default()):
            continue
        elif not field.has_default() and not (field.null and field.unique):
            # A nullable column gets a value, too: otherwise its loss would not show.
            values[field.attname] = filler(field, number)
    return values


def related_value(field: Any, made: Any, alone: bool = False) -> Any:
    """Return a value for a foreign key: of an existing row, or of a row that is made for it alone."""
    target = field.target_field
    row = None if field.unique or alone else field.related_model._base_manager.order_by(target.name).first()
    if row is None:
        row = field.related_model._base_manager.create(**row_values(field.related_model, {}, made))
        made.append((field.related_model, row))
    return getattr(row, target.attname)


def filler(field: Any, number: Any = None) -> Any:
    """Return a value that suits a field."""
    if field.choices:
        return next(value for value, _ in field.flatchoices if value is not None)
    from django.db import models

    plain = {
        models.BooleanField: False,
        models.DateTimeField: datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc),
        models.DateField: datetime.date(2020, 1, 1),
        models.TimeField: datetime.time(12),
        models.DurationField: datetime.timedelta(1),
        models.DecimalField: decimal.Decimal(0),
        models.GenericIPAddressField: "127.0.0.1",
        models.JSONField: {"kept": True},
        models.BinaryField: b"x",
        models.UUIDField: uuid.uuid4(),
    }
    if field.unique:
        return unique_value(field, random.randrange(10**9) if number is None else number)
    for kind, value in plain.items():
        if isinstance(field, kind):
            return value
    if isinstance(field, (models.IntegerField, models.FloatField)):
        return 0
    if hasattr(field, "base_field"):
        return (None, None) if "Range" in type(field).__name__ else []
    return "x"


def unique_value(field: Any, number: int) -> Any:  # noqa: PLR0911 - one a kind
    """Return a value that no other row has; for kinds that cannot be counted, the plainest value."""
    from django.db import models

    if isinstance(field, models.SmallIntegerField):
        return number % 2**15
    if isinstance(field, models.IntegerField):
        return number % 2**31
    if isinstance(field, models.UUIDField):
        return uuid.uuid4()
    if isinstance(field, models.DateTimeField):
        return datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(seconds=number % 10**8)
    if isinstance(field, models.DateField):
        return datetime.date(2020, 1, 1) + datetime.timedelta(days=number % 10**6)
    if isinstance(field, models.GenericIPAddressField):
        return "10.%d.%d.%d" % (number >> 16 & 255, number >> 8 & 255, number & 255)
    if isinstance(field, models.DecimalField):
        return decimal.Decimal(number % 10 ** (field.max_digits - field.decimal_places))
    if isinstance(field, models.EmailField):
        return "x%d@example.org" % number
    if isinstance(field, (models.CharField, models.TextField, models.FileField)):
        return ("x%d" % number)[-(field.max_length or 99) :]
    return number


ANSWERS: Dict[str, Any] = {}
SHARES = ("row_values", "related_value", "filler", "unique_value")
