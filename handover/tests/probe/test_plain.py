"""Every fact of a system is plain: equal byte for byte in each run, and equal for the same project elsewhere."""

# ruff: noqa: E501 - what a project holds is read best with one thing on a line

import importlib.util
import json
import re
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from handover.config.config import System
from handover.probe.client import probe
from handover.schema.models import Description

SETTINGS = """
SECRET_KEY = "x"
USE_TZ = True
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.postgres", "{app}"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {{"default": {{"ENGINE": "django.db.backends.postgresql", "NAME": "none"}}}}
MEDIA_ROOT = "/srv/media"
DATABASE_ROUTERS = []
"""
HEAD = """
import datetime, decimal, enum, functools, operator, pathlib, re, uuid, zoneinfo
from django.contrib.postgres import fields as postgres
from django.contrib.postgres import indexes, constraints, search, validators as pg_validators
from django.contrib.postgres.indexes import OpClass
from django.core import validators
from django.core.files.storage import FileSystemStorage
from django.db import models
from django.db.models import F, Q, Value, functions
from django.db.models.functions import Lower, Now, Upper
from django.utils import timezone
from django.utils.deconstruct import deconstructible
from django.utils.functional import lazy
from django.utils.translation import gettext_lazy as _, ngettext_lazy, pgettext_lazy

LIMIT = 5

class Level(models.TextChoices):
    LOW = "low", _("Low")
    HIGH = "high", _("High")

class Colour(enum.Enum):
    RED = "r"
    BLUE = "b"

def limit():
    return LIMIT

MADRID, UTC = zoneinfo.ZoneInfo("Europe/Madrid"), zoneinfo.ZoneInfo("UTC")

class ZoneField(models.CharField):
    def get_prep_value(self, value):
        return str(value)

def make(most):
    def check(value):
        if value > most:
            raise ValueError
    return check

@deconstructible
class Deconstructible:
    def __init__(self, function, allowed=()):
        self.function, self.allowed = function, frozenset(allowed)
    def __call__(self, value=None):
        return None

class Plain:
    def __init__(self, words):
        self.words, self.lock = set(words), object()
        self.itself = self
    def __call__(self, value=None):
        return "x"
    def method(self, value=None):
        return "y"
    @classmethod
    def of_class(cls):
        return "z"
    @staticmethod
    def static():
        return "s"

def path(instance, name):
    return name

def storage():
    return FileSystemStorage(location="/srv/files")

def from_rows():
    return [(str(pk), str(pk)) for pk in Everything.objects.values_list("pk")]
"""
VALIDATORS = (
    "RegexValidator('^a', _('Wrong'), 'wrong', True, re.I)",
    "RegexValidator(re.compile('^b', re.X))",
    "RegexValidator(_('^c'))",
    "EmailValidator(_('No'), allowlist={'a.test', 'b.test', 'c.test', 'd.test'})",
    "URLValidator(schemes={'ftp', 'http', 'gopher', 'sftp'})",
    "MinValueValidator(limit)",
    "MaxValueValidator(lambda: 7)",
    "MaxValueValidator(decimal.Decimal('1.50'))",
    "MinValueValidator(datetime.date(2020, 1, 1), _('Too early'))",
    "StepValueValidator(3, offset=1)",
    "MinLengthValidator(2)",
    "MaxLengthValidator(functools.partial(operator.add, 1, 2))",
    "DecimalValidator(5, 2)",
    "FileExtensionValidator(allowed_extensions={'mp3', 'ogg', 'wav', 'flac'})",
    "ProhibitNullCharactersValidator()",
    "int_list_validator(sep=';', message=_('No list'))",
    "validate_slug", "validate_unicode_slug", "validate_email", "validate_integer",
    "validate_ipv4_address", "validate_ipv6_address", "validate_ipv46_address",
    "validate_comma_separated_integer_list", "validate_image_file_extension",
)  # fmt: skip
OWN_VALIDATORS = (
    "make(3)", "Deconstructible(limit, {'a', 'b', 'c', 'd'})", "Plain(['p', 'q', 'r', 's'])",
    "Plain(['one']).method", "Plain.of_class", "Plain.static", "functools.partial(path, 'x')",
    "lambda value: None", "pg_validators.ArrayMinLengthValidator(1)", "pg_validators.ArrayMaxLengthValidator(limit)",
    "pg_validators.KeysValidator(keys={'k', 'l', 'm', 'n'}, strict=True)",
    "pg_validators.RangeMinValueValidator(3)", "pg_validators.RangeMaxValueValidator(9)",
)  # fmt: skip
DEFAULTS = {
    "CharField": ("'x'", "_('New')", "Level.LOW", "Colour.RED", "limit", "lambda: 'x'", "Plain('ab')",
                  "Plain('ab').method", "Plain.of_class", "Plain.static", "functools.partial(limit)",
                  "functools.partial(make, 3)", "Deconstructible(limit)", "str", "make(4)"),
    "JSONField": ("dict", "list", "{'b': {1, 2, 3}, 'a': _('text'), 3: Colour.BLUE}", "['a', ('b',), None, 1.5]"),
    "DateTimeField": ("timezone.now", "datetime.datetime.now", "timezone.now()", "datetime.datetime(2020, 1, 1)"),
    "DecimalField": ("decimal.Decimal('0.10')", "0", "'1.5'"),
    "DurationField": ("datetime.timedelta(days=3)",),
    "UUIDField": ("uuid.uuid4", "uuid.UUID(int=3)"),
    "BinaryField": ("b'abc'", "bytes"),
    "FloatField": ("float('nan')", "1"),
    "BooleanField": ("True", "bool"),
    "GenericIPAddressField": ("'::1'",),
}  # fmt: skip
OPTIONS = {
    "CharField": (
        "blank=3", "null=1", "max_length='20'", "unique=1", "db_index=2", "primary_key=0", "db_collation='C'",
        "choices=Level", "choices=Level.choices", "choices=lambda: [('a', _('A'))]", "choices=from_rows",
        "choices={'a': _('A'), 'G': {'b': 'B'}}", "choices=[(Colour.RED, Colour.RED), ('', Plain('x'))]",
        "verbose_name=_('Word')", "help_text=_('Write it down')", "db_comment=_('A word')",
        "error_messages={'null': _('Never')}", "db_default='x'", "db_default=Lower(Value('X'))",
    ),
    "FileField": (
        "upload_to='a'", "upload_to=_('b')", "upload_to=pathlib.Path('c')", "upload_to=path", "upload_to=lambda i, n: n",
        "upload_to=functools.partial(path)", "upload_to=Deconstructible(limit)", "upload_to=Plain('x').method",
        "storage=storage", "storage=FileSystemStorage(location=pathlib.Path('/srv'))", "null=True",
    ),
    "IntegerField": ("db_default=3", "db_default=F('pk') + 1", "db_default=Value(3)", "choices=[(1, _('One')), (None, '?')]"),
    "DateTimeField": ("db_default=Now()", "auto_now=1", "auto_now_add='yes'"),
    "ForeignKey": (
        "limit_choices_to={'is_staff': True}", "limit_choices_to=Q(is_staff=True)", "limit_choices_to=limit",
        "on_delete=models.SET(limit)", "on_delete=models.SET(3)", "related_name='+'", "db_constraint=0", "unique=1",
    ),
    "JSONField": ("encoder=__import__('django.core.serializers.json').core.serializers.json.DjangoJSONEncoder",),
}  # fmt: skip
CONSTRAINTS = """
    models.CheckConstraint(condition=Q(word__in={"a", "b", "c", "d", "e"}), name="c_in", violation_error_message=_("No")),
    models.CheckConstraint(condition=Q(number__gt=F("other")) | ~Q(word=_("lazy")), name="c_or"),
    models.UniqueConstraint(fields=["word"], name="u_plain"),
    models.UniqueConstraint(fields=["word", "number"], include=["other"], name="u_include"),
    models.UniqueConstraint(fields=["number"], deferrable=models.Deferrable.DEFERRED, name="u_deferred"),
    models.UniqueConstraint(fields=["other"], nulls_distinct=False, name="u_nulls"),
    models.UniqueConstraint(fields=["word"], condition=Q(number__in=frozenset([3, 1, 2])), name="u_some"),
    models.UniqueConstraint(fields=["word"], opclasses=["varchar_pattern_ops"], name="u_class"),
    models.UniqueConstraint(Lower("word").desc(), "number", name="u_expression"),
    constraints.ExclusionConstraint(name="x", expressions=[("span", "&&"), ("number", "=")], condition=Q(number__gt=0)),
    constraints.ExclusionConstraint(name="x_class", expressions=[(OpClass("span", "range_ops"), "&&")], include=["word"]),
"""
INDEXES = """
    models.Index(fields=["word", "-number"], name="i_plain"),
    models.Index(fields=["word"], include=["other"], name="i_include"),
    models.Index(fields=["word"], condition=Q(number__in={1, 2, 3}), name="i_some"),
    models.Index(Lower("word"), F("number").desc(nulls_last=True), name="i_expression"),
    models.Index(fields=["word"], opclasses=["varchar_pattern_ops"], name="i_class"),
    models.Index(fields=["word"], db_tablespace="pg_default", name="i_space"),
    indexes.GinIndex(fields=["tags"], fastupdate=False, name="i_gin"),
    indexes.GinIndex(OpClass(Upper("word"), name="gin_trgm_ops"), name="i_trigram"),
    indexes.GistIndex(fields=["span"], buffering=True, fillfactor=70, name="i_gist"),
    indexes.SpGistIndex(fields=["span"], name="i_spgist"),
    indexes.BrinIndex(fields=["number"], pages_per_range=4, autosummarize=True, name="i_brin"),
    indexes.HashIndex(fields=["word"], name="i_hash"),
    indexes.BTreeIndex(fields=["number"], fillfactor=50, name="i_btree"),
    indexes.BloomIndex(fields=["number", "other"], length=80, columns=[2, 2], name="i_bloom"),
"""
GENERATED = (
    "Upper('word')", "F('number') * 2 + Value(1)", "functions.Coalesce('word', Value('x'))", "models.Case(models.When("
    "number__in={1, 2, 3}, then=Value('few')), default=Value('many'))", "functions.Concat('word', Value('-'), 'word')",
    "functions.Cast('number', models.CharField())", "functions.Extract('at', 'year')", "models.Func(F('word'), function='md5')",
    "search.SearchVector('word', config='simple')", "models.ExpressionWrapper(Q(number__gt=3), models.BooleanField())",
)  # fmt: skip


def everything() -> str:
    """Return the models: every validator, default, option, constraint, index and expression of Django."""
    lines, names = [HEAD, "class Everything(models.Model):"], iter(range(1000))
    every = ", ".join([*(f"validators.{v}" for v in VALIDATORS), *OWN_VALIDATORS])
    lines.append(f"    validated = models.TextField(validators=[{every}])")
    lines += [
        f"    d{next(names)} = models.{kind}({_more(kind)}default={d})" for kind, ds in DEFAULTS.items() for d in ds
    ]
    lines += [f"    o{next(names)} = models.{kind}({_more(kind, o)}{o})" for kind, os_ in OPTIONS.items() for o in os_]
    lines += [
        f"    g{next(names)} = models.GeneratedField(expression={e}, output_field=models.TextField(), db_persist=True)"
        for e in GENERATED
    ]
    lines.append(f"""
    word = models.CharField(max_length=20)
    number = models.IntegerField()
    other = models.IntegerField(null=True)
    at = models.DateTimeField()
    span = postgres.DateTimeRangeField(default=None, null=True)
    numbers = postgres.IntegerRangeField(default=lambda: None)
    tags = postgres.ArrayField(postgres.ArrayField(models.CharField(max_length=10), size=2), size=3, default=list)
    store = postgres.HStoreField(default=dict)
    kept = postgres.HStoreField(db_default={{"ü": None, "b": "it's"}})
    found = search.SearchVectorField(null=True)
    slug = models.SlugField(allow_unicode=True)
    zone = ZoneField(max_length=40, choices=[(MADRID, "Madrid"), (UTC, "UTC"), ("", "none")], default=UTC)
    email = models.EmailField()
    url = models.URLField()
    picture = models.FilePathField(path=storage)
    many = models.ManyToManyField("self", symmetrical=False, related_name="+")

    class Meta:
        verbose_name = _("everything")
        permissions = [("see", _("Can see")), (Level.LOW, pgettext_lazy("deep", "Can go low"))]
        default_permissions = ("add", "view")
        ordering = ["word", "-number", F("other").desc(nulls_last=True), Lower("word"), models.OrderBy(F("at")), "?"]
        constraints = [{CONSTRAINTS}]
        indexes = [{INDEXES}]
        db_table_comment = _("All of it")

class Keyed(models.Model):
    pk = models.CompositePrimaryKey("a", "b")
    a = models.IntegerField()
    b = models.CharField(max_length=3)

class Kept(models.Manager):
    def get_queryset(self):
        return super().get_queryset().filter(word__in={{"a", "b", "c", "d", "e"}}, number__in=[3, 1])

class Same(Everything):
    objects = Kept()
    class Meta:
        proxy = True
        default_manager_name = "objects"
""")
    return "\n".join(lines)


def _more(kind: str, option: str = "") -> str:
    """Return the options that a field of this kind must have."""
    needed = {"CharField": "max_length=20", "DecimalField": "max_digits=5, decimal_places=2"}
    if kind == "ForeignKey":
        names = {"related_name": "'+'", "on_delete": "models.CASCADE"}
        return "'auth.User', " + "".join(f"{n}={v}, " for n, v in names.items() if not option.startswith(n))
    more = needed.get(kind, "")
    return f"{more}, " if more and not option.startswith("max_length") else ""


def described(folder: Path, app: str, seed: str) -> dict[str, Any]:
    """Return the description of a system with all kinds of things, in an interpreter that orders sets by a seed."""
    package = folder.joinpath(*app.split("."))
    package.mkdir(parents=True, exist_ok=True)
    for part in (package, *package.parents):
        if part == folder:
            break
        (part / "__init__.py").touch()
    (package / "apps.py").write_text(
        f"from django.apps import AppConfig\n\nclass Config(AppConfig):\n    name = {app!r}\n    label = 'every'\n"
    )
    (package / "models.py").write_text(everything())
    (folder / "plain_settings.py").write_text(SETTINGS.format(app=f"{app}.apps.Config"))
    command = ("env", f"PYTHONHASHSEED={seed}", sys.executable)
    with probe("it", System(path=folder, python=command, settings="plain_settings"), folder) as it:
        return it.ask("describe", key="k", names=["DATABASE_ROUTERS", "DATABASES"])


@pytest.fixture(scope="module")
def facts(tmp_path_factory) -> list[dict[str, Any]]:
    """Return the facts of one system in two runs, and of the same models in another package."""
    here, there = tmp_path_factory.mktemp("here"), tmp_path_factory.mktemp("there")
    return [described(here, "every", "1"), described(here, "every", "4711"), described(there, "apps.every", "99")]


def test_describe__two_runs__are_equal_byte_for_byte(facts):
    one, other = (json.dumps(f, sort_keys=False) for f in facts[:2])
    assert one == other


def test_describe__every_thing__shows_no_address_and_no_repr(facts):
    text = json.dumps(facts[0])
    assert not re.findall(r".{40}(?:0x[0-9a-f]{6,}| object at |<function|<class|__proxy__).{20}", text)


def test_describe__every_thing__fits_the_model(facts):
    (model,) = [m for m in Description.model_validate(facts[0]).models if m.label == "every.Everything"]
    assert len(model.constraints) == 11
    assert model.by_column()["kept"].database_sql == """'"b"=>"it''s", "ü"=>NULL'::hstore"""
    validated = model.by_column()["validated"].validators
    assert len(set(validated)) == len(VALIDATORS) + len(OWN_VALIDATORS)
    assert {c.name for c in (*model.constraints, *model.indexes) if c.special and not c.sql} == set()


def test_describe__choices_are_objects__are_what_the_field_stores(facts):
    (model,) = [m for m in Description.model_validate(facts[0]).models if m.label == "every.Everything"]
    zone = model.by_column()["zone"]
    assert zone.values() == ("Europe/Madrid", "UTC", "")
    assert "UTC" in zone.default.value


def test_describe__every_thing_in_another_package__differs_only_in_the_places(facts):
    one, other = (
        {m.label: m for m in Description.model_validate(f).models if m.app_label == "every"}
        for f in (facts[0], facts[2])
    )
    assert one.keys() == other.keys()
    for label, model in one.items():
        twin = other[label]
        for a, b in zip(model.fields, twin.fields, strict=True):
            assert a.default.same_as(b.default), a.name
            given = {"default": True, "upload_to": True, "converts": True, "relation": {"limit", "sets"}}
            assert a.model_dump(exclude=given) == b.model_dump(exclude=given), a.name
            if a.relation and b.relation:
                assert a.relation.limit.same_as(b.relation.limit), a.name
                assert a.relation.sets.same_as(b.relation.sets), a.name
        plain = {"fields", "path", "writes"}
        assert model.model_dump(exclude=plain) == twin.model_dump(exclude=plain)


TOLD = """
import datetime, functools, re
from django.core import validators
from django.db.models import F, Q, Value
from django.db.models.functions import Lower

MOST = {most}
HERE = __file__

class Word(str):
    pass

class Rule:
    def __init__(self, most):
        self.most = most
    def __call__(self, value):
        return value < self.most
    def method(self, value):
        return self.most

def make(most):
    def check(value):
        return value < most
    return check

def with_default(value, most=MOST):
    return value < most

def of_module(value):
    return value < MOST

def of_place(value):
    return HERE + value

THINGS = dict(
    closure=make(MOST), partial=functools.partial(make, MOST), instance=Rule(MOST), bound=Rule(MOST).method,
    default=with_default, number_of_the_module=of_module, limit=validators.MinValueValidator(MOST),
    callable_limit=validators.MaxValueValidator(make(MOST)), regex=validators.RegexValidator("a" * MOST),
    flags=validators.RegexValidator("a", flags=re.I if MOST > 3 else 0), moment=datetime.timedelta(MOST),
    condition=Q(code=MOST), expression=Lower(F("a" * MOST)), value=Value(MOST), deep=[{{"a": {{MOST}}}}],
    lambda_={function}, a_set={{*range(MOST)}},
)
SAME = dict(
    place=of_place, message=validators.MinValueValidator(3, "at least %d" % MOST), word=Word("x"), class_=Rule,
    names=validators.MinValueValidator(limit_value=3),
    pattern=validators.RegexValidator(re.compile("a", re.I)) if MOST > 3 else validators.RegexValidator("a", flags=re.I),
    of_django=validators.validate_email if MOST > 3 else validators.EmailValidator(message="no"),
    usual=validators.RegexValidator("a", inverse_match=False) if MOST > 3 else validators.RegexValidator("a"), a_set={{"a", "b", "c"}}, builtin=dict, method=dict.fromkeys,
)
"""


@pytest.fixture(scope="module")
def things(tmp_path_factory) -> tuple[Any, Any, Any]:
    """Give two modules of the same things, one with another number, and the function that makes texts of them."""
    parts: dict[str, Any] = {"__name__": "plain"}
    exec(files("handover.probe").joinpath("plain.py").read_text(), parts)  # noqa: S102 - as the bootstrap does
    made = []
    for name, most, function in (("one_rules", 3, "lambda v: v"), ("other_rules", 4, "lambda v: not v")):
        file = tmp_path_factory.mktemp(name) / f"{name}.py"
        file.write_text(TOLD.format(most=most, function=function))
        spec = importlib.util.spec_from_file_location(name, file)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        made.append(module)
    return made[0], made[1], parts["text_of"]


def test_text_of__one_number_differs__every_thing_made_with_it_differs(things):
    one, other, text_of = things
    equal = [name for name, thing in one.THINGS.items() if text_of(thing) == text_of(other.THINGS[name])]
    assert equal == []


def test_text_of__the_place_the_words_or_the_class_of_a_text_differ__nothing_differs(things):
    one, other, text_of = things
    different = {
        name: text_of(thing) for name, thing in one.SAME.items() if text_of(thing) != text_of(other.SAME[name])
    }
    assert different == {}
