"""A shape of what Django lets models declare beside plain columns, its drifts, and harmless changes of it."""

# ruff: noqa: E501, S608 - statements and rows of a table are read best on one line

from collections.abc import Callable, Iterator
from pathlib import Path

from handover.finding import Severity
from handover.side import Side
from handover_testing.drifts.drift import Drift, Edit
from handover_testing.drifts.projects import Model, Project, f
from handover_testing.drifts.shapes import KEY, USER, Shape, _model

SHELF, SHELVES = "Shelf", "stock_shelves"

DECLARED = Shape(
    "declared",
    Project(
        "stock",
        {
            m.name: m
            for m in (
                _model(
                    "Tag",
                    "stock_tags",
                    {
                        "id": KEY,
                        "word": f("CharField", max_length="20"),
                        "content_type": f(
                            "ForeignKey", "'contenttypes.ContentType'", on_delete="models.CASCADE", related_name="'+'"
                        ),
                        "object_id": f("BigIntegerField"),
                        "target": f("generic.GenericForeignKey", "'content_type', 'object_id'"),
                    },
                ),
                _model(
                    SHELF,
                    SHELVES,
                    {
                        "id": KEY,
                        "code": f("CharField", max_length="20"),
                        "place": f("IntegerField"),
                        "room": f("CharField", max_length="20", null="True", blank="True"),
                        "weight": f("IntegerField", default="1"),
                        "double": f(
                            "GeneratedField",
                            expression="models.F('weight') * 2",
                            output_field="models.IntegerField()",
                            db_persist="True",
                            null="True",
                        ),
                        "shown": f(
                            "GeneratedField",
                            expression="Coalesce(Upper('room'), models.Value('none'))",
                            output_field="models.CharField(max_length=40)",
                            db_persist="True",
                            null="True",
                        ),
                        "state": f("CharField", max_length="9", db_default="'new'"),
                        "count": f("IntegerField", db_default="0"),
                        "made_at": f("DateTimeField", db_default="Now()"),
                        "colours": f(
                            "postgres.ArrayField",
                            "models.CharField(max_length=9, choices=[('red', 'Red'), ('blue', 'Blue')])",
                            default="list",
                            blank="True",
                        ),
                        "facts": f("JSONField", default="dict", blank="True"),
                        "found": f("JSONField", null="True", blank="True"),
                        "during": f("postgres.DateTimeRangeField", null="True", blank="True"),
                        "address": f("GenericIPAddressField", null="True", blank="True"),
                        "opens": f("TimeField", null="True", blank="True"),
                        "lasts": f("DurationField", null="True", blank="True"),
                        "sold_on": f("DateField", null="True", blank="True"),
                        "keeper": f(
                            "ForeignKey",
                            USER,
                            on_delete="models.CASCADE",
                            related_name="'shelves'",
                            limit_choices_to="{'is_active': True}",
                        ),
                        "checker": f(
                            "ForeignKey",
                            USER,
                            on_delete="models.SET(first_user)",
                            related_name="'+'",
                            null="True",
                            blank="True",
                        ),
                        "above": f(
                            "ForeignKey",
                            "'self'",
                            on_delete="models.CASCADE",
                            null="True",
                            blank="True",
                            related_name="'below'",
                        ),
                        "beside": f("ManyToManyField", "'self'", blank="True"),
                        "tags": f("generic.GenericRelation", "'Tag'"),
                    },
                    get_latest_by="'made_at'",
                    indexes=(
                        "[models.Index(fields=['state'], include=['code'], name='stock_state_idx'), "
                        "models.Index(fields=['code'], opclasses=['varchar_pattern_ops'], name='stock_code_like'), "
                        "models.Index(fields=['state', '-made_at'], name='stock_newest'), "
                        "models.Index(OpClass(Upper('code'), name='text_pattern_ops'), name='stock_upper_like'), "
                        "GinIndex(fields=['facts'], opclasses=['jsonb_path_ops'], name='stock_facts_gin')]"
                    ),
                    constraints=(
                        "[models.UniqueConstraint(fields=['place'], deferrable=models.Deferrable.DEFERRED, name='stock_place_once'), "
                        "models.UniqueConstraint(fields=['room'], nulls_distinct=False, name='stock_room_once'), "
                        "models.UniqueConstraint(fields=['code', 'weight'], include=['state'], name='stock_code_once'), "
                        "models.CheckConstraint(condition=models.Q(count__gte=0), name='stock_count_positive'), "
                        "ExclusionConstraint(name='stock_one_at_once', expressions=[('during', '&&')])]"
                    ),
                ),
            )
        },
        preamble=(
            "from django.contrib.contenttypes import fields as generic\nfrom django.contrib.postgres import fields as postgres\n"
            "from django.contrib.postgres.constraints import ExclusionConstraint\nfrom django.contrib.postgres.indexes import GinIndex, OpClass\n"
            "from django.db.models.functions import Coalesce, Lower, Now, Upper\n\n\n"
            "def first_user():\n    return 1\n\n\ndef active():\n    return models.Q(is_active=True)"
        ),
        apps=("django.contrib.postgres",),
    ),
    """
    INSERT INTO auth_user (password, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined)
    SELECT 'x', false, 'u' || n, '', '', 'u' || n || '@example.org', false, true, now() FROM generate_series(1, 3) n;
    INSERT INTO stock_shelves (code, place, room, weight, colours, facts, found, keeper_id)
    SELECT 'c' || id, id, 'r' || id, 1, '{red}', '{"a": 1}', '[1]', id FROM auth_user;
    INSERT INTO stock_tags (word, content_type_id, object_id)
    SELECT 'w', (SELECT min(id) FROM django_content_type WHERE model = 'shelf'), id FROM stock_shelves;
    INSERT INTO stock_shelves_beside (from_shelf_id, to_shelf_id) VALUES (1, 2), (2, 1);
    """,
)


def field(name: str, model: str = SHELF, side: Side = "backend", **options: str | None) -> Edit:
    """Return an edit that sets options of a field, or takes them away."""

    def edit(projects: dict[Side, Project]) -> None:
        one = projects[side].models[model].fields[name]
        for option, value in options.items():
            if value is None:
                one.options.pop(option)
            elif option == "to":
                one.to = value
            else:
                one.options[option] = value

    return edit


def meta(option: str, old: str, new: str, side: Side = "backend") -> Edit:
    """Return an edit that changes a part of an option of the shelf's ``Meta``."""

    def edit(projects: dict[Side, Project]) -> None:
        target = projects[side].models[SHELF].meta
        assert old in target[option], (old, target[option])
        target[option] = target[option].replace(old, new)

    return edit


def gone(name: str, model: str = SHELF, side: Side = "backend") -> Edit:
    """Return an edit that takes a field away."""
    return lambda projects: projects[side].models[model].fields.pop(name) and None


def _coded(text: str) -> Callable[[Path], None]:
    """Return a change by which the backend's shelf has a method more."""

    def change(folder: Path) -> None:
        path = folder / "backend/apps/stock/models.py"
        path.write_text(
            path.read_text().replace("class Shelf(models.Model):\n", f"class Shelf(models.Model):\n{text}\n")
        )

    return change


def _again(name: str, what: str, *, constraint: bool = True) -> str:
    if constraint:
        return f"ALTER TABLE {SHELVES} DROP CONSTRAINT {name}, ADD CONSTRAINT {name} {what}"
    return f"DROP INDEX {name}; CREATE INDEX {name} ON {SHELVES} {what}"


LATE = "DEFERRABLE INITIALLY DEFERRED"
TREE = "DO $$ DECLARE n text; BEGIN SELECT conname INTO n FROM pg_constraint WHERE conrelid = 'stock_shelves'::regclass AND contype = 'f' AND pg_get_constraintdef(oid) LIKE '%({0})%'; EXECUTE format('ALTER TABLE stock_shelves DROP CONSTRAINT %1$I, ADD CONSTRAINT %1$I FOREIGN KEY ({0}) REFERENCES {1} (id) {2}', n); END $$"
GRANT = "INSERT INTO auth_user_user_permissions (user_id, permission_id) SELECT 1, id FROM auth_permission WHERE codename = {!r}"
_LIVE: tuple[tuple[str, str, Severity, str], ...] = (
    ("HO144", "stock_place_once", "breaking", _again("stock_place_once", "UNIQUE (place)")),
    ("HO144", "stock_place_once", "breaking", _again("stock_place_once", "UNIQUE (place) DEFERRABLE")),
    ("HO144", "stock_code_once", "risky", f"DROP INDEX stock_code_once; ALTER TABLE {SHELVES} ADD CONSTRAINT stock_code_once UNIQUE (code, weight) INCLUDE (state) {LATE}"),
    ("HO144", "stock_one_at_once", "risky", _again("stock_one_at_once", f"EXCLUDE USING gist (during WITH &&) {LATE}")),
    ("HO144", "stock_shelves", "risky", "ALTER TABLE stock_shelves_beside DROP CONSTRAINT stock_shelves_beside_pkey, ADD CONSTRAINT stock_shelves_beside_pkey PRIMARY KEY (id) DEFERRABLE"),
    ("HO145", "stock_room_once", "risky", _again("stock_room_once", "UNIQUE (room)")),
    ("HO139", "stock_count_positive", "risky", _again("stock_count_positive", "CHECK (count >= 0) NOT VALID")),
    ("HO148", "stock_shelves.state", "breaking", f"ALTER TABLE {SHELVES} ALTER state SET DEFAULT 'old'"),
    ("HO148", "stock_shelves.count", "breaking", f"ALTER TABLE {SHELVES} ALTER count SET DEFAULT 7"),
    ("HO148", "stock_shelves.made_at", "risky", f"ALTER TABLE {SHELVES} ALTER made_at SET DEFAULT now() + interval '1 day'"),
    ("HO148", "stock_shelves.made_at", "risky", f"ALTER TABLE {SHELVES} ALTER made_at SET DEFAULT '2020-01-01'"),
    ("HO149", "stock_shelves.double", "risky", f"ALTER TABLE {SHELVES} ALTER double SET EXPRESSION AS (weight * 3)"),
    ("HO149", "stock_shelves.shown", "risky", f"ALTER TABLE {SHELVES} ALTER shown SET EXPRESSION AS (COALESCE(lower(room), 'none'))"),
    ("HO149", "stock_shelves.shown", "risky", f"ALTER TABLE {SHELVES} ALTER shown SET EXPRESSION AS (COALESCE(upper(room), 'nothing'))"),
    ("HO147", "stock_shelves.above_id", "breaking", TREE.format("above_id", SHELVES, "ON DELETE RESTRICT")),
    ("HO155", "stock_shelves.keeper_id", "risky", TREE.format("keeper_id", "auth_user", "DEFERRABLE INITIALLY IMMEDIATE")),
    ("HO166", "stock_state_idx", "risky", _again("stock_state_idx", "(state)", constraint=False)),
    ("HO166", "stock_state_idx", "risky", _again("stock_state_idx", "(state) INCLUDE (room)", constraint=False)),
    ("HO166", "stock_code_like", "risky", _again("stock_code_like", "(code)", constraint=False)),
    ("HO166", "stock_facts_gin", "risky", _again("stock_facts_gin", "USING gin (facts)", constraint=False)),
    ("HO166", "stock_upper_like", "risky", _again("stock_upper_like", "(upper(code))", constraint=False)),
    ("HO166", "stock_newest", "risky", _again("stock_newest", "(state, made_at)", constraint=False)),
    ("HO166", "stock_newest", "risky", _again("stock_newest", "(state, made_at DESC NULLS LAST)", constraint=False)),
    ("HO166", "stock_code_once", "risky", f"DROP INDEX stock_code_once; CREATE UNIQUE INDEX stock_code_once ON {SHELVES} (code, weight)"),
)  # fmt: skip
_ROWS: tuple[tuple[str, str, Severity, str], ...] = (
    ("HO220", "stock_shelves.colours", "risky", "UPDATE stock_shelves SET colours = '{red,green}' WHERE id = 1"),
    ("HO236", "stock_shelves.id", "risky", "ALTER SEQUENCE stock_shelves_id_seq CYCLE"),
    ("HO232", "stock_shelves.opens", "breaking", "UPDATE stock_shelves SET opens = '24:00' WHERE id = 1"),
    ("HO232", "stock_shelves.lasts", "breaking", "UPDATE stock_shelves SET lasts = 'infinity' WHERE id = 1"),
    (
        "HO232",
        "stock_shelves.during",
        "breaking",
        "UPDATE stock_shelves SET during = '[2020-01-01, infinity]' WHERE id = 1",
    ),
    ("HO237", "stock_shelves.facts", "risky", "UPDATE stock_shelves SET facts = '[1]' WHERE id = 1"),
    ("HO237", "stock_shelves.facts", "risky", "UPDATE stock_shelves SET facts = '\"{}\"' WHERE id = 1"),
    ("HO237", "stock_shelves.facts", "risky", "UPDATE stock_shelves SET facts = '[]'"),
    ("HO237", "stock_shelves.found", "risky", "UPDATE stock_shelves SET found = '{}' WHERE id = 1"),
    ("HO238", "stock_shelves.code", "risky", "UPDATE stock_shelves SET code = '' WHERE id = 1"),
    ("HO238", "auth_user.username", "risky", "UPDATE auth_user SET username = '' WHERE id = 1"),
)
_MODELS: tuple[tuple[str, str, str, Severity, Edit], ...] = (
    ("unique at once", "HO144", "stock_place_once", "risky", meta("constraints", "deferrable=models.Deferrable.DEFERRED, ", "")),
    ("NULL once more", "HO145", "stock_room_once", "breaking", meta("constraints", "nulls_distinct=False, ", "")),
    ("another array choice", "HO111", "stock_shelves.colours", "breaking", field("colours", to="models.CharField(max_length=9, choices=[('red', 'Red')])")),
    ("no array choices", "HO111", "stock_shelves.colours", "breaking", field("colours", to="models.CharField(max_length=9)")),
    ("other keepers", "HO135", "stock_shelves.keeper_id", "risky", field("keeper", limit_choices_to="{'is_staff': True}")),
    ("any keeper", "HO135", "stock_shelves.keeper_id", "risky", field("keeper", limit_choices_to=None)),
    ("keepers by a function", "HO135", "stock_shelves.keeper_id", "risky", field("keeper", limit_choices_to="active")),
    ("other shelves beside", "HO135", "stock_shelves.beside", "risky", field("beside", limit_choices_to="{'state': 'new'}")),
    ("beside one way", "HO136", "stock_shelves.beside", "breaking", field("beside", symmetrical="False", related_name="'+'")),
    ("another one in its place", "HO114", "stock_shelves.checker_id", "breaking", field("checker", on_delete="models.SET(2)")),
    ("addresses unpacked", "HO134", "stock_shelves.address", "risky", field("address", unpack_ipv4="True")),
    ("a code a day", "HO134", "stock_shelves.code", "risky", field("code", unique_for_date="'sold_on'")),
    ("not for forms", "HO134", "stock_shelves.room", "risky", field("room", editable="False")),
    ("another default in the database", "HO148", "stock_shelves.state", "breaking", field("state", db_default="'old'")),
    ("another count in the database", "HO148", "stock_shelves.count", "breaking", field("count", db_default="1")),
    ("another computed value", "HO149", "stock_shelves.double", "risky", field("double", expression="models.F('weight') + 2")),
    ("another computed column", "HO149", "stock_shelves.double", "risky", field("double", expression="models.F('place') * 2")),
    ("tags stay behind", "HO138", "stock_shelves", "breaking", gone("tags")),
    ("tags of the proxy", "HO138", "stock_tags", "breaking", field("target", "Tag", for_concrete_model="False")),
    ("another latest one", "HO120", "stock_shelves", "risky", meta("get_latest_by", "made_at", "sold_on")),
    ("an index that includes more", "HO166", "stock_state_idx", "risky", meta("indexes", "include=['code']", "include=['code', 'room']")),
    ("a key that includes more", "HO166", "stock_code_once", "risky", meta("constraints", "include=['state']", "include=['state', 'count']")),
    ("an index of a class", "HO166", "stock_code_like", "risky", meta("indexes", "varchar_pattern_ops", "text_pattern_ops")),
    ("an index the other way", "HO166", "stock_newest", "risky", meta("indexes", "'state', '-made_at'", "'state', 'made_at'")),
)  # fmt: skip


def drifts() -> Iterator[Drift]:
    """Yield every drift of this shape."""
    shape = DECLARED.name
    for code, place, severity, sql in _LIVE:
        yield Drift(f"{shape} live: {sql[-120:]}", "catalog", shape, code, place, severity, sql=sql)
    for code, place, severity, sql in _ROWS:
        yield Drift(f"{shape} row: {sql}", "data", shape, code, place, severity, sql=sql)
    for what, code, place, severity, edit in _MODELS:
        yield Drift(f"{shape} backend: {what}", "backend models", shape, code, place, severity, edit)
    checked = _coded("    def clean(self):\n        self.code = self.code.strip()\n")
    yield Drift("declared backend: cleaned", "backend models", shape, "HO146", SHELVES, "risky", files=checked)
    yield from _grants()
    yield from _renames()


def _grants() -> Iterator[Drift]:
    def more(side: Side) -> Edit:
        return lambda projects: projects[side].models[SHELF].meta.update(permissions="[('move_shelf', 'Can move')]")

    row = "INSERT INTO auth_permission (name, content_type_id, codename) SELECT 'Can move', id, 'move_shelf' FROM django_content_type WHERE model = 'shelf'; "
    for side in ("original", "backend"):
        yield Drift(f"declared: a grant that only the {side} knows", f"{side} models", DECLARED.name, "HO239", "stock.shelf",
                    "risky", edit=more(side), sql=row + GRANT.format("move_shelf"))  # fmt: skip


CRATES = "CREATE TABLE {0} (id bigint PRIMARY KEY); GRANT ALL ON {0} TO drift_backend; INSERT INTO django_migrations (app, name, applied) VALUES ('stock', '0002_crates', now())"


def _renames() -> Iterator[Drift]:
    """A migration that renames is left to run, and what it renames is gone."""
    for what, edit, files, sql in renames():
        yield Drift(
            f"declared: {what}", "history", DECLARED.name, "HO109", "stock.0003_renames", "breaking", edit, files, sql
        )


def renames(*, there: bool = False) -> Iterator[tuple[str, Edit, Callable[[Path], None], str]]:
    """Yield what is renamed, how, and in which database; with ``there``, one in which it can be."""

    def racks(projects: dict[Side, Project]) -> None:
        for project in projects.values():
            project.models[SHELF].meta["db_table"] = "'stock_racks'"

    def located(projects: dict[Side, Project]) -> None:
        for project in projects.values():
            fields = project.models[SHELF].fields
            fields["location"] = fields.pop("address")

    def boxes(projects: dict[Side, Project]) -> None:
        projects["backend"].models["Box"] = Model("Box", {"id": KEY}, {"db_table": "'stock_box'"})

    done = "" if there else "ALTER TABLE stock_shelves RENAME {};"
    yield (
        "a table was renamed before",
        racks,
        _history("AlterModelTable('shelf', 'stock_racks')"),
        done.format("TO stock_racks") + CRATES.format("stock_crate"),
    )
    yield (
        "a field was renamed before",
        located,
        _history("RenameField('shelf', 'address', 'location')"),
        done.format("address TO location") + CRATES.format("stock_crate"),
    )
    yield (
        "a model was renamed before",
        boxes,
        _history("RenameModel('Crate', 'Box')"),
        CRATES.format("stock_crate" if there else "stock_box"),
    )


def _history(operation: str) -> Callable[[Path], None]:
    """Give the backend a migration that was applied, and one that was not."""
    text = "from django.db import migrations, models\n\n\nclass Migration(migrations.Migration):\n    dependencies = [('stock', {!r})]\n    operations = [migrations.{}]\n"
    crates = "CreateModel('Crate', [('id', models.BigAutoField(primary_key=True))])"

    def change(folder: Path) -> None:
        place = folder / "backend/apps/stock/migrations"
        (place / "0002_crates.py").write_text(text.format("0001_initial", crates))
        (place / "0003_renames.py").write_text(text.format("0002_crates", operation))

    return change


_TWINS: tuple[tuple[str, Edit | None, str], ...] = (
    ("nothing", None, ""),
    ("limits as a Q", field("keeper", limit_choices_to="models.Q(is_active=True)"), ""),
    ("other words", field("keeper", help_text="'who keeps it'", verbose_name="'the keeper'"), ""),
    ("the latest by a list", meta("get_latest_by", "'made_at'", "['made_at']"), ""),
    ("array choices the other way round", field("colours", to="models.CharField(max_length=9, choices=[('blue', 'Azul'), ('red', 'Rojo')])"), ""),
    ("an index that includes more than models say", None, _again("stock_state_idx", "(state) INCLUDE (code, room)", constraint=False)),
    ("an index of another name, with all its parts", None, "ALTER INDEX stock_state_idx RENAME TO elsewhere"),
    ("an index read backwards", None, _again("stock_newest", "(state DESC, made_at)", constraint=False)),
    ("a second index for LIKE", None, f"CREATE INDEX elsewhere ON {SHELVES} (code varchar_pattern_ops)"),
    ("NULLs distinct, written down", meta("constraints", "include=['state'], ", "include=['state'], nulls_distinct=True, "), ""),
    ("a permission is granted that both know", None, GRANT.format("change_shelf")),
    ("a permission is granted that no model knows", None,
     "INSERT INTO auth_permission (name, content_type_id, codename) SELECT 'Old', id, 'old' FROM django_content_type WHERE model = 'shelf'; " + GRANT.format("old")),
    ("a computed value written otherwise", field("shown", expression="Coalesce(Upper(models.F('room')), models.Value('none'))"), ""),
    ("a default written as an expression", field("count", db_default="models.Value(0)"), ""),
    ("a default with a cast", None, f"ALTER TABLE {SHELVES} ALTER state SET DEFAULT 'new'::text, ALTER count SET DEFAULT '0'"),
    ("two defaults that say now", None, f"ALTER TABLE {SHELVES} ALTER made_at SET DEFAULT CURRENT_TIMESTAMP"),
)  # fmt: skip
_TIDY = (
    "UPDATE stock_shelves SET found = NULL WHERE id = 1",
    "UPDATE stock_shelves SET facts = '{\"a\": [1]}', found = '[]', room = NULL WHERE id = 1",
    "UPDATE auth_user SET first_name = ''",
    "UPDATE stock_shelves SET opens = '23:59:59', lasts = '3 days', during = '[2020-01-01,)' WHERE id = 1",
    "UPDATE stock_shelves SET colours = '{}' WHERE id = 1",
    "UPDATE stock_shelves SET found = to_jsonb(CASE id WHEN 1 THEN '1' ELSE 'x' END)",
)


def _set(**settings: str) -> Edit:
    return lambda projects: projects["backend"].settings.update(settings)


CACHED = "CREATE TABLE cached (cache_key varchar(255) PRIMARY KEY, value text NOT NULL, expires timestamptz NOT NULL); GRANT ALL ON cached TO drift_original, drift_backend"
_SETTINGS: tuple[tuple[str, Edit | None, str], ...] = (
    ("Django's own values, written down", _set(SESSION_SAVE_EVERY_REQUEST="False", CSRF_COOKIE_PATH="'/'", DEFAULT_HASHING_ALGORITHM="'sha256'", FILE_UPLOAD_PERMISSIONS="0o644", DATA_UPLOAD_MAX_NUMBER_FIELDS="1_000"), ""),
    ("a cache in a table that is there", _set(CACHES="{'default': {'BACKEND': 'django.core.cache.backends.db.DatabaseCache', 'LOCATION': 'cached'}}"), CACHED),
    ("a cache in memory", _set(CACHES="{'default': {'BACKEND': 'django.core.cache.backends.locmem.LocMemCache'}}"), ""),
)  # fmt: skip


def twins() -> Iterator[Drift]:
    """Yield the harmless changes."""
    for what, edit, sql in _SETTINGS:
        yield Drift(f"{DECLARED.name}: {what}", "benign", DECLARED.name, "", "", "safe", edit, sql=sql)
    for what, edit, sql in _TWINS:
        yield Drift(f"{DECLARED.name}: {what}", "benign", DECLARED.name, "", "", "safe", edit, sql=sql)
    for sql in _TIDY:
        yield Drift(f"{DECLARED.name} row: {sql}", "data", DECLARED.name, "", "", "safe", sql=sql)
