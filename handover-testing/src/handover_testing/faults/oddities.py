"""A pair of unusual models: keys of several columns, keys that are relations, parents two deep, rules between columns."""

# ruff: noqa: E501 - a field of a project's own is read best on few lines

from collections.abc import Iterator

from handover.side import Side
from handover_testing.drifts.drift import Edit
from handover_testing.drifts.projects import Field, Model, Project, f
from handover_testing.drifts.shapes import KEY, USER, Shape
from handover_testing.faults.fault import Fault

GROUP = "read-across"


def _model(name: str, fields: dict[str, Field], base: str = "models.Model", **meta: str) -> Model:
    return Model(name, fields, {"db_table": repr(f"odd_{name.lower()}s"), **meta}, base)


def _to(kind: str, to: str, **options: str) -> Field:
    return f(kind, to, **{"on_delete": "models.CASCADE", "related_name": "'+'", **options})


CODE = """
from django.contrib.postgres import fields as postgres
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import F, Q
from django.db.models.functions import Now


class Encoder(DjangoJSONEncoder):
    def default(self, o):
        return sorted(o) if isinstance(o, set) else super().default(o)


class Picky(models.Model):
    class Meta:
        abstract = True

    def save(self, *args, **kwargs):
        if not self.title.startswith("OK"):
            raise ValueError("a title begins with OK")
        super().save(*args, **kwargs)


class Live(models.Manager):
    def get_queryset(self):
        return super().get_queryset().filter(gone=False)


class Hiding(models.Model):
    objects = Live()

    class Meta:
        abstract = True


class TextUuid(models.UUIDField):  # a UUID in the database, its text in Python
    def to_python(self, value):
        return None if value is None else str(value)

    def from_db_value(self, value, *_):
        return self.to_python(value)


class own:
    TextUuid = TextUuid


def place_of(instance, name):
    return f"docs/{instance.owner.username}/{name}"

"""
SPAN_RULES = (
    "[models.CheckConstraint(condition=Q(begins__lt=F('ends')), name='odd_order'), "
    "models.CheckConstraint(condition=Q(low__gt=10) & Q(high__gt=F('low')), name='odd_levels')]"
)
ONCE = "[models.UniqueConstraint(fields=['node', 'tenant'], name='odd_once')]"
APART = "[ExclusionConstraint(name='odd_apart', expressions=[('time', RangeOperators.OVERLAPS)])]"
STATUSES = "[(1, 'new'), (2, 'busy'), (3, 'done')]"
TEXT = f("CharField", max_length="40")
MODELS = (
    _model("Tenant", {"code": f("CharField", max_length="12", primary_key="True"), "name": f("CharField", max_length="30", unique="True")}),
    _model("Line", {"pk": f("CompositePrimaryKey", "'code', 'number'"), "code": f("CharField", max_length="12"),
                    "number": f("IntegerField"), "text": f("TextField")}),
    _model("Profile", {"user": _to("OneToOneField", USER, primary_key="True"), "bio": f("TextField", blank="True")}),
    _model("Extra", {"profile": _to("OneToOneField", "'Profile'", primary_key="True"), "level": f("PositiveSmallIntegerField", default="1")}),
    _model("More", {"id": KEY, "extra": _to("ForeignKey", "'Extra'", related_name="'mores'"),
                    "named": _to("ForeignKey", "'Tenant'", to_field="'name'", related_name="'mores'"), "note": TEXT}),
    _model("Base", {"id": KEY, "slug": f("SlugField", unique="True"), "level": f("IntegerField"), "changed": f("DateTimeField", auto_now="True"),
                    "scan": f("FileField", upload_to="'scans/'")},
           constraints="[models.CheckConstraint(condition=Q(level__lte=1000), name='odd_level')]"),
    _model("Middle", {"code": f("CharField", max_length="20", unique="True"), "photo": f("FileField", upload_to="'photos/'", blank="True")}, base="Base"),
    _model("Leaf", {"size": f("DecimalField", max_digits="6", decimal_places="2"), "touched": f("DateTimeField", auto_now="True")}, base="Middle"),
    _model("Span", {"id": KEY, "begins": f("DateField"), "ends": f("DateField"), "low": f("IntegerField"), "high": f("IntegerField")}, constraints=SPAN_RULES),
    _model("Strict", {"id": KEY, "title": TEXT, "amount": f("IntegerField", default="0")}, base="Picky"),
    _model("Soft", {"id": KEY, "gone": f("BooleanField", default="False"), "title": TEXT}, base="Hiding"),
    _model("Node", {"id": KEY, "parent": _to("ForeignKey", "'self'", null="True", related_name="'children'"), "name": f("CharField", max_length="10")},
           unique_together="[('parent', 'name')]"),
    _model("Pick", {"id": KEY, "node": _to("ForeignKey", "'Node'"), "tenant": _to("ForeignKey", "'Tenant'", on_delete="models.PROTECT")}, constraints=ONCE),
    _model("Booking", {"id": KEY, "room": f("IntegerField"), "time": f("postgres.DateRangeField")}, constraints=APART),
    _model("Thing", {"id": f("UUIDField", primary_key="True", default="uuid.uuid4"), "grid": f("postgres.ArrayField", "postgres.ArrayField(models.IntegerField(), size=2)", default="list"),
                     "facts": f("JSONField", encoder="Encoder", default="dict"), "span": f("DurationField"), "raw": f("BinaryField"),
                     "address": f("GenericIPAddressField"), "width": f("IntegerField"),
                     "area": f("GeneratedField", expression="F('width') * 2", output_field="models.BigIntegerField()", db_persist="True"),
                     "since": f("DateTimeField", db_default="Now()"), "rank": f("IntegerField", db_default="5"), "level": f("IntegerField", choices=STATUSES)}),
    _model("Token", {"id": f("own.TextUuid", primary_key="True", default="uuid.uuid4"), "number": f("IntegerField"), "note": TEXT}),
    _model("Doc", {"id": KEY, "owner": _to("ForeignKey", USER), "file": f("FileField", upload_to="place_of")}),
    # For writers at once: the first refuses what they do.
    _model("Counted", {"id": KEY, "text": TEXT, "number": f("IntegerField", default="0"), "status": f("CharField", max_length="4", choices="[('a', 'A'), ('b', 'B')]", default="'a'")},
           constraints="[models.CheckConstraint(condition=Q(number__lte=5) | Q(text='free'), name='odd_number')]"),
    _model("Job", {"id": KEY, "user": _to("OneToOneField", USER), "tenant": _to("ForeignKey", "'Tenant'"), "text": f("TextField"),
                   "number": f("SmallIntegerField", default="0"), "status": f("PositiveSmallIntegerField", choices=STATUSES, default="1"),
                   "day": f("DateField"), "raw": f("BinaryField"), "address": f("GenericIPAddressField", unique="True")},
           unique_together="[('tenant', 'day')]"),
)  # fmt: skip
ODD = Shape(
    "oddities",
    Project("odd", {model.name: model for model in MODELS}, preamble=CODE, apps=("django.contrib.postgres",)),
    """
    INSERT INTO odd_stricts (title, amount) VALUES ('OK one', 3);
    INSERT INTO odd_bases (slug, level, changed, scan) SELECT 's' || n, n, now(), 'videos/there.mp4' FROM generate_series(1, 3) n;
    """,
)
TOGETHER = (
    ("keys of several columns", ("Tenant", "Line")),
    ("keys that are relations", ("Profile", "Extra", "More")),
    ("parents two deep", ("Base", "Middle", "Leaf")),
    ("rules between columns", ("Span", "Strict")),
    ("unique with a relation", ("Node", "Pick", "Soft")),
    ("kinds of few", ("Booking", "Thing")),
    ("a key that Python has in another form", ("Token",)),
)


def clean() -> Iterator[Fault]:
    """Yield the models, a few at a time, without a fault."""
    for name, models in TOGETHER:
        yield Fault(f"clean {name}", GROUP, ODD.name, models=models)


def faults() -> Iterator[Fault]:
    """Yield faults in such models."""
    lower = "self.slug = self.slug.lower()\n        super().save(*args, **kwargs)"
    yield Fault(
        "a child's save changes its parent's column",
        GROUP,
        ODD.name,
        "HO30",
        "odd_leafs.slug",
        _saves("Leaf", lower),
        models=("Leaf",),
    )
    back = "self.level = min(self.level, 999)\n        super().save(*args, **kwargs)"
    yield Fault(
        "a child's save clamps its parent's column",
        GROUP,
        ODD.name,
        "HO30",
        "odd_middles.level",
        _saves("Middle", back),
        models=("Middle",),
    )
    strip = "self.text = self.text.strip()\n        super().save(*args, **kwargs)"
    yield Fault(
        "a row of several keys is stripped",
        GROUP,
        ODD.name,
        "HO30",
        "odd_lines.text",
        _saves("Line", strip),
        models=("Line",),
    )
    named = _option("More", "named", "related_name", "'others'")
    yield Fault(
        "another related_name of a key to another column",
        GROUP,
        ODD.name,
        "HO305",
        "odd_mores.named_id",
        named,
        models=("More",),
    )
    picky = _saves("Span", "if self.high > 100: raise ValueError('too high')\n        super().save(*args, **kwargs)")
    yield Fault(
        "one side refuses more than the rules between columns",
        GROUP,
        ODD.name,
        "HO307",
        "odd_spans",
        picky,
        models=("Span",),
    )
    bio = _saves("Profile", "self.bio = self.bio[:10]\n        super().save(*args, **kwargs)")
    yield Fault(
        "a row whose key is a relation is cut", GROUP, ODD.name, "HO30", "odd_profiles.bio", bio, models=("Profile",)
    )


def _saves(model: str, body: str) -> Edit:
    def edit(projects: dict[Side, Project]) -> None:
        known = projects["backend"].models[model]
        plain = known.source
        known.source = lambda: f"{plain()}\n\n    def save(self, *args, **kwargs):\n        {body}\n"  # type: ignore[method-assign]

    return edit


def _option(model: str, field: str, name: str, value: str) -> Edit:
    def edit(projects: dict[Side, Project]) -> None:
        projects["backend"].models[model].fields[field].options[name] = value

    return edit
