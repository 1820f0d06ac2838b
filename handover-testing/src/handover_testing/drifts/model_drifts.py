"""Drifts of models: every fact of every field, on either side."""

# ruff: noqa: E501 - statements and rows of a table are read best on one line

from collections.abc import Iterator
from dataclasses import dataclass

from handover.finding import Severity
from handover.side import Side
from handover_testing.drifts.drift import Drift, Edit
from handover_testing.drifts.projects import Field, Model, Project, f
from handover_testing.drifts.shapes import SHAPES, Shape

RELATIONS = ("ForeignKey", "OneToOneField")
# What else a field might have been, and how bad that is: another column type, or the same column used differently.
OTHER_KINDS: dict[str, tuple[Field, str]] = {
    "FileField": (f("CharField"), "HO110"),
    "ImageField": (f("CharField"), "HO110"),
    "PositiveIntegerField": (f("IntegerField"), "HO110"),
    "PositiveSmallIntegerField": (f("SmallIntegerField"), "HO110"),
    "IntegerField": (f("BigIntegerField"), "HO012"),
    "BigIntegerField": (f("IntegerField"), "HO012"),
    "SmallIntegerField": (f("IntegerField"), "HO012"),
    "UUIDField": (f("CharField", max_length="36"), "HO012"),
    "FloatField": (f("DecimalField", max_digits="9", decimal_places="3"), "HO012"),
    "JSONField": (f("TextField"), "HO012"),
    "TextField": (f("CharField", max_length="255"), "HO012"),
    "DateTimeField": (f("DateField"), "HO012"),
    "DateField": (f("DateTimeField"), "HO012"),
    "TimeField": (f("DateTimeField"), "HO012"),
    "BooleanField": (f("SmallIntegerField"), "HO012"),
    "DurationField": (f("BigIntegerField"), "HO012"),
    "GenericIPAddressField": (f("CharField", max_length="39"), "HO012"),
}
KEPT = (
    "null",
    "blank",
    "default",
    "unique",
    "db_index",
    "max_length",
    "choices",
    "primary_key",
    "auto_now",
    "auto_now_add",
)


@dataclass(frozen=True)
class _Place:
    shape: Shape
    side: Side
    model: str
    field: str

    @property
    def column(self) -> str:
        """The column, as the check names its place."""
        model = self.shape.project.models[self.model]
        return f"{shown(model)}.{column_of(self.field, model.fields[self.field])}"

    def drift(self, what: str, code: str, severity: Severity, edit: Edit, place: str = "") -> Drift:
        name = f"{self.shape.name} {self.side} {self.model}.{self.field}: {what}"
        return Drift(name, f"{self.side} models", self.shape.name, code, place or self.column, severity, edit)

    def option(self, what: str, code: str, severity: Severity, place: str = "", **options: str | None) -> Drift:
        """A drift that sets options of the field, or takes them away."""

        def edit(projects: dict[Side, Project]) -> None:
            field = projects[self.side].models[self.model].fields[self.field]
            for name, value in options.items():
                if value is None:
                    field.options.pop(name, None)
                else:
                    field.options[name] = value

        return self.drift(what, code, severity, edit, place)


def shown(model: Model) -> str:
    """Return a model's table as findings name it."""
    return model.table.replace('"."', ".")


def column_of(name: str, field: Field) -> str:
    """Return the column of a field."""
    return f"{name}_id" if field.kind in RELATIONS else name


def drifts() -> Iterator[Drift]:
    """Yield every drift of every model."""
    for shape in SHAPES:
        for side in ("original", "backend"):
            for model in shape.project.models.values():
                yield from _of_model(shape, side, model)
                for name, field in model.fields.items():
                    yield from _of_field(_Place(shape, side, model.name, name), field)


def _of_field(at: _Place, field: Field) -> Iterator[Drift]:
    if field.kind == "ManyToManyField":
        yield from _many_to_many(at, field)
        return
    yield from _python_only(at, field)
    if field.kind in RELATIONS:
        yield from _relation(at, field)
    else:
        yield from _column(at, field)
    if not field.options.get("primary_key"):
        yield from _nullability(at, field)


def _python_only(at: _Place, field: Field) -> Iterator[Drift]:
    options = field.options
    if "choices" in options:
        number = options["choices"].startswith("[(1")
        extra = "(9, 'Nine')" if number else "('other', 'Other')"
        yield at.option("one choice more", "HO111", "breaking", choices=f"{options['choices'][:-1]}, {extra}]")
        yield at.option("one choice less", "HO111", "breaking", choices=f"{options['choices'].rpartition(', (')[0]}]")
        yield at.option("no choices", "HO111", "breaking", choices=None)
    if "default" in options and "uuid" not in options["default"]:
        yield at.option("another default", "HO112", "breaking", default=_other_default(options["default"]))
        if field.kind != "CharField" or options["default"] != "''":
            yield at.option("no default", "HO112", "breaking", default=None)
    elif "auto_now" not in options and "auto_now_add" not in options and field.kind in ("CharField", "FloatField"):
        yield at.option("a default", "HO112", "breaking", default="'x'" if field.kind == "CharField" else "7.5")
    for name in ("auto_now", "auto_now_add"):
        if name in options:
            yield at.option(f"{name} gone", "HO115", "breaking", **{name: None})
    if "validators" in options:
        yield at.option("validator gone", "HO117", "risky", validators=None)
        yield at.option("another validator", "HO117", "risky", validators="[RegexValidator('^x$')]")
    elif field.kind in ("IntegerField", "FloatField", "BigIntegerField"):
        yield at.option("a validator", "HO117", "risky", validators="[MinValueValidator(3)]")
    if not options.get("primary_key") and "auto_now" not in options and "auto_now_add" not in options:
        blank = options.get("blank") == "True"
        yield at.option("blank flipped", "HO116", "risky", blank=None if blank else "True")
    if "upload_to" in options:
        yield at.option("another folder for uploads", "HO118", "risky", upload_to="'elsewhere/'")


def _other_default(default: str) -> str:
    return {"False": "True", "True": "False", "'basic'": "'gold'", "'new'": "'paid'", "'started'": "'pending'", "''": "'x'"}.get(
        default, "list" if default == "dict" else "dict" if default == "list" else "None if False else 5"
        if default.isdigit() else "datetime.timedelta(days=1)" if default == "make_period" else "datetime.datetime.now"
    )  # fmt: skip


def _column(at: _Place, field: Field) -> Iterator[Drift]:
    options = field.options
    if "max_length" in options and field.kind not in ("JSONField",):
        length = int(options["max_length"])
        yield at.option("shorter", "HO012", "breaking", max_length=str(length - 1))
        yield at.option("longer", "HO012", "breaking", max_length=str(length + 50))
    if field.kind == "DecimalField":
        yield at.option("one decimal place more", "HO012", "breaking", decimal_places="3")
    if field.kind in OTHER_KINDS:
        other, code = OTHER_KINDS[field.kind]
        kept = {
            name: value
            for name, value in options.items()
            if name in KEPT and not (name == "max_length" and other.options)
        }
        if other.kind in ("SmallIntegerField", "BigIntegerField", "DecimalField", "DateField", "DateTimeField"):
            kept.pop("default", None)
        replaced = Field(other.kind, {**other.options, **kept})

        def edit(projects: dict[Side, Project]) -> None:
            projects[at.side].models[at.model].fields[at.field] = replaced

        yield at.drift(f"a {other.kind}", code, "breaking", edit)
    if field.kind in ("CharField", "SlugField") and not options.get("primary_key"):
        yield at.option("a collation", "HO142", "risky", db_collation="'C'")
    table = at.column.rpartition(".")[0]
    if not options.get("primary_key"):
        if options.get("unique"):
            yield at.option("no longer unique", "HO150", "breaking", place=table, unique=None)
        elif field.kind in ("CharField", "UUIDField", "BigIntegerField"):
            yield at.option("unique", "HO016", "breaking", place=table, unique="True")
        if (
            not options.get("db_index")
            and not options.get("unique")
            and field.kind in ("DateTimeField", "FloatField", "CharField")
        ):
            yield at.option("an index that is not there", "HO018", "risky", place=table, db_index="True")
        yield at.option("another column", "HO011", "breaking", place=table, db_column="'elsewhere'")
        yield _renamed(at)


def _renamed(at: _Place) -> Drift:
    def edit(projects: dict[Side, Project]) -> None:
        fields = projects[at.side].models[at.model].fields
        projects[at.side].models[at.model].fields = {
            ("renamed" if name == at.field else name): (_with_column(one, name) if name == at.field else one)
            for name, one in fields.items()
        }
        meta = projects[at.side].models[at.model].meta
        for option in ("ordering", "indexes", "constraints", "unique_together"):
            if option in meta:
                meta[option] = (
                    meta[option].replace(f"'{at.field}'", "'renamed'").replace(f"'-{at.field}'", "'-renamed'")
                )
                meta[option] = meta[option].replace(f"{at.field}=", "renamed=").replace(f"{at.field}__", "renamed__")

    return at.drift("renamed, on the same column", "HO119", "risky", edit)


def _with_column(field: Field, column: str) -> Field:
    return Field(field.kind, {**field.options, "db_column": repr(column)}, field.to)


def _nullability(at: _Place, field: Field) -> Iterator[Drift]:
    if field.options.get("null"):
        # A NULL may be read where the model expects none.
        more: dict[str, str | None] = {"null": None}
        if field.options.get("on_delete") == "models.SET_NULL":
            more["on_delete"] = "models.CASCADE"
        yield at.option("not nullable", "HO013", "risky" if "on_delete" not in more else "breaking", **more)
    else:
        yield at.option("nullable", "HO013", "breaking", null="True")

    def remove(projects: dict[Side, Project]) -> None:
        model = projects[at.side].models[at.model]
        del model.fields[at.field]
        for option in ("ordering", "indexes", "constraints", "unique_together"):
            if at.field in model.meta.get(option, ""):
                del model.meta[option]

    joins = any(
        f"'{at.model}'" in f.options.get("through", "")
        for m in at.shape.project.models.values()
        for f in m.fields.values()
    )
    if field.to and joins:
        return  # a system whose joining model lacks a key does not start
    if not field.options.get("null"):
        yield at.drift("field gone", "HO014", "breaking", remove)
    elif at.side == "backend" and field.to:
        yield at.drift("field gone", "HO019", "breaking", remove)  # its deletes fail at the key that it no longer knows
    elif at.side == "backend":
        yield at.drift("field gone", "HO133", "risky", remove)


def _relation(at: _Place, field: Field) -> Iterator[Drift]:
    yield at.option("another related_name", "HO113", "breaking", related_name="'somebody_elses'")
    if not (field.kind == "OneToOneField" and field.options["related_name"] == repr(at.model.lower())):  # the default
        yield at.option("no related_name", "HO113", "breaking", related_name=None)
    yield at.option("another related_query_name", "HO113", "breaking", related_query_name="'by_other_name'")
    now = field.options["on_delete"]
    other = "models.PROTECT" if now != "models.PROTECT" else "models.CASCADE"
    yield at.option("another on_delete", "HO114", "breaking", on_delete=other)
    yield at.option("on_delete that does nothing", "HO114", "breaking", on_delete="models.DO_NOTHING")
    if field.kind == "ForeignKey":

        def plain(projects: dict[Side, Project]) -> None:
            model = projects[at.side].models[at.model]
            kept = {k: v for k, v in field.options.items() if k in ("null", "blank")}
            kind = {"'Sample'": "UUIDField"}.get(
                field.to, "BigIntegerField" if "USER" not in field.to else "IntegerField"
            )
            model.fields[at.field] = Field(kind, {**kept, "db_column": repr(f"{at.field}_id"), "db_index": "True"})

        code = "HO012" if "USER" in field.to else "HO110"  # keys of users are wider
        if "through" not in str(at.shape.project.models):
            yield at.drift("a plain number", code, "breaking", plain)


def _many_to_many(at: _Place, field: Field) -> Iterator[Drift]:
    table = shown(at.shape.project.models[at.model])
    if "related_name" in field.options:
        yield at.option(
            "another related_name", "HO113", "breaking", place=f"{table}.{at.field}", related_name="'others'"
        )
    if "through" not in field.options:
        own = f"{table}_{at.field}"
        yield at.option("another table", "HO010", "breaking", place="elsewhere", db_table="'elsewhere'")

        def remove(projects: dict[Side, Project]) -> None:
            del projects[at.side].models[at.model].fields[at.field]

        # The rows of the other system's table block every delete.
        yield at.drift("field gone", "HO019", "breaking", remove, own)


def _of_model(shape: Shape, side: Side, model: Model) -> Iterator[Drift]:
    table = shown(model)

    def drift(what: str, code: str, severity: Severity, place: str = table, **meta: str | None) -> Drift:
        def edit(projects: dict[Side, Project]) -> None:
            target = projects[side].models[model.name].meta
            for name, value in meta.items():
                if value is None:
                    target.pop(name, None)
                else:
                    target[name] = value

        return Drift(
            f"{shape.name} {side} {model.name}: {what}", f"{side} models", shape.name, code, place, severity, edit
        )

    path = f"{model.name}"
    yield drift("another table", "HO101", "breaking", place=path, db_table="'elsewhere'")
    yield drift("another ordering", "HO120", "risky", ordering="['pk']")
    yield drift("a permission more", "HO211", "risky", permissions="[('fly', 'Can fly')]")
    yield drift("no delete permission", "HO211", "risky", default_permissions="('add', 'change', 'view')")
    if "permissions" in model.meta:
        yield drift("permissions gone", "HO211", "risky", permissions=None)
    if "unique_together" in model.meta:
        yield drift("unique_together gone", "HO150", "breaking", unique_together=None)
    if "constraints" in model.meta:
        breaking = "HO150" if "Unique" in model.meta["constraints"] else "HO151"
        yield drift("constraint gone", breaking, "breaking", constraints=None)
        changed = model.meta["constraints"].replace("gte=0", "gte=5").replace("archived=True", "code='x'")
        yield drift("another condition", "HO153", "risky", constraints=changed)
    names = [name for name, field in model.fields.items() if field.kind not in (*RELATIONS, "ManyToManyField")]
    first = f"'{names[-1]}'"
    if not model.fields[names[-1]].options.get("db_index"):
        index = f"[models.Index(fields=[{first}], name='missing_{side}_idx')]"
        yield drift("an index that is not there", "HO018", "risky", indexes=index)
    yield drift(
        "unique together that is not there",
        "HO016",
        "breaking",
        unique_together=f"[({first}, '{list(model.fields)[0 if 'id' in model.fields else -2]}')]",
    )
    if "constraints" not in model.meta:
        yield drift(
            "a check that is not enforced", "HO152", "risky",
            constraints="[models.CheckConstraint(condition=models.Q(pk__isnull=False), name='missing_check')]",
        )  # fmt: skip

    def rename(projects: dict[Side, Project]) -> None:
        models = projects[side].models
        projects[side].models = {
            name: Model(f"{one.name}Row" if name == model.name else one.name, one.fields, one.meta, one.base)
            for name, one in models.items()
        }
        for other in projects[side].models.values():
            for field in other.fields.values():
                field.to = field.to.replace(f"'{model.name}'", f"'{model.name}Row'")
                if "through" in field.options:
                    field.options["through"] = field.options["through"].replace(f"'{model.name}'", f"'{model.name}Row'")
            if other.base == model.name:
                other.base = f"{model.name}Row"

    if model.base != "AbstractUser" and not any(m.base == model.name for m in shape.project.models.values()):
        yield Drift(
            f"{shape.name} {side} {model.name}: renamed",
            f"{side} models",
            shape.name,
            "HO210",
            table,
            "breaking",
            rename,
        )
