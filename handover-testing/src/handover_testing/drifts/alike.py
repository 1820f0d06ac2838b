"""What both systems have and is hard to compare: quiet when it is equal, seen when one of them has it otherwise."""

# ruff: noqa: E501 - statements and options are read best on one line

from collections.abc import Iterator
from pathlib import Path

from handover.side import Side
from handover_testing.drifts.drift import Drift
from handover_testing.drifts.projects import Field, Model, Project, f
from handover_testing.drifts.shapes import DANCE, LAB, SHOP, Shape

TEXTS = "models.CharField(max_length=10)"
CODE = """
import functools

from django.core.validators import MaxLengthValidator
from django.utils.deconstruct import deconstructible
from django.utils.translation import gettext_lazy


def most():
    return {most}


def at_most(number):
    def check(value):
        if len(value) > number:
            raise ValueError

    return check


@deconstructible
class Starts:
    def __init__(self, allowed):
        self.allowed = allowed

    def __call__(self, value):
        if not value.startswith(tuple(self.allowed)):
            raise ValueError


def joined(first, second):
    return first + second


def from_rows():
    return [(str(pk), str(pk)) for pk in Task.objects.values_list("pk", flat=True){rows}]
"""
# Field → SQL of its column; what both systems declare.
COLUMNS = {
    "sized": (LAB, f("postgres.ArrayField", TEXTS, size="3", null="True"), "varchar(10)[]"),
    "nested": (LAB, f("postgres.ArrayField", f"postgres.ArrayField({TEXTS}, size=2)", null="True"), "varchar(10)[][]"),
    "prices": (LAB, f("postgres.ArrayField", "models.DecimalField(max_digits=5, decimal_places=2)", null="True"), "numeric(5,2)[]"),
    "moments": (LAB, f("postgres.ArrayField", "models.DateTimeField()", null="True"), "timestamptz[]"),
    "spans": (LAB, f("ranges.DateRangeField", null="True"), "daterange"),
    "photo": (SHOP, f("FileField", upload_to="'photos'", null="True"), "varchar(100) DEFAULT ''"),
    "shout": (
        SHOP,
        f("GeneratedField", expression="models.functions.Upper('number')", output_field="models.CharField(max_length=20, db_collation='C')", db_persist="True"),
        'varchar(20) COLLATE "C" GENERATED ALWAYS AS (upper(number)) STORED',
    ),
    "ranked": (SHOP, f("CharField", max_length="'20'", blank="3", null="1", choices="[(gettext_lazy('a'), gettext_lazy('A'))]", db_collation="'C'"), 'varchar(20) COLLATE "C"'),
    "checked": (DANCE, f("CharField", max_length="20", null="True", validators="[at_most(most()), Starts({'c', 'b', 'a'}), functools.partial(at_most, 3), lambda value: None, MaxLengthValidator(most)]"), "varchar(20)"),
    "given": (DANCE, f("CharField", max_length="20", null="True", default="functools.partial(joined, 'a', 'b')"), "varchar(20)"),
    "chosen": (DANCE, f("CharField", max_length="20", null="True", choices="from_rows"), "varchar(20)"),
}  # fmt: skip
MODELS = {LAB.name: "Sample", SHOP.name: "Order", DANCE.name: "Task"}
# What one system declares otherwise: field, other option, code, severity.
OTHERWISE = (
    ("sized", {"size": "4"}, "HO117", "risky"),
    ("nested", {"": TEXTS}, "HO110", "breaking"),
    ("photo", {"upload_to": "gettext_lazy('elsewhere')"}, "HO118", "risky"),
    ("ranked", {"blank": "0"}, "HO116", "risky"),
    ("ranked", {"max_length": "'21'"}, "HO012", "breaking"),
    ("checked", {"validators": "[at_most(4), Starts({'c', 'b', 'a'}), functools.partial(at_most, 3), lambda value: None, MaxLengthValidator(most)]"}, "HO117", "risky"),
    ("checked", {"validators": "[at_most(most()), Starts({'d', 'b', 'a'}), functools.partial(at_most, 3), lambda value: None, MaxLengthValidator(most)]"}, "HO117", "risky"),
    ("checked", {"validators": "[at_most(most()), Starts({'c', 'b', 'a'}), functools.partial(at_most, 4), lambda value: None, MaxLengthValidator(most)]"}, "HO117", "risky"),
    ("checked", {"validators": "[at_most(most()), Starts({'c', 'b', 'a'}), functools.partial(at_most, 3), lambda value: 1, MaxLengthValidator(most)]"}, "HO117", "risky"),
    ("given", {"default": "functools.partial(joined, 'a', 'c')"}, "HO112", "risky"),
)  # fmt: skip
BY_HAND = {
    "index": ("CREATE UNIQUE INDEX once_a_day ON dance_tasks (lower(task_id))", "HO150", "breaking"),
    "check": ("ALTER TABLE dance_tasks ADD CONSTRAINT not_far CHECK (progress < 1000)", "HO151", "breaking"),
    "collation": ('ALTER TABLE dance_tasks ALTER error TYPE text COLLATE "C"', "HO142", "risky"),
    "trigger": (
        "CREATE TRIGGER only_changes BEFORE UPDATE ON dance_tasks FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        "HO163", "risky",
    ),
}  # fmt: skip
# Of Meta: name → what both models declare, how it is made, and how it means something else.
ADD = "ALTER TABLE shop_orders ADD CONSTRAINT"
CONDITIONS = {
    "between": ("models.CheckConstraint(**{CHECK: models.Q(total__range=(-5, 500))}, name='between')", f"{ADD} between CHECK (total BETWEEN -5 AND 500)", f"{ADD} between CHECK (total BETWEEN 5 AND 500)"),
    "negative": ("models.CheckConstraint(**{CHECK: models.Q(total__gt=-1) | models.Q(due_on=None)}, name='negative')", f"{ADD} negative CHECK (total > -1 OR due_on IS NULL)", f"{ADD} negative CHECK (total > 1 OR due_on IS NULL)"),
    "one_of": ("models.CheckConstraint(**{CHECK: models.Q(status__in={'sent', 'new', 'paid'})}, name='one_of')", f"{ADD} one_of CHECK (status IN ('new', 'sent', 'paid'))", f"{ADD} one_of CHECK (status IN ('new', 'sent', 'lost'))"),
    "greater": ("models.CheckConstraint(**{CHECK: models.Q(changed_at__gte=models.F('placed_at'))}, name='greater')", f"{ADD} greater CHECK (changed_at >= placed_at)", f"{ADD} greater CHECK (placed_at >= changed_at)"),
    "few": ("models.UniqueConstraint(fields=['number'], condition=~models.Q(status='new') & models.Q(items__gte=10), name='few')", "CREATE UNIQUE INDEX few ON shop_orders (number) WHERE (NOT (status = 'new') AND items >= 10)", "CREATE UNIQUE INDEX few ON shop_orders (number) WHERE (status = 'new' AND items >= 10)"),
    "lower_once": ("models.UniqueConstraint(models.functions.Lower('number').desc(), 'items', name='lower_once')", "CREATE UNIQUE INDEX lower_once ON shop_orders (lower(number) DESC, items)", "CREATE UNIQUE INDEX lower_once ON shop_orders (upper(number) DESC, items)"),
    "apart": ("ExclusionConstraint(expressions=[(models.Func('due_on', 'due_on', models.Value('[]'), function='daterange'), '&&'), ('items', '=')], condition=models.Q(items__gt=3), name='apart')", f"{ADD} apart EXCLUDE USING gist (daterange(due_on, due_on, '[]') WITH &&, items WITH =) WHERE (items > 3)", f"{ADD} apart EXCLUDE USING gist (daterange(due_on, due_on, '[)') WITH &&, items WITH =) WHERE (items > 3)"),
    "first_two": ("models.Index(models.functions.Left('number', 2), name='first_two')", """CREATE INDEX first_two ON shop_orders ("left"(number, 2))""", """CREATE INDEX first_two ON shop_orders ("left"(number, 3))"""),
    "lately": ("models.Index(fields=['number'], condition=models.Q(placed_at__gte=datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)), name='lately')", "CREATE INDEX lately ON shop_orders (number) WHERE placed_at >= '2020-01-01 00:00:00+00'", "CREATE INDEX lately ON shop_orders (number) WHERE placed_at >= '2021-01-01 00:00:00+00'"),
}  # fmt: skip
PLAIN = {
    "later": ("models.UniqueConstraint(fields=['number', 'items'], deferrable=models.Deferrable.DEFERRED, name='later')", f"{ADD} later UNIQUE (number, items) DEFERRABLE INITIALLY DEFERRED"),
    "nulls": ("models.UniqueConstraint(fields=['due_on', 'number'], nulls_distinct=False, name='nulls')", f"{ADD} nulls UNIQUE NULLS NOT DISTINCT (due_on, number)"),
    "carries": ("models.UniqueConstraint(fields=['number', 'paid'], include=['total'], name='carries')", "CREATE UNIQUE INDEX carries ON shop_orders (number, paid) INCLUDE (total)"),
    "classed": ("models.UniqueConstraint(fields=['number', 'total'], opclasses=['varchar_pattern_ops', 'numeric_ops'], name='classed')", "CREATE UNIQUE INDEX classed ON shop_orders (number varchar_pattern_ops, total)"),
    "brief": ("BrinIndex(fields=['placed_at'], autosummarize=True, name='brief')", "CREATE INDEX brief ON shop_orders USING brin (placed_at) WITH (autosummarize=on)"),
    "hashed": ("HashIndex(fields=['number'], name='hashed')", "CREATE INDEX hashed ON shop_orders USING hash (number)"),
}  # fmt: skip
RECORD = "INSERT INTO django_migrations (app, name, applied) VALUES ('dance', '0002_by_hand', now())"
ORDERINGS = (
    ("['-total', 'number']", "[models.F('total').desc(), models.functions.Lower('number')]"),
    ("[models.F('total').desc(), 'number']", "['-total', 'number']"),
)


def twins() -> Iterator[Drift]:
    """Yield what both systems have alike: nothing may be said."""
    for name in COLUMNS:
        yield _of_columns(f"both have {name}", name, {}, "", "safe")
    for name, (statement, _, _) in BY_HAND.items():
        yield _by_hand(f"{name} made by both systems' own SQL", statement, tuple(Side), "", "safe")
        yield _by_hand(f"{name} made by both systems' own functions", statement, tuple(Side), "", "safe", code=True)
    yield Drift("custom_user: a migration was edited after it was run", "benign", DANCE.name, "", "", "safe",
                files=_edited, sql=RECORD.replace("0002_by_hand", "0002_more") + "; ALTER TABLE dance_tasks ADD more int")  # fmt: skip
    yield _ordering("an order by expressions that says the same", *ORDERINGS[1], "", "safe")
    every = {name: (declared, made) for name, (declared, made, _) in CONDITIONS.items()} | PLAIN
    yield _declared("constraints and indexes of every class", every, "", "", "safe")


def drifts() -> Iterator[Drift]:
    """Yield what one system has otherwise."""
    for name, options, code, severity in OTHERWISE:
        yield _of_columns(f"{name} otherwise: {options}", name, options, code, severity)
    yield _of_columns("another number in a function that validators ask", "checked", {}, "HO117", "risky", most="21")
    yield _of_columns("other code makes the choices", "chosen", {}, "HO111", "unseen", rows="[:9]")
    for name, (statement, code, severity) in BY_HAND.items():
        yield _by_hand(f"{name} made by the original's own SQL alone", statement, tuple(Side)[:1], code, severity)
        yield _by_hand(
            f"{name} made by a function of the backend alone", statement, (Side.BACKEND,), code, severity, code=True
        )
    yield _ordering("an order by other expressions", *ORDERINGS[0], "HO120", "risky")
    for name, (declared, _, otherwise) in CONDITIONS.items():
        yield _declared(f"{name} means something else", {name: (declared, otherwise)}, name, "HO153", "risky")
    yield _drift(DANCE, "the model is a proxy of another on its table", "HO210", "risky", "dance_videos", edit=_proxied)


def _of_columns(
    what: str, name: str, options: dict[str, str], code: str, severity: str, *, most: str = "20", rows: str = ""
) -> Drift:
    shape, declared, column = COLUMNS[name]
    model = MODELS[shape.name]
    table = shape.project.models[model].table

    def edit(projects: dict[Side, Project]) -> None:
        for side, project in projects.items():
            other = side == "backend"
            changed = Field(declared.kind, declared.options | (options if other else {}), declared.to)
            changed.to = changed.options.pop("", declared.to)
            project.models[model].fields[name] = changed
            project.preamble += CODE.format(most=most if other else "20", rows=rows if other else "")

    sql = f"ALTER TABLE {table} ADD {name} {column}"
    return _drift(shape, what, code, severity, f"{table}.{name}", edit=edit, sql=sql)


def _by_hand(
    what: str, statement: str, sides: tuple[Side, ...], finding: str, severity: str, *, code: bool = False
) -> Drift:
    by_sql = f"migrations.RunSQL({statement!r}, migrations.RunSQL.noop)"
    function = f"def by_hand(apps, schema_editor):\n    run(schema_editor)\n\n\ndef run(editor):\n    editor.execute({statement!r})\n"

    def files(folder: Path) -> None:
        for side in Side:
            operation = ("migrations.RunPython(by_hand)" if code else by_sql) if side in sides else ""
            _migration(folder, side, "0002_by_hand", operation, function if code else "")

    return _drift(DANCE, what, finding, severity, "dance_tasks", files=files, sql=f"{statement}; {RECORD}")


def _edited(folder: Path) -> None:
    add = "migrations.AddField('task', 'more', models.IntegerField(null=True))"
    alter = ", migrations.AlterField('task', 'more', models.IntegerField(null=True))"
    for side in Side:
        _migration(folder, side, "0002_more", add + (alter if side == "original" else ""))
        file = folder / side / ("apps/dance" if side == "backend" else "dance") / "models.py"
        text = file.read_text()
        file.write_text(text.replace("    task_id =", "    more = models.IntegerField(null=True)\n    task_id ="))


def _migration(folder: Path, side: Side, name: str, operations: str, before: str = "") -> None:
    package = "apps/dance" if side == "backend" else "dance"
    text = (
        f"from django.db import migrations, models\n\n\n{before}\n\nclass Migration(migrations.Migration):\n"
        f"    dependencies = [('dance', '0001_initial')]\n    operations = [{operations}]\n"
    )
    (folder / side / package / "migrations" / f"{name}.py").write_text(text)


def _ordering(what: str, original: str, backend: str, code: str, severity: str) -> Drift:
    def edit(projects: dict[Side, Project]) -> None:
        for side, value in zip(Side, (original, backend), strict=True):
            projects[side].models["Order"].meta["ordering"] = value

    return _drift(SHOP, what, code, severity, "shop_orders", edit=edit)


def _declared(what: str, things: dict[str, tuple[str, str]], name: str, code: str, severity: str) -> Drift:
    def edit(projects: dict[Side, Project]) -> None:
        for project in projects.values():
            project.preamble += (
                "\nfrom django.contrib.postgres.constraints import ExclusionConstraint"
                "\nfrom django.contrib.postgres.indexes import BrinIndex, HashIndex"
            )
            meta = project.models["Order"].meta
            for option, kind in (("constraints", "Constraint("), ("indexes", "Index(")):
                added = [declared for declared, _ in things.values() if kind in declared.partition("(")[0] + "("]
                meta[option] = f"{meta[option][:-1]}{''.join(f', {one}' for one in added)}]"

    sql = "; ".join(["CREATE EXTENSION IF NOT EXISTS btree_gist", *(made for _, made in things.values())])
    return _drift(SHOP, what, code, severity, f"({name})", edit=edit, sql=sql)


def _proxied(projects: dict[Side, Project]) -> None:
    models = projects["backend"].models
    core = models.pop("Video")
    models["VideoCore"] = Model("VideoCore", core.fields, core.meta)
    models["Video"] = Model("Video", {}, {"proxy": "True"}, base="VideoCore")


def _drift(shape: Shape, what: str, code: str, severity: str, place: str, **how: object) -> Drift:
    name = f"{shape.name}: {what}"
    if severity == "safe":
        return Drift(name, "benign", shape.name, "", "", "safe", **how)  # type: ignore[arg-type]
    return Drift(name, "alike", shape.name, code, place, severity, **how)  # type: ignore[arg-type]
