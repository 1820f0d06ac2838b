"""What a drawn field may be, and for each option which texts mean the same."""

# ruff: noqa: E501 - equal texts are read best on one line

from dataclasses import dataclass, field

Same = tuple[str | None, ...]
"""Source texts of one option that mean the same, the plainest first; None: the option is left out."""
Option = tuple[Same, ...]
"""What an option may mean; the first meaning is the usual one."""

NO: Same = (None, "False", "bool(0)")
YES: Same = ("True", "bool(1)", "1 == 1")
FLAG: Option = (NO, YES)


@dataclass(frozen=True)
class Kind:
    """One class of field, and what its options may mean; ``traits`` say which indexes and constraints fit."""

    name: str
    options: dict[str, Option] = field(default_factory=dict)
    traits: frozenset[str] = frozenset()
    first: str = ""

    @property
    def short(self) -> str:
        """A name for fields of this class."""
        return self.name.rpartition(".")[2].removesuffix("Field").lower()


def lengths(*numbers: int) -> Option:
    """Return lengths, each also as a product."""
    return tuple((str(n), f"{n // 2} * 2" if n % 2 == 0 else f"{n - 1} + 1") for n in numbers)


def one(*texts: str) -> Option:
    """Return meanings that can be written in one way only, after none at all."""
    return ((None,), *((text,) for text in texts))


TEXTS: Option = (
    (None,),
    ("'new'", "'ne' + 'w'", "'NEW'.lower()", "Word.NEW"),
    ("'old'", "'ol' 'd'"),
    ("greeting",),
)
LETTERS: Option = (
    (None, "[]", "()"),
    (
        "[('a', 'A'), ('b', 'B')]",
        "(('a', 'A'), ('b', 'B'))",
        "[['b', 'Be'], ['a', _('Ah')]]",
        "[('all', [('a', 'A'), ('b', 'B')])]",
        "Letter.choices",
        "Letter",
        "{'a': 'A', 'b': 'B'}",
        "letters",
    ),
    ("[('a', 'A'), ('b', 'B'), ('c', 'C')]", "(('c', _('Ce')), ('b', 'B'), ('a', 'A'))"),
)
NUMBERS: Option = (
    (None, "[]"),
    (
        "[(1, 'one'), (2, 'two')]",
        "((2, 'two'), (1, 'one'))",
        "Number.choices",
        "Number",
        "{1: 'uno', 2: 'dos'}",
        "[('some', [(1, _('one'))]), (2, 'two')]",
    ),
    ("[(1, 'one')]", "((1, _('just one')),)"),
)
TEXT_VALIDATORS: Option = (
    (None, "[]", "()"),
    (
        "[RegexValidator('^[a-z]+$')]",
        "(RegexValidator(regex='^[a-z]+$'),)",
        "[RegexValidator(re.compile('^[a-z]+$'))]",
        "[RegexValidator('^[a-z]+$', message=_('only letters'), code='letters')]",
    ),
    ("[RegexValidator('^[a-z]+$', flags=re.IGNORECASE)]", "[RegexValidator(re.compile('^[a-z]+$', re.I))]"),
    ("[MinLengthValidator(2), MaxLengthValidator(9)]", "[MaxLengthValidator(limit_value=9), MinLengthValidator(int('2'))]"),
    ("[is_plain]", "(is_plain,)"),
    ("[Without('x')]", "[Without(letters='x')]", "[Without(''.join(['x']))]"),
    ("[Without('y')]",),
    ("[ends_with('z')]",),
    ("[validate_slug, ProhibitNullCharactersValidator()]", "[ProhibitNullCharactersValidator(), validate_slug]"),
    ("[validate_email]", "[EmailValidator()]", "[EmailValidator(message=_('an address, please'))]"),
    ("[URLValidator(schemes=['https'])]", "[URLValidator(schemes=['ht' 'tps'])]"),
    ("[int_list_validator()]", "[int_list_validator(sep=',')]"),
)  # fmt: skip
NUMBER_VALIDATORS: Option = (
    (None, "[]"),
    ("[MinValueValidator(3)]", "[MinValueValidator(limit_value=3)]", "(MinValueValidator(1 + 2, message='more'),)"),
    ("[MinValueValidator(3), MaxValueValidator(90)]", "[MaxValueValidator(90), MinValueValidator(3)]"),
    ("[MinValueValidator(lowest)]", "[MinValueValidator(limit_value=lowest)]"),
    ("[StepValueValidator(2)]", "[StepValueValidator(limit_value=2)]"),
)
FILE_VALIDATORS: Option = (
    (None, "[]"),
    ("[FileExtensionValidator(['pdf', 'txt'])]", "[FileExtensionValidator(allowed_extensions=['pdf', 'txt'])]"),
    ("[FileExtensionValidator(['pdf'])]", "[FileExtensionValidator(allowed_extensions=['p' 'df'])]"),
)
COLLATIONS: Option = ((None,), ("'C'", '"C"'), ("'POSIX'",))
UPLOADS: Option = (
    ("'files/'", "'fi' 'les/'", "Path('files')"),
    ("'files/%Y/%m/'", "'files/' + '%Y/%m/'"),
    ("folder_of",),
)
STORAGES: Option = ((None, "default_storage"), ("FileSystemStorage(location='/srv/other')", "other_storage"))

TEXT = {
    "default": TEXTS,
    "choices": LETTERS,
    "validators": TEXT_VALIDATORS,
    "db_collation": COLLATIONS,
    "db_default": (
        (None,),
        ("'x'", "models.Value('x')", "Value('x')", "Lower(Value('X'))"),
        ("'y'", "Value('y')"),
        ("Lower(Value('Z'))", "Lower(models.Value('Z'))"),
    ),
}
NUMBER = {
    "default": ((None,), ("1", "Number.ONE", "2 - 1"), ("7", "int('7')"), ("lowest",)),
    "choices": NUMBERS,
    "validators": NUMBER_VALIDATORS,
    "db_default": ((None,), ("3", "models.Value(3)", "Value(1 + 2)", "Abs(Value(-3))"), ("4",), ("Abs(Value(-5))", "Abs(models.Value(-5))")),
}  # fmt: skip
RANGE = frozenset({"range", "btree"})
TEXTUAL = frozenset({"text", "btree", "plain"})
NUMERIC = frozenset({"number", "btree", "plain"})
PLAIN = frozenset({"btree", "plain"})
AUTO: Option = ((None, "False"), ("True",))
PERIODS: Option = (
    (None,),
    ("datetime.timedelta(days=1)", "datetime.timedelta(hours=24)", "datetime.timedelta(0, 24 * 60 * 60)"),
    ("datetime.timedelta(days=2)",),
    ("period",),
)
FORMS: Option = ((None,), ("CleanJson",))
IP: Option = ((None, "'both'"), ("'IPv4'",))

KINDS = (
    Kind("CharField", {"max_length": lengths(40, 41, 80, 200), **TEXT}, TEXTUAL),
    Kind("TextField", {"max_length": ((None,), ("500", "5 * 100")), **TEXT}, TEXTUAL),
    Kind("SlugField", {"max_length": ((None, "50"), *lengths(60)), "allow_unicode": AUTO, **TEXT}, TEXTUAL),
    Kind("EmailField", {"max_length": ((None, "254"), *lengths(100)), **TEXT}, TEXTUAL),
    Kind("URLField", {"max_length": ((None, "200"), *lengths(300)), **TEXT}, TEXTUAL),
    Kind("CharField", {"max_length": (("255",),), "default": TEXTS, "db_index": (YES, NO)}, TEXTUAL),
    Kind("IntegerField", NUMBER, NUMERIC),
    Kind("SmallIntegerField", NUMBER, NUMERIC),
    Kind("BigIntegerField", NUMBER, NUMERIC),
    Kind("PositiveIntegerField", NUMBER, NUMERIC),
    Kind("PositiveSmallIntegerField", NUMBER, NUMERIC),
    Kind("PositiveBigIntegerField", NUMBER, NUMERIC),
    Kind("BooleanField", {"default": ((None,), ("False", "bool()", "not True"), ("True", "not False"))}, frozenset({"btree"})),
    Kind("FloatField", {"default": ((None,), ("0.0", "0", "float()"), ("1.5", "3 / 2")), "validators": NUMBER_VALIDATORS}, PLAIN),
    Kind("DecimalField", {
        "max_digits": lengths(10, 12),
        "decimal_places": (("2", "1 + 1"), ("3",)),
        "default": ((None,), ("Decimal('1.50')", "Decimal('1.5')", "1.5", "Decimal(3) / 2"), ("0", "Decimal(0)", "Decimal('0.00')")),
        "validators": NUMBER_VALIDATORS,
    }, PLAIN),
    Kind("DateField", {
        "auto_now": AUTO,
        "default": ((None,), ("datetime.date(2020, 1, 1)", "datetime.date.fromisoformat('2020-01-01')"), ("datetime.date.today",)),
    }, PLAIN),
    Kind("DateTimeField", {
        "auto_now_add": AUTO,
        "default": ((None,), ("timezone.now", "now"), ("soon",)),
        "db_default": ((None,), ("Now()", "functions.Now()")),
    }, PLAIN),
    Kind("TimeField", {"auto_now": AUTO, "default": ((None,), ("datetime.time(8)", "datetime.time(8, 0, 0)"), ("datetime.time(9)",))}, PLAIN),
    Kind("DurationField", {"default": PERIODS}, PLAIN),
    Kind("UUIDField", {"default": ((None,), ("uuid.uuid4", "uuid4"), ("uuid.uuid1",), ("uuid.UUID(int=7)", "uuid.UUID('00000000000000000000000000000007')"))}, PLAIN),
    Kind("JSONField", {
        "default": ((None,), ("dict",), ("list",), ("make_dict",)),
        "encoder": ((None,), ("DjangoJSONEncoder", "serializers_json.DjangoJSONEncoder")),
    }, frozenset({"gin"})),
    Kind("BinaryField", {"max_length": ((None,), ("90", "9 * 10")), "default": ((None,), ("b'x'", "bytes([120])"), ("b'y'",)), "editable": FLAG}),
    Kind("GenericIPAddressField", {"protocol": IP, "default": ((None,), ("'127.0.0.1'", "'127.0' '.0.1'"))}, PLAIN),
    Kind("FileField", {"upload_to": UPLOADS, "max_length": ((None, "100"), *lengths(300)), "storage": STORAGES, "validators": FILE_VALIDATORS}, PLAIN),
    Kind("ImageField", {"upload_to": UPLOADS, "max_length": ((None, "100"), *lengths(300)), "storage": STORAGES}, PLAIN),
    Kind("FilePathField", {"path": (("'/srv'", "'/' + 'srv'"), ("'/var'",)), "recursive": FLAG, "max_length": ((None, "100"), *lengths(120))}, PLAIN),
    Kind("postgres.ArrayField", {
        "default": ((None,), ("list",), ("make_list",), ("partial(make_list, 3)", "partial(make_list, 1 + 2)")),
        "validators": ((None, "[]"), ("[ArrayMinLengthValidator(1)]", "[ArrayMinLengthValidator(limit_value=1)]"), ("[ArrayMinLengthValidator(2)]",)),
        "size": ((None,), ("4", "2 + 2")),
    }, frozenset({"gin"}), "models.CharField(max_length=20)"),
    Kind("postgres.ArrayField", {"default": ((None,), ("list",))}, frozenset({"gin"}), "models.IntegerField(choices=[(1, 'one'), (2, 'two')])"),
    Kind("postgres.ArrayField", {"default": ((None,), ("list",))}, frozenset(), "postgres.ArrayField(models.DecimalField(max_digits=6, decimal_places=2))"),
    Kind("postgres.HStoreField", {"default": ((None,), ("dict",)), "validators": ((None,), ("[KeysValidator(['a'])]", "[KeysValidator(keys=['a'], strict=False)]"), ("[KeysValidator(['a'], strict=True)]",))}, frozenset({"gin"})),
    Kind("postgres.IntegerRangeField", {"validators": ((None,), ("[RangeMinValueValidator(1)]", "[RangeMinValueValidator(limit_value=1)]"), ("[RangeMaxValueValidator(9)]",)), "default": ((None,), ("(1, 9)", "NumericRange(1, 9)"), ("NumericRange(1, 9, '[]')",))}, RANGE),
    Kind("postgres.BigIntegerRangeField", {"default_bounds": ((None,),)}, RANGE),
    Kind("postgres.DecimalRangeField", {"default_bounds": ((None, "'[)'", "CANONICAL_RANGE_BOUNDS"), ("'[]'",))}, RANGE),
    Kind("postgres.DateRangeField", {}, RANGE),
    Kind("postgres.DateTimeRangeField", {"default_bounds": ((None, "'[)'", "CANONICAL_RANGE_BOUNDS"), ("'()'",))}, RANGE),
    Kind("search.SearchVectorField", {}, frozenset({"gin"})),
)  # fmt: skip

PREAMBLE = """
import re
from decimal import Decimal
from functools import partial
from pathlib import Path
from uuid import uuid4

from django.contrib.auth import get_user_model
from django.contrib.postgres import fields as postgres
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeBoundary, RangeOperators
from django.contrib.postgres.fields.ranges import CANONICAL_RANGE_BOUNDS
from django.contrib.postgres.indexes import (
    BloomIndex, BrinIndex, BTreeIndex, GinIndex, GistIndex, HashIndex, OpClass, SpGistIndex,
)
from django.contrib.postgres import search
from django.contrib.postgres.validators import (
    ArrayMaxLengthValidator, ArrayMinLengthValidator, KeysValidator, RangeMaxValueValidator, RangeMinValueValidator,
)
from django.core.exceptions import ValidationError
from django.core.files.storage import FileSystemStorage, default_storage
from django.core.serializers import json as serializers_json
from django.core.serializers.json import DjangoJSONEncoder
from django.core.validators import (
    EmailValidator, FileExtensionValidator, MaxLengthValidator, MinLengthValidator, ProhibitNullCharactersValidator,
    StepValueValidator, URLValidator, int_list_validator, validate_email, validate_slug,
)
from django.db.backends.postgresql.psycopg_any import NumericRange
from django.db.models import CASCADE, F, Q, Value, functions
from django.db.models.functions import Abs, Length, Lower, Now, Upper
from django.utils.deconstruct import deconstructible
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _


LENGTH = 80


class Word(models.TextChoices):
    NEW = "new"
    OLD = "old"


class Letter(models.TextChoices):
    A = "a", _("the first")
    B = "b", _("the second")


class Number(models.IntegerChoices):
    ONE = 1
    TWO = 2


def letters():
    return [("b", "B"), ("a", "A")]


def greeting():
    return "hello"


def lowest():
    return 3


def soon():
    return timezone.now() + datetime.timedelta(days=1)


def period():
    return datetime.timedelta(days=30)


def make_dict():
    return {"a": 1}


def make_list(length=2):
    return ["a"] * length


def folder_of(instance, name):
    return f"of/{instance.pk}/{name}"


def other_storage():
    return FileSystemStorage(location="/srv/other")


def is_plain(value):
    if not str(value).isalnum():
        raise ValidationError("letters and digits only")


@deconstructible
class Without:
    def __init__(self, letters):
        self.letters = letters

    def __call__(self, value):
        if set(str(value)) & set(self.letters):
            raise ValidationError("a letter that must not be there")


class Ending:
    def __init__(self, last):
        self.last = last

    def __call__(self, value):
        if not str(value).endswith(self.last):
            raise ValidationError("ends otherwise")

    def deconstruct(self):
        return f"{type(self).__module__}.Ending", [self.last], {}


def ends_with(last):
    return Ending(last)


class LiveSet(models.QuerySet):
    def recent(self):
        return self.order_by("-pk")[:10]


class Live(models.Manager):
    def get_queryset(self):
        return super().get_queryset().filter(pk__isnull=False)


class Stamped(models.Model):
    stamped_at = models.DateTimeField(default=timezone.now, db_index=True)
    note = models.CharField(max_length=30, blank=True, default="")

    class Meta:
        abstract = True
"""
