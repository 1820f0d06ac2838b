"""Harmless changes: the check must not call them risky or breaking."""

# ruff: noqa: E501, S608 - statements and rows of a table are read best on one line

from collections.abc import Callable, Iterator
from pathlib import Path

from handover.side import Side
from handover_testing.drifts import alike, declared
from handover_testing.drifts.drift import Drift, Edit
from handover_testing.drifts.other_drifts import both_keep_sessions, both_trees
from handover_testing.drifts.projects import Model, Project, f
from handover_testing.drifts.shapes import DANCE, LAB, LIBRARY, SHOP, Shape

NEW = {SHOP.name: "Order", LIBRARY.name: "Reader", LAB.name: "Sample", DANCE.name: "Task"}


def changes() -> Iterator[Drift]:
    """Yield every benign change."""
    for shape in (SHOP, LIBRARY, LAB, DANCE):
        yield _benign(shape, "nothing")
        yield _new_nullable_column(shape)
        yield _unknown_nullable_column(shape)
        yield _python_names(shape)
    yield from _indexes()
    yield from _defaults()
    yield from _apps_and_settings()
    yield from _keys()
    yield from _own_tables()
    yield from _squashed()
    yield from _sessions()
    yield from alike.twins()
    yield from declared.twins()


def _benign(
    shape: Shape, what: str, *, edit: Edit | None = None, files: Callable[[Path], None] | None = None, sql: str = ""
) -> Drift:
    return Drift(f"{shape.name}: {what}", "benign", shape.name, "", "", "safe", edit=edit, files=files, sql=sql)


def _field(model: str, name: str, **options: str | None) -> Edit:
    def edit(projects: dict[Side, Project]) -> None:
        field = projects["backend"].models[model].fields[name]
        for option, value in options.items():
            if value is None:
                field.options.pop(option)
            else:
                field.options[option] = value

    return edit


def _meta(model: str, **options: str | None) -> Edit:
    def edit(projects: dict[Side, Project]) -> None:
        meta = projects["backend"].models[model].meta
        for option, value in options.items():
            if value is None:
                meta.pop(option)
            else:
                meta[option] = value

    return edit


def _setting(name: str, value: str) -> Edit:
    def edit(projects: dict[Side, Project]) -> None:
        projects["backend"].settings[name] = value

    return edit


def _new_nullable_column(shape: Shape) -> Drift:
    """The addition that the strategy documents as safe."""
    table = shape.project.models[NEW[shape.name]].table

    def edit(projects: dict[Side, Project]) -> None:
        projects["backend"].models[NEW[shape.name]].fields["new_job"] = f(
            "CharField", max_length="500", null="True", blank="True"
        )

    return _benign(shape, "a new nullable column", edit=edit, sql=f"ALTER TABLE {table} ADD new_job varchar(500)")


def _unknown_nullable_column(shape: Shape) -> Drift:
    table = shape.project.models[NEW[shape.name]].table
    sql = f"ALTER TABLE {table} ADD by_hand jsonb, ADD at_hand timestamptz DEFAULT now()"
    return _benign(shape, "nullable columns that no model knows", sql=sql)


def _python_names(shape: Shape) -> Drift:
    def edit(projects: dict[Side, Project]) -> None:
        for model in projects["backend"].models.values():
            model.meta["verbose_name"] = "'something for people'"
            for name, field in model.fields.items():
                if field.kind not in ("ManyToManyField", "postgres.ArrayField"):
                    field.options["verbose_name"] = repr(f"the {name}")
                    field.options["help_text"] = "'to be filled in'"

    return _benign(shape, "other words for people", edit=edit)


def _indexes() -> Iterator[Drift]:
    yield _benign(SHOP, "an index more in the database", sql="CREATE INDEX by_hand ON shop_orders (due_on)")
    yield _benign(LAB, "a GIN index more in the database", sql="CREATE INDEX by_hand ON lab_samples USING gin (tags)")
    yield _benign(LIBRARY, "the model forgets an index", edit=_field("Work", "title", db_index=None))
    yield _benign(SHOP, "an index of another name", sql="ALTER INDEX shop_customer_status_idx RENAME TO by_hand")
    yield _benign(
        DANCE,
        "the index of Meta written at the field",
        edit=_meta("Task", indexes="[models.Index(fields=['user', 'status'], name='elsewhere_idx')]"),
    )
    yield _benign(
        SHOP, "an index that includes a column", sql="CREATE INDEX by_hand ON shop_orders (number) INCLUDE (total)"
    )
    yield _benign(
        LIBRARY, "unique_together as a constraint",
        edit=_meta("Loan", unique_together=None, constraints="[models.UniqueConstraint(fields=['reader', 'book', 'lent_at'], name='once')]"),
    )  # fmt: skip
    yield _benign(SHOP, "unique as a constraint", edit=_unique_as_constraint)


def _unique_as_constraint(projects: dict[Side, Project]) -> None:
    order = projects["backend"].models["Order"]
    del order.fields["number"].options["unique"]
    order.fields["number"].options["db_index"] = "True"
    order.meta["constraints"] = (
        order.meta["constraints"][:-1] + ", models.UniqueConstraint(fields=['number'], name='number_once')]"
    )


def _defaults() -> Iterator[Drift]:
    yield _benign(
        SHOP,
        "a default in the database that no model relies on",
        sql="ALTER TABLE shop_orders ALTER paid SET DEFAULT false",
    )
    yield _benign(DANCE, "an empty default, written down", edit=_field("Dancer", "display_name", default="''"))
    yield _benign(
        DANCE,
        "choices in another order",
        edit=_field("Task", "status", choices="[('running', 'läuft'), ('completed', 'fertig'), ('started', 'neu')]"),
    )
    yield _benign(
        SHOP,
        "choices in groups",
        edit=_field("Order", "status", choices="[('open', [('new', 'New'), ('paid', 'Paid')]), ('sent', 'Sent')]"),
    )

    def enum(projects: dict[Side, Project]) -> None:
        backend = projects["backend"]
        backend.preamble += "\n\n\nclass Status(models.TextChoices):\n    STARTED = 'started'\n    RUNNING = 'running'\n    COMPLETED = 'completed'\n"
        backend.models["Task"].fields["status"].options |= {"choices": "Status.choices", "default": "Status.STARTED"}

    yield _benign(DANCE, "choices as an enum", edit=enum)
    told = "    step = 5\n\n    class TreeMeta:\n        by = 'title'\n\n"
    newer = both_trees("class Task(models.Model):\n", told, told, extra="another")
    yield _benign(DANCE, "a library whose version has another option", files=newer)
    yield _benign(LIBRARY, "a default of None, written down", edit=_field("Loan", "returned_at", default="None"))
    yield _benign(LIBRARY, "a default with more places", edit=_field("Loan", "fine", default="'0.00'"))
    yield _benign(DANCE, "a folder without its last slash", edit=_field("Video", "path", upload_to="'videos/%Y/%m'"))
    yield _benign(LIBRARY, "a default written as a float", edit=_field("Loan", "fine", default="0.0 * 1"))

    def own_class(projects: dict[Side, Project]) -> None:
        backend = projects["backend"]
        backend.preamble += "\n\n\nclass Title(models.CharField):\n    pass\n"
        backend.models["Video"].fields["title"].kind = "Title"

    def as_own(folder: Path) -> None:
        file = folder / "backend/apps/dance/models.py"
        file.write_text(file.read_text().replace("models.Title(", "Title("))

    yield _benign(DANCE, "a subclass of a field", edit=own_class, files=as_own)


def _same_code(folder: Path) -> None:
    """Both systems have a manager, a save and a field of their own, word for word."""
    own = (
        "class Lower(models.CharField):\n    def get_prep_value(self, value):\n        return value.lower()\n\n\n"
        "class Finder(models.Manager):\n    def get_queryset(self):\n"
        "        return super().get_queryset().filter(created_at__lt=timezone.now())\n\n\n"
        "class Task(models.Model):\n    objects = Finder()\n\n"
        "    def save(self, *args, **more):\n        super().save(*args, **more)\n"
    )
    for file in ("original/dance/models.py", "backend/apps/dance/models.py"):
        path = folder / file
        text = path.read_text().replace("class Task(models.Model):\n", own)
        path.write_text(text.replace("title = models.CharField(", "title = Lower("))


def _apps_and_settings() -> Iterator[Drift]:
    yield _benign(
        SHOP,
        "an app without models more",
        edit=lambda projects: setattr(projects["backend"], "apps", ("django.contrib.humanize",)),
    )
    yield _benign(SHOP, "settings that do not matter to the pair", edit=_setting("DEBUG", "True"))
    yield _benign(SHOP, "every host is allowed", edit=_setting("ALLOWED_HOSTS", "['*']"))
    yield _benign(DANCE, "every host of the domain is allowed", edit=_setting("ALLOWED_HOSTS", "['.compas.test']"))
    yield _benign(DANCE, "both save, find and convert by the same code of their own", files=_same_code)
    yield _benign(DANCE, "another language", edit=_setting("LANGUAGE_CODE", "'es'"))
    yield _benign(DANCE, "connections are kept", edit=_setting("DATABASES['default']['CONN_MAX_AGE']", "60"))
    yield _benign(
        SHOP,
        "backends as a tuple",
        edit=_setting("AUTHENTICATION_BACKENDS", "('django.contrib.auth.backends.ModelBackend',)"),
    )
    storage = "{'default': {'BACKEND': 'storages.Files'}, 'staticfiles': {'BACKEND': 'django.contrib.staticfiles.storage.StaticFilesStorage'}}"

    def files(folder: Path) -> None:
        text = (
            "from django.core.files.storage import FileSystemStorage\n\n\nclass Files(FileSystemStorage):\n    pass\n"
        )
        (folder / "backend" / "storages.py").write_text(text)

    yield _benign(DANCE, "a storage of one's own on the same folder", edit=_setting("STORAGES", storage), files=files)
    yield _benign(DANCE, "the media root with a slash", edit=_setting("MEDIA_ROOT", "os.environ['MEDIA_ROOT'] + '/'"))


def _keys() -> Iterator[Drift]:
    """Serial keys, as Django made them before 4.1."""
    for shape, table in ((SHOP, "shop_orders"), (LIBRARY, "library_readers")):
        sql = (
            f"ALTER TABLE {table} ALTER id DROP IDENTITY; CREATE SEQUENCE by_hand; ALTER SEQUENCE by_hand OWNER TO owner; "
            f"ALTER SEQUENCE by_hand OWNED BY {table}.id; ALTER TABLE {table} ALTER id SET DEFAULT nextval('by_hand'); "
            f"SELECT setval('by_hand', max(id)) FROM {table}; "
            "GRANT USAGE ON SEQUENCE by_hand TO drift_original, drift_backend"
        )
        yield _benign(shape, "a serial key", sql=sql)
    for_all = "SET session_replication_role = replica; UPDATE {0} SET task_id = 'task ' || left(task_id, 20)"
    yield _benign(DANCE, "keys as long as UUIDs that are none", sql=for_all.format("dance_tasks"))
    yield _benign(SHOP, "keys that go on further up", sql="ALTER TABLE auth_user ALTER id RESTART WITH 1000")
    cascade = "ALTER TABLE dance_tasks DROP CONSTRAINT {0}, ADD CONSTRAINT {0} FOREIGN KEY (user_id) REFERENCES dancers (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED"
    find = "DO $$ DECLARE n text; BEGIN SELECT conname INTO n FROM pg_constraint WHERE conrelid = 'dance_tasks'::regclass AND contype = 'f'; EXECUTE format('{0}', n); END $$"
    yield _benign(DANCE, "the database cascades as the models do", sql=find.format(cascade.replace("{0}", "%1$I")))
    yield _benign(
        DANCE, "the backend leaves the cascade to the database",
        edit=_field("Task", "user", on_delete="models.DO_NOTHING"), sql=find.format(cascade.replace("{0}", "%1$I")),
    )  # fmt: skip


def _own_tables() -> Iterator[Drift]:
    key = f("ForeignKey", "settings.AUTH_USER_MODEL", on_delete="models.CASCADE", related_name="'+'")
    table = "CREATE TABLE tokens (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, user_id {0} NOT NULL REFERENCES {1} ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED); CREATE INDEX ON tokens (user_id); GRANT ALL ON tokens TO drift_backend"

    def edit(projects: dict[Side, Project]) -> None:
        fields = {"id": f("BigAutoField", primary_key="True"), "user": key}
        projects["backend"].models["Token"] = Model("Token", fields, {"db_table": "'tokens'"})

    yield _benign(
        DANCE,
        "a table of the backend's own that the database empties",
        edit=edit,
        sql=table.format("bigint", "dancers"),
    )
    yield _benign(
        SHOP, "a table of the backend's own in an auth_user project", edit=edit, sql=table.format("int", "auth_user")
    )
    yield _benign(
        SHOP, "a table that no model knows", sql="CREATE TABLE by_hand (id int PRIMARY KEY, note text NOT NULL)"
    )
    yield _benign(LIBRARY, "a view that no model knows", sql="CREATE VIEW by_hand AS SELECT * FROM library_readers")

    def proxy(projects: dict[Side, Project]) -> None:
        projects["backend"].models["Active"] = Model("Active", {}, {"proxy": "True"}, base="Task")

    yield _benign(DANCE, "a proxy of the backend", edit=proxy)

    def unmanaged(projects: dict[Side, Project]) -> None:
        fields = {"id": f("BigAutoField", primary_key="True")}
        projects["backend"].models["Elsewhere"] = Model(
            "Elsewhere", fields, {"db_table": "'elsewhere'", "managed": "False"}
        )

    table = "CREATE TABLE elsewhere (id bigint, more text); GRANT ALL ON elsewhere TO drift_backend"
    yield _benign(DANCE, "a model of another owner's table", edit=unmanaged, sql=table)


def _squashed() -> Iterator[Drift]:
    def squash(folder: Path) -> None:
        """The backend's first migration stands for two of the original; the history holds those."""
        file = folder / "backend/apps/dance/migrations/0001_initial.py"
        text = file.read_text().replace(
            "    initial = True\n",
            "    initial = True\n    replaces = [('dance', '0001_initial'), ('dance', '0002_empty')]\n",
        )
        file.rename(file.with_name("0001_squashed.py")).write_text(text)
        empty = "from django.db import migrations\n\n\nclass Migration(migrations.Migration):\n    dependencies = [('dance', '0001_initial')]\n    operations = []\n"
        (folder / "original/dance/migrations/0002_empty.py").write_text(empty)

    record = "INSERT INTO django_migrations (app, name, applied) VALUES ('dance', '0002_empty', now())"
    yield _benign(DANCE, "a squashed migration", files=squash, sql=record)


def _sessions() -> Iterator[Drift]:
    begin = "DO $$ BEGIN EXECUTE format('ALTER {0} SET {1}', current_database()); END $$"
    for who, what in (
        ("DATABASE %I", "statement_timeout = 60000"),
        ("DATABASE %I", "default_transaction_read_only = off"),
        ("ROLE drift_backend IN DATABASE %I", "work_mem = 65536"),
        ("ROLE drift_backend IN DATABASE %I", "log_min_duration_statement = 100"),
        ("ROLE drift_backend IN DATABASE %I", "tcp_keepalives_idle = 10"),
        ("ROLE drift_backend IN DATABASE %I", "client_connection_check_interval = 10000"),
        ("ROLE drift_original IN DATABASE %I", "search_path = public, pg_catalog"),
    ):
        yield _benign(SHOP, f"{who} SET {what}", sql=begin.format(who, what))
    yield _benign(DANCE, "this machine by its name", edit=_setting("DATABASES['default']['HOST']", "'localhost'"))
    redis = "{'default': {'BACKEND': 'django.core.cache.backends.redis.RedisCache', 'LOCATION': 'redis://a:6379'}}"
    for engine, name, value in (("cache", "CACHES", redis), ("file", "SESSION_FILE_PATH", "'/srv/sessions'")):
        kept = both_keep_sessions(engine, name, (value, value))
        yield _benign(DANCE, f"both keep sessions in one {engine}", edit=kept)
    options = "{'options': '-c search_path=elsewhere,\\\\ public -c application_name=backend'}"
    yield _benign(DANCE, "a search path with a blank", edit=_setting("DATABASES['default']['OPTIONS']", options))
    sql = (
        "DO $$ BEGIN CREATE ROLE drift_login LOGIN IN ROLE drift_backend; "
        "EXCEPTION WHEN duplicate_object THEN NULL; END $$"
    )

    def assumed(projects: dict[Side, Project]) -> None:
        projects["backend"].settings["DATABASES['default']['USER']"] = "'drift_login'"
        projects["backend"].settings["DATABASES['default']['OPTIONS']"] = "{'assume_role': 'drift_backend'}"

    yield _benign(DANCE, "the backend logs in as one role and acts as another", edit=assumed, sql=sql)
