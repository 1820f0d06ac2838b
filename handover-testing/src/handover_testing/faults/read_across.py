"""Faults in how systems share rows: one reads, writes, finds or deletes differently from the other."""

# ruff: noqa: E501 - a field of a project's own is read best on few lines

from collections.abc import Callable, Iterator

from handover.side import Side
from handover_testing.drifts.drift import Edit
from handover_testing.drifts.projects import Project, f
from handover_testing.drifts.shapes import DANCE, LAB, LIBRARY, SHOP
from handover_testing.faults.fault import Fault

GROUP = "read-across"
Projects = dict[Side, Project]


def faults() -> Iterator[Fault]:
    """Yield every fault of this group."""
    yield from _conversions()
    yield from _writes()
    yield from _models()
    yield from _settings()
    yield from _database()


def clean() -> Iterator[Fault]:
    """Yield the clean pair of every shape, and pairs with a harmless change."""
    for shape in (DANCE, LAB, LIBRARY, SHOP):
        yield Fault(f"clean {shape.name}", GROUP, shape.name)
    yield _in_backend("a new nullable column", "Task", "", "", lambda p: _field(p, "Task", "new_note", f("TextField", null="True")),
                      sql="ALTER TABLE dance_tasks ADD new_note text")  # fmt: skip
    yield _in_backend(
        "another label and help text", "Task", "", "", lambda p: _option(p, "Task", "error", "help_text", "'why'")
    )


# --- a field's class of its own

FIELD = """
class Own(models.{base}):
    def {method}(self, value, {arguments}):
        {body}
"""


def _own(
    name: str, base: str, method: str, body: str, model: str, field: str, code: str, shape=DANCE, **options: str
) -> Fault:
    """Return the fault of a field class that converts values when it reads or writes."""
    arguments = {
        "from_db_value": "expression, connection",
        "get_prep_value": "*_",
        "get_db_prep_save": "connection",
        "pre_save": "add",
    }[method]
    source = FIELD.format(base=base, method=method, body=body, arguments=arguments)

    def edit(projects: Projects) -> None:
        project = projects["backend"]
        project.preamble += source
        project.models[model].fields[field].options |= options

    table = shape.project.models[model].table.rpartition('"')[2]
    place = table if code == "HO319" else f"{table}.{field}"
    return Fault(name, GROUP, shape.name, code, place, _dotless(edit, model, field), models=(model,))


def _dotless(edit: Edit, model: str, field: str) -> Edit:
    """A class of the project's own stands in its module, so its name has no module before it."""

    def edited(projects: Projects) -> None:
        edit(projects)
        known = projects["backend"].models[model].fields[field]
        known.source = lambda: (
            f"Own({', '.join([*([known.to] if known.to else []), *(f'{k}={v}' for k, v in known.options.items())])})"
        )  # type: ignore[method-assign]

    return edited


OUT, PREP = "from_db_value", "get_prep_value"
GIVEN = "value if value is None else "
# What is wrong; the class that converts, when it does, and how; the field that has it, and what is said of it.
# fmt: off
CONVERSIONS = (
    ("a float is rounded when read", "FloatField", OUT, f"return {GIVEN}round(value, 2)", "Video.duration", "HO300"),
    ("a float becomes a decimal when read", "FloatField", OUT, f"import decimal; return {GIVEN}decimal.Decimal(value)", "Video.duration", "HO300"),
    ("keys of an object are sorted when read", "JSONField", OUT, "found = super().from_db_value(value, expression, connection); return dict(sorted(found.items())) if isinstance(found, dict) else found", "Task.result", "HO300"),
    ("NULL is read as empty text", "TextField", OUT, "return value or ''", "Task.error", "HO300"),
    ("an object is read as its text", "JSONField", OUT, "return value", "Task.result", "HO300"),
    ("a status outside the choices is read as one", "CharField", OUT, "return value if value in ('started', 'running', 'completed') else 'started'", "Task.status", "HO300"),
    ("an unusual status raises when read", "CharField", OUT, "return {'started': 'started', 'running': 'running', 'completed': 'completed'}[value]", "Task.status", "HO319"),
    ("a number is read as text", "IntegerField", OUT, "return str(value)", "Task.progress", "HO300"),
    ("text is stripped when written", "CharField", PREP, "return value.strip()", "Video.title", "HO306"),
    ("text is normalised when written", "CharField", PREP, "import unicodedata; return unicodedata.normalize('NFC', value)", "Video.title", "HO306"),
    ("text is cut when written", "CharField", PREP, "return value[:50]", "Video.title", "HO306"),
    ("text is escaped when written", "CharField", PREP, "import html; return html.escape(value)", "Video.title", "HO306"),
    ("progress is clamped when written", "IntegerField", PREP, "return value if hasattr(value, 'resolve_expression') else max(0, min(100, value))", "Task.progress", "HO306"),
    ("NaN is refused when written", "FloatField", PREP, "import math\n        if not math.isfinite(value): raise ValueError('no number')\n        return value", "Video.duration", "HO307"),
    ("a status outside the choices is refused when written", "CharField", PREP, "if value not in ('started', 'running', 'completed'): raise ValueError(value)\n        return value", "Task.status", "HO307"),
    ("a decimal is quantised when read", "DecimalField", OUT, f"import decimal; return {GIVEN}value.quantize(decimal.Decimal('0.1'))", "Order.total", "HO300"),
    ("an absolute path loses its slash", "FileField", PREP, "return str(value).lstrip('/')", "Video.path", "HO306"),
    ("seconds are cut off a time span", "DurationField", OUT, f"return {GIVEN}datetime.timedelta(days=value.days)", "Sample.kept_for", "HO300"),
    ("a moment loses its microseconds when written", "DateTimeField", PREP, f"return {GIVEN}value.replace(microsecond=0)", "Sample.taken_at", "HO306"),
)
# fmt: on


def _conversions() -> Iterator[Fault]:
    for name, base, method, body, place, code in CONVERSIONS:
        model, field = place.split(".")
        shape = next(shape for shape in (DANCE, LAB, SHOP) if model in shape.project.models)
        yield _own(name, base, method, body, model, field, code, shape=shape)


# --- what a model does when it is written


def _method(model: str, name: str, body: str) -> Callable[[Project], None]:
    def change(project: Project) -> None:
        known = project.models[model]
        plain = known.source
        known.source = lambda: f"{plain()}\n\n    def {name}:\n        {body}\n"  # type: ignore[method-assign]

    return change


def _in_backend(
    name: str,
    model: str,
    code: str,
    column: str,
    change: Callable[[Project], None],
    *,
    shape=DANCE,
    sql: str = "",
    place: str = "",
) -> Fault:
    table = shape.project.models[model].table.rpartition('"')[2]
    where = place or (f"{table}.{column}" if column else table if code else "")
    return Fault(
        name, GROUP, shape.name, code, where, lambda projects: change(projects["backend"]), sql=sql, models=(model,)
    )


def _writes() -> Iterator[Fault]:
    drops = "kw['update_fields'] = None if self._state.adding else [f.name for f in self._meta.concrete_fields if f.name not in ('progress', 'task_id')]\n        super().save(*a, **kw)"
    yield _in_backend(
        "a save leaves out a column", "Task", "HO308", "progress", _method("Task", "save(self, *a, **kw)", drops)
    )
    nulls = "self.error = self.error or ''\n        super().save(*a, **kw)"
    yield _in_backend(
        "a save turns NULL into empty text", "Task", "HO30", "error", _method("Task", "save(self, *a, **kw)", nulls)
    )
    clears = "models.Model.save(self, *a, **kw)\n        type(self).objects.filter(pk=self.pk).update(result=None)"
    yield _in_backend(
        "a save clears another column afterwards",
        "Task",
        "HO30",
        "result",
        _method("Task", "save(self, *a, **kw)", clears),
    )
    lower = "self.email = self.email.lower()\n        super().save(*a, **kw)"
    yield _in_backend(
        "e-mails are lower-cased by save", "Dancer", "HO30", "email", _method("Dancer", "save(self, *a, **kw)", lower)
    )
    yield _in_backend(
        "delete does nothing",
        "Task",
        "HO311",
        "",
        _manager("Task", "def delete(self): return (0, {})", "models.QuerySet"),
    )
    alone = "def bulk_create(self, *a, **kw): raise RuntimeError('one by one')"
    yield _in_backend("rows are not made in bulk", "Task", "HO307", "", _manager("Task", alone, "models.QuerySet"))
    signal = "\n\n@receiver(pre_save)\ndef changed(sender, instance, **kw):\n    if sender.__name__ == 'Video':\n        instance.title = instance.title.title()\n"
    yield _in_backend(
        "a signal changes a title",
        "Video",
        "HO30",
        "title",
        _preamble("from django.db.models.signals import pre_save\nfrom django.dispatch import receiver\n" + signal),
    )


def _preamble(source: str) -> Callable[[Project], None]:
    def change(project: Project) -> None:
        project.preamble += "\n" + source

    return change


def _manager(model: str, body: str, base: str) -> Callable[[Project], None]:
    def change(project: Project) -> None:
        project.preamble += f"\n\nclass OwnRows({base}):\n    {body}\n"
        known = project.models[model]
        plain = known.source
        known.source = lambda: (
            plain().replace("\n    class Meta", "    objects = OwnRows.as_manager()\n\n    class Meta", 1)
            if base.endswith("QuerySet")
            else plain().replace("\n    class Meta", "    objects = OwnRows()\n\n    class Meta", 1)
        )  # type: ignore[method-assign]

    return change


# --- facts of a model


def _option(project: Project, model: str, field: str, name: str, value: str) -> None:
    project.models[model].fields[field].options[name] = value


def _field(project: Project, model: str, name: str, value) -> None:
    project.models[model].fields[name] = value


def _models() -> Iterator[Fault]:
    yield _in_backend(
        "another default", "Task", "HO310", "progress", lambda p: _option(p, "Task", "progress", "default", "1")
    )
    yield _in_backend(
        "another default that is a call",
        "Sample",
        "HO310",
        "tags",
        lambda p: (_preamble("def one():\n    return ['x']\n")(p), _option(p, "Sample", "tags", "default", "one")),
        shape=LAB,
    )
    yield _in_backend(
        "another related_name",
        "Task",
        "HO305",
        "user_id",
        lambda p: _option(p, "Task", "user", "related_name", "'jobs'"),
    )
    yield _in_backend(
        "no related_name", "Video", "HO305", "user_id", lambda p: _option(p, "Video", "user", "related_name", "'+'")
    )
    yield _in_backend(
        "another order", "Task", "HO303", "", lambda p: p.models["Task"].meta.update(ordering="['created_at']")
    )
    yield _in_backend("no order", "Task", "HO303", "", lambda p: p.models["Task"].meta.pop("ordering"))
    hides = "def get_queryset(self): return super().get_queryset().filter(archived=False)"
    yield _in_backend(
        "a manager hides rows", "Sample", "HO301", "", _manager("Sample", hides, "models.Manager"), shape=LAB
    )
    yield _in_backend(
        "auto_now on one side only",
        "Task",
        "HO318",
        "created_at",
        lambda p: (
            p.models["Task"].fields["created_at"].options.pop("auto_now_add"),
            _option(p, "Task", "created_at", "auto_now", "True"),
        ),
    )
    yield _in_backend(
        "auto_now_add is gone",
        "Task",
        "HO307",
        "",
        lambda p: p.models["Task"].fields["created_at"].options.pop("auto_now_add"),
    )
    yield _in_backend(
        "a boolean is kept as text, which is empty by default",
        "Sample",
        "HO307",
        "",
        lambda p: _kind(p, "Sample", "archived", "CharField", max_length="5"),
        shape=LAB,
    )
    yield _in_backend(
        "JSON is read as text", "Task", "HO30", "result", lambda p: _kind(p, "Task", "result", "TextField", null="True")
    )
    yield _in_backend(
        "new keys are no UUIDs",
        "Video",
        "HO307",
        "",
        lambda p: (
            _preamble("def own_key():\n    return 'v-' + uuid.uuid4().hex[:8]\n")(p),
            _kind(p, "Video", "id", "CharField", max_length="36", primary_key="True", default="own_key"),
        ),
    )
    yield _in_backend(
        "a many-to-many leads back by another name",
        "Reader",
        "HO314",
        "favourites",
        lambda p: _option(p, "Reader", "favourites", "related_name", "'lovers'"),
        shape=LIBRARY,
    )


def _kind(project: Project, model: str, name: str, kind: str, **options: str) -> None:
    project.models[model].fields[name] = f(kind, **options)


# --- settings and the database


def _settings() -> Iterator[Fault]:
    yield _in_backend(
        "another time zone",
        "Sample",
        "HO302",
        "taken_at",
        lambda p: p.settings.update(TIME_ZONE="'America/Lima'"),
        shape=LAB,
    )
    yield _in_backend(
        "moments without a zone", "Sample", "HO300", "taken_at", lambda p: p.settings.update(USE_TZ="False"), shape=LAB
    )


def _database() -> Iterator[Fault]:
    blocked = "CREATE TABLE notes (id bigint PRIMARY KEY, task varchar(36) REFERENCES dance_tasks); CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN INSERT INTO public.notes VALUES (coalesce((SELECT max(id) FROM public.notes), 0) + 1, NEW.task_id); RETURN NULL; END $$; CREATE TRIGGER note AFTER INSERT ON dance_tasks FOR EACH ROW EXECUTE FUNCTION note();"
    yield Fault(
        "a foreign key that blocks deletes", GROUP, DANCE.name, "HO311", "dance_tasks", sql=blocked, models=("Task",)
    )
    lost = "ALTER TABLE dance_tasks ADD new_note text; CREATE FUNCTION wipe() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF current_user = 'drift_original' THEN NEW.new_note = NULL; END IF; RETURN NEW; END $$; CREATE TRIGGER wipe BEFORE UPDATE ON dance_tasks FOR EACH ROW EXECUTE FUNCTION wipe();"
    yield Fault("a new column is lost by the original's save", GROUP, DANCE.name, "HO309", "dance_tasks.new_note",
                lambda projects: _field(projects["backend"], "Task", "new_note", f("TextField", null="True")), sql=lost, models=("Task",))  # fmt: skip
    hidden = "ALTER TABLE dance_tasks ENABLE ROW LEVEL SECURITY; CREATE POLICY all_rows ON dance_tasks TO drift_original USING (true); CREATE POLICY few ON dance_tasks TO drift_backend USING (progress >= 0);"
    yield Fault(
        "row-level security hides rows from one role",
        GROUP,
        DANCE.name,
        "HO301",
        "dance_tasks",
        sql=hidden,
        models=("Task",),
    )
    cut = "CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF current_user = 'drift_backend' THEN NEW.title = left(NEW.title, 20); END IF; RETURN NEW; END $$; CREATE TRIGGER cut BEFORE INSERT OR UPDATE ON dance_videos FOR EACH ROW EXECUTE FUNCTION cut();"
    yield Fault(
        "a trigger cuts what one role writes",
        GROUP,
        DANCE.name,
        "HO306",
        "dance_videos.title",
        sql=cut,
        models=("Video",),
    )
    revoked = "REVOKE DELETE ON dance_videos FROM drift_backend"
    yield Fault("one role may not delete", GROUP, DANCE.name, "HO311", "dance_videos", sql=revoked, models=("Video",))
