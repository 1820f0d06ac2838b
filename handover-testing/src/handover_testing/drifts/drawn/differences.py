"""Differences that matter, planted into a world one at a time, each with the place where the check must see it."""

from collections.abc import Iterator

from handover.finding import Severity
from handover.side import Side
from handover_testing.drifts.drawn.world import Where, World
from handover_testing.drifts.drift import Drift, Edit
from handover_testing.drifts.model_drifts import column_of, shown
from handover_testing.drifts.projects import Field, Model, Project

# The model forgets what the database has: nothing is lost by that.
FORGOTTEN = ("db_index", "indexes")
# How bad it is when an option differs; what is not named here is risky.
BREAKING = frozenset({
    "max_length", "max_digits", "decimal_places", "choices", "default", "unique", "db_column", "auto_now",
    "auto_now_add", "storage",
})  # fmt: skip
# What says nothing to the other system, where the column stays as it is.
SILENT = frozenset({"editable", "unique_together"})
OTHER_TYPES = {
    "IntegerField": "TextField",
    "BigIntegerField": "FloatField",
    "SmallIntegerField": "IntegerField",
    "PositiveIntegerField": "IntegerField",
    "BooleanField": "TextField",
    "FloatField": "IntegerField",
    "DateField": "DateTimeField",
    "DateTimeField": "DateField",
    "TimeField": "DurationField",
    "UUIDField": "TextField",
    "JSONField": "TextField",
    "TextField": "JSONField",
    "CharField": "TextField",
    "BinaryField": "TextField",
    "DurationField": "BigIntegerField",
    "GenericIPAddressField": "UUIDField",
    "DecimalField": "FloatField",
    "postgres.IntegerRangeField": "postgres.DateRangeField",
    "postgres.DateRangeField": "postgres.DateTimeRangeField",
}


def differences(world: World) -> Iterator[Drift]:
    """Yield every difference of models that can be planted into a world, on either side."""
    for side in Side:
        yield from _of_options(world, side)
        for model in world.project.models.values():
            if "proxy" not in model.meta:
                yield from _OfModel(world, side, model).differences()


def _of_options(world: World, side: Side) -> Iterator[Drift]:
    """An option means something else."""
    for where, others in world.others.items():
        model = world.project.models[where.model]
        if where.option in SILENT or (where.option in ("unique", "db_index") and _in_meta(model, where.field)):
            continue
        now = world.same[where][0]
        for text in others:
            if text is None and where.option in FORGOTTEN:
                continue
            name = f"{side} {where.model}.{where.field or 'Meta'}: {where.option} is {text} instead of {now}"
            edit = _setting(side, where, text)
            yield Drift(name, f"{side} models", "drawn", "", _place(model, where), _severity(model, where, text), edit)


def _in_meta(model: Model, name: str) -> bool:
    """Whether an index or a constraint of ``Meta`` has it already."""
    return any(f"'{name}'" in text or f"'-{name}'" in text for text in model.meta.values())


def _severity(model: Model, where: Where, text: str | None) -> Severity:
    if where.option == "null":
        return "risky" if text is None else "breaking"  # a NULL that the database refuses
    if where.option == "db_default":  # the database does not fill it in
        return "risky" if text is None or "null" in model.fields[where.field].options else "breaking"
    if where.option == "max_length" and model.fields[where.field].kind in ("TextField", "BinaryField"):
        return "risky"  # only forms ask for it
    now = model.fields[where.field].options.get("default") if where.field else None
    if where.option == "default" and text and now and "make_" in text + now:
        return "risky"  # what two functions return cannot be compared
    if where.option == "constraints":
        now = model.meta["constraints"]
        return "breaking" if text is None or now.count("Unique") != text.count("Unique") else "risky"
    return "breaking" if where.option in BREAKING else "risky"


def _place(model: Model, where: Where) -> str:
    """Return the column; of what has an index or is one, the table."""
    table = shown(model)
    if not where.field or where.option in ("unique", "db_index", "db_column"):
        return table
    return f"{table}.{live_column(where.field, model.fields[where.field])}"


def live_column(name: str, field: Field) -> str:
    """Return the column of a field, which may be another by ``db_column``."""
    return field.options.get("db_column", "").strip("'") or column_of(name, field)


def _setting(side: Side, where: Where, text: str | None) -> Edit:
    def edit(projects: dict[Side, Project]) -> None:
        model = projects[side].models[where.model]
        options = model.fields[where.field].options if where.field else model.meta
        options.pop(where.option, None)
        if text is not None:
            options[where.option] = text

    return edit


class _OfModel:
    """What can happen to one model of one system."""

    def __init__(self, world: World, side: Side, model: Model) -> None:
        self.world, self.side, self.model = world, side, model
        self.table = shown(model)
        self.children = [m for m in world.project.models.values() if m.base == model.name]

    def _drift(self, what: str, place: str, edit: Edit, severity: Severity = "breaking") -> Drift:
        name = f"{self.side} {self.model.name}{what}"
        return Drift(name, f"{self.side} models", "drawn", "", place, severity, edit)

    def differences(self) -> Iterator[Drift]:
        """Yield them."""
        for name, field in self.model.fields.items():
            if "primary_key" in field.options:
                yield from self._of_key(name, field)
            elif field.kind == "ManyToManyField":
                yield from self._of_many(name, field)
            else:
                yield from self._of_field(name, field)
        yield from self._of_meta()

    def _changed(self, name: str, **options: str | None) -> Edit:
        def edit(projects: dict[Side, Project]) -> None:
            field = projects[self.side].models[self.model.name].fields[name]
            for option, value in options.items():
                field.options.pop(option, None)
                if value is not None:
                    field.options[option] = value

        return edit

    def _of_key(self, name: str, field: Field) -> Iterator[Drift]:
        kind = "BigAutoField" if field.kind != "BigAutoField" else "UUIDField"

        def edit(projects: dict[Side, Project]) -> None:
            projects[self.side].models[self.model.name].fields[name] = Field(kind, {"primary_key": "True"})

        yield self._drift(f".{name}: a {kind}", f"{self.table}.{name}", edit)

    def _of_many(self, name: str, field: Field) -> Iterator[Drift]:
        if field.options["related_name"] != "'+'":
            other = self._changed(name, related_name="'others'", related_query_name=None)
            yield self._drift(f".{name}: another related_name", f"{self.table}.{name}", other)
        if "through" not in field.options:
            yield self._drift(f".{name}: another table", "elsewhere", self._changed(name, db_table="'elsewhere'"))

    def _of_field(self, name: str, field: Field) -> Iterator[Drift]:
        place = f"{self.table}.{live_column(name, field)}"

        def kept() -> dict[str, str]:
            return {k: v for k, v in field.options.items() if k in ("null", "blank", "unique", "db_index", "db_column")}

        if field.kind in OTHER_TYPES and not field.options.get("choices"):
            other = OTHER_TYPES[field.kind]

            def retype(projects: dict[Side, Project]) -> None:
                projects[self.side].models[self.model.name].fields[name] = Field(other, kept())

            used = [text for text in self.model.meta.values() if f"{name}" in text]
            if not used and not self._feeds(name):
                yield self._drift(f".{name}: a {other}", place, retype)
        if field.kind in ("ForeignKey", "OneToOneField"):
            yield from self._of_relation(name, field, place)
        # A new column of the backend that the original need not fill is safe.
        unknown = self.side == "original" and ("null" in field.options or field.kind == "GeneratedField")
        if not unknown and not self._feeds(name) and "Link" not in self.model.name:
            yield self._removed(name, field, place)

    def _feeds(self, name: str) -> bool:
        """Whether a generated field is made of it."""
        return any(f"'{name}'" in one.options.get("expression", "") for one in self.model.fields.values())

    def _removed(self, name: str, field: Field, place: str) -> Drift:
        def remove(projects: dict[Side, Project]) -> None:
            model = projects[self.side].models[self.model.name]
            del model.fields[name]
            for option in ("ordering", "indexes", "constraints", "unique_together"):
                if name in model.meta.get(option, ""):
                    del model.meta[option]

        once = field.kind == "OneToOneField" or "unique" in field.options
        known = "null" in field.options or "db_default" in field.options or field.kind == "GeneratedField"
        ruled = name in self.model.meta.get("constraints", "")
        severity: Severity = "risky" if known and not once and not ruled else "breaking"
        return self._drift(f".{name}: gone", self.table if known else place, remove, severity)

    def _of_relation(self, name: str, field: Field, place: str) -> Iterator[Drift]:
        if field.options["related_name"] != "'+'":
            other = self._changed(name, related_name="'others'", related_query_name=None)
            yield self._drift(f".{name}: another related_name", place, other)
            hidden = self._changed(name, related_name="'+'", related_query_name=None)
            yield self._drift(f".{name}: no way back", place, hidden)
        now = field.options["on_delete"]
        for action in ("models.CASCADE", "models.PROTECT", "models.DO_NOTHING"):
            if action != now:
                yield self._drift(f".{name}: {action} instead of {now}", place, self._changed(name, on_delete=action))
        limit = self._changed(name, limit_choices_to="{'pk__isnull': True}")
        yield self._drift(f".{name}: other rows to choose from", place, limit, "risky")

        def elsewhere(projects: dict[Side, Project]) -> None:
            target = "settings.AUTH_USER_MODEL" if "USER" not in field.to else f"'{self.model.name}'"
            projects[self.side].models[self.model.name].fields[name].to = target

        if field.kind == "ForeignKey" and "Link" not in self.model.name:
            yield self._drift(f".{name}: points elsewhere", place, elsewhere)

    def _of_meta(self) -> Iterator[Drift]:
        def meta(**options: str) -> Edit:
            return lambda projects: projects[self.side].models[self.model.name].meta.update(options)

        name = self.model.name
        yield self._drift(": another table", name, meta(db_table="'elsewhere'"))
        yield self._drift(": another ordering", self.table, meta(ordering="['-pk', 'pk']"), "risky")
        yield self._drift(": another permission", self.table, meta(permissions="[('swim', 'Can swim')]"), "risky")
        column = next((n for n, f in self.model.fields.items() if self._is_bare(n, f)), None)
        if column:
            index = f"models.Index(fields=['{column}'], name='missing_{self.side}')"
            yield self._drift(": an index that is not there", self.table, self._more("indexes", index), "risky")
        check = "models.CheckConstraint(condition=Q(pk__isnull=False), name='missing_check')"
        yield self._drift(": a check that is not there", self.table, self._more("constraints", check), "risky")
        if not self.model.code and self.model.base in ("models.Model", "Stamped"):
            managed = "objects = Live.from_queryset(LiveSet)()"
            yield self._drift(": another manager", self.table, self._code(managed))
        save = "def save(self, *args, **more):\n        super().save(*args, **more)\n        self.refresh_from_db()"
        yield self._drift(": a save of its own", self.table, self._code(save), "risky")

    def _is_bare(self, name: str, field: Field) -> bool:
        """Whether no index of any kind has it."""
        indexed = {"primary_key", "unique", "db_index"} & field.options.keys() or _in_meta(self.model, name)
        return not indexed and field.kind in ("DateField", "BooleanField", "FloatField", "UUIDField", "DurationField")

    def _more(self, option: str, text: str) -> Edit:
        def edit(projects: dict[Side, Project]) -> None:
            meta = projects[self.side].models[self.model.name].meta
            meta[option] = f"[{text}, *{meta.get(option, '[]')}]"

        return edit

    def _code(self, code: str) -> Edit:
        return lambda projects: projects[self.side].models[self.model.name].code.append(code)
