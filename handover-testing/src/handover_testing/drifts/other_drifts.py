"""Drifts of settings, of migration histories, of roles, and of rows."""

# ruff: noqa: E501, S608, PLC0415 - statements and rows of a table are read best on one line

from collections.abc import Callable, Iterator
from pathlib import Path

from handover.finding import Severity
from handover.side import Side
from handover_testing.drifts.drift import Drift, Edit
from handover_testing.drifts.projects import Project
from handover_testing.drifts.shapes import DANCE, LAB, LIBRARY, SHOP, Shape

STORAGE = "{{'default': {{'BACKEND': {0!r}, 'OPTIONS': {1}}}, 'staticfiles': {{'BACKEND': 'django.contrib.staticfiles.storage.StaticFilesStorage'}}}}"
FILES = "django.core.files.storage.FileSystemStorage"
AUTH = "django.contrib.auth"
# Setting → (value, rule, what stands in the place, severity).
SETTINGS: dict[str, list[tuple[str, str, str, Severity]]] = {
    "SECRET_KEY": [("'another key, of which the other system knows nothing at all'", "HO183", "SECRET_KEY", "breaking")],
    "SESSION_ENGINE": [
        ("'django.contrib.sessions.backends.cache'", "HO182", "SESSION_ENGINE", "breaking"),
        ("'django.contrib.sessions.backends.signed_cookies'", "HO182", "SESSION_ENGINE", "breaking"),
    ],
    "SESSION_SERIALIZER": [("'somewhere.Serializer'", "HO182", "SESSION_SERIALIZER", "breaking")],
    "SESSION_COOKIE_NAME": [("'sid'", "HO182", "SESSION_COOKIE", "breaking")],
    "SESSION_COOKIE_DOMAIN": [("'.example.org'", "HO182", "SESSION_COOKIE", "breaking")],
    "SESSION_COOKIE_PATH": [("'/app'", "HO182", "SESSION_COOKIE", "breaking")],
    "SESSION_COOKIE_AGE": [("3600", "HO182", "SESSION_COOKIE_AGE", "risky")],
    "CSRF_COOKIE_NAME": [("'token'", "HO194", "CSRF", "risky")],
    "CSRF_USE_SESSIONS": [("True", "HO194", "CSRF", "risky")],
    "CSRF_TRUSTED_ORIGINS": [("['https://*.example.org']", "HO194", "CSRF_TRUSTED_ORIGINS", "risky")],
    "SECURE_PROXY_SSL_HEADER": [("('HTTP_X_FORWARDED_PROTO', 'https')", "HO194", "SECURE_PROXY_SSL_HEADER", "risky")],
    "ALLOWED_HOSTS": [
        ("['www.compas.example', '.www.compas.test.uk']", "HO199", "ALLOWED_HOSTS", "breaking"),
        ("[]", "HO199", "ALLOWED_HOSTS", "breaking"),
    ],
    "AUTHENTICATION_BACKENDS": [
        (f"['{AUTH}.backends.AllowAllUsersModelBackend']", "HO184", "AUTHENTICATION", "breaking"),
        (f"['{AUTH}.backends.ModelBackend', '{AUTH}.backends.RemoteUserBackend']", "HO184", "AUTHENTICATION", "breaking"),
    ],
    "PASSWORD_HASHERS": [
        ("['pinned.PinnedHasher']", "HO181", "PASSWORD_HASHERS", "breaking"),
        (f"['{AUTH}.hashers.ScryptPasswordHasher', 'pinned.PinnedHasher', '{AUTH}.hashers.PBKDF2SHA1PasswordHasher']",
         "HO181", "PASSWORD_HASHERS", "breaking"),
        (f"['{AUTH}.hashers.PBKDF2PasswordHasher', '{AUTH}.hashers.PBKDF2SHA1PasswordHasher']", "HO181", "hasher", "risky"),
        (f"['{AUTH}.hashers.PBKDF2SHA1PasswordHasher', 'pinned.PinnedHasher']", "HO181", "hasher", "risky"),
    ],
    "AUTH_PASSWORD_VALIDATORS": [
        (f"[{{'NAME': '{AUTH}.password_validation.NumericPasswordValidator'}}]", "HO188", "VALIDATORS", "risky"),
        (f"[{{'NAME': '{AUTH}.password_validation.MinimumLengthValidator', 'OPTIONS': {{'min_length': 12}}}}]",
         "HO188", "VALIDATORS", "risky"),
    ],
    "USE_TZ": [("False", "HO186", "USE_TZ", "breaking")],
    "TIME_ZONE": [("'Europe/Madrid'", "HO186", "TIME_ZONE", "risky")],
    "DEFAULT_AUTO_FIELD": [("'django.db.models.AutoField'", "HO187", "DEFAULT_AUTO_FIELD", "risky")],
    "MEDIA_ROOT": [("'/somewhere/else'", "HO200", "storage", "breaking")],
    "STORAGES": [
        (STORAGE.format(FILES, "{'location': '/srv/media'}"), "HO200", "storage", "breaking"),
        (STORAGE.format("django.core.files.storage.InMemoryStorage", "{}"), "HO200", "storage", "breaking"),
    ],
    "DATABASES['default']['NAME']": [("'elsewhere'", "HO189", "database", "breaking")],
    "DATABASES['default']['HOST']": [("'staging.example.org'", "HO189", "address", "risky")],
    "DATABASES['default']['PORT']": [("'6543'", "HO189", "address", "risky")],
    "DATABASES['default']['USER']": [("'nobody_knows'", "HO190", "role", "breaking")],
    "DATABASES['default']['ATOMIC_REQUESTS']": [("True", "HO189", "ATOMIC_REQUESTS", "risky")],
    "DATABASES['default']['TIME_ZONE']": [("'Europe/Madrid'", "HO186", "TIME_ZONE", "breaking")],
    "DATABASES['default']['OPTIONS']": [
        ("{'isolation_level': 4}", "HO189", "OPTIONS", "risky"),
        ("{'options': '-c statement_timeout=1'}", "HO198", "statement_timeout", "risky"),
        ("{'options': '-c  default_transaction_read_only=on'}", "HO198", "default_transaction_read_only", "breaking"),
        ("{'assume_role': 'drift_nobody'}", "HO190", "role drift_nobody", "breaking"),
    ],
    "DATABASE_ROUTERS": [("['somewhere.Router']", "HO196", "DATABASE_ROUTERS", "unseen")],
    "SIGNING_BACKEND": [("'somewhere.Signer'", "HO168", "SIGNING_BACKEND", "risky")],
    "DEFAULT_HASHING_ALGORITHM": [("'sha1'", "HO168", "DEFAULT_HASHING_ALGORITHM", "breaking")],
    "SESSION_SAVE_EVERY_REQUEST": [("True", "HO168", "SESSION_SAVE_EVERY_REQUEST", "risky")],
    "SESSION_EXPIRE_AT_BROWSER_CLOSE": [("True", "HO168", "SESSION_EXPIRE_AT_BROWSER_CLOSE", "risky")],
    "SESSION_COOKIE_SECURE": [("True", "HO168", "SESSION_COOKIE_SECURE", "risky")],
    "SESSION_COOKIE_SAMESITE": [("'None'", "HO168", "SESSION_COOKIE_SAMESITE", "risky")],
    "CSRF_COOKIE_PATH": [("'/app'", "HO168", "CSRF_COOKIE_PATH", "risky")],
    "CSRF_HEADER_NAME": [("'HTTP_X_XSRF'", "HO168", "CSRF_HEADER_NAME", "risky")],
    "CSRF_COOKIE_HTTPONLY": [("True", "HO168", "CSRF_COOKIE_HTTPONLY", "risky")],
    "USE_X_FORWARDED_HOST": [("True", "HO168", "USE_X_FORWARDED_HOST", "risky")],
    "DATA_UPLOAD_MAX_MEMORY_SIZE": [("1000", "HO168", "DATA_UPLOAD_MAX_MEMORY_SIZE", "risky")],
    "DATA_UPLOAD_MAX_NUMBER_FIELDS": [("None", "HO168", "DATA_UPLOAD_MAX_NUMBER_FIELDS", "risky")],
    "PASSWORD_RESET_TIMEOUT": [("60", "HO168", "PASSWORD_RESET_TIMEOUT", "risky")],
    "SITE_ID": [("2", "HO168", "SITE_ID", "risky")],
    "DATABASES['default']['AUTOCOMMIT']": [("False", "HO168", "AUTOCOMMIT", "risky")],
    "CACHES": [("{'default': {'BACKEND': 'django.core.cache.backends.db.DatabaseCache', 'LOCATION': 'cached'}}", "HO108", "cached", "breaking")],
    "FILE_UPLOAD_PERMISSIONS": [("0o600", "HO169", "storage", "risky")],
    "FILE_UPLOAD_DIRECTORY_PERMISSIONS": [("0o700", "HO169", "storage", "risky")],
    "MEDIA_URL": [("'/files/'", "HO169", "storage", "risky")],
    "no_such_name": [("undefined_name", "HO104", "settings", "breaking")],
}  # fmt: skip


def drifts() -> Iterator[Drift]:
    """Yield the drifts of settings, histories and roles."""
    yield from _settings()
    yield from _session_stores()
    yield from _code()
    yield from _own_code()
    yield from _heard_between()
    yield from _trees()
    yield from _overwriting_stores()
    for shape in (SHOP, DANCE):
        yield from _histories(shape)
    yield from _migration_files()
    yield from _permissions()
    yield from _roles()
    yield from _additions()
    yield from not_here()


def _settings() -> Iterator[Drift]:
    for name, values in SETTINGS.items():
        for number, (value, code, place, severity) in enumerate(values, 1):
            for side in ("original", "backend"):
                shape = SHOP if number % 2 else DANCE
                yield Drift(
                    f"{shape.name} {side} {name} {number}", "settings", shape.name, code, place, severity,
                    edit=_setting(side, name, value),
                )  # fmt: skip


def _session_stores() -> Iterator[Drift]:
    """Both systems keep sessions outside the database, and not in one place."""
    memory = "{'default': {'BACKEND': 'django.core.cache.backends.locmem.LocMemCache'}}"
    redis = "{{'default': {{'BACKEND': 'django.core.cache.backends.redis.RedisCache', 'LOCATION': 'redis://{}:6379'}}}}"
    for engine, name, values, severity in (
        ("cache", "CACHES", (memory, memory), "breaking"),
        ("cache", "CACHES", (redis.format("a"), redis.format("b")), "breaking"),
        ("cached_db", "CACHES", (redis.format("a"), redis.format("b")), "risky"),
        ("file", "SESSION_FILE_PATH", ("'/srv/a'", "'/srv/b'"), "breaking"),
    ):
        yield Drift(
            f"sessions of {engine}: {values[1]}", "settings", DANCE.name, "HO182", "SESSION_", severity,
            edit=both_keep_sessions(engine, name, values),
        )  # fmt: skip


def both_keep_sessions(engine: str, name: str, values: tuple[str, str]) -> Edit:
    """Return an edit by which both systems use an engine for sessions, each with its value of a setting."""

    def edit(projects: dict[Side, Project]) -> None:
        for side, value in zip(("original", "backend"), values, strict=True):
            settings = projects[side].settings
            settings["SESSION_ENGINE"], settings[name] = f"'django.contrib.sessions.backends.{engine}'", value

    return edit


def _setting(side: Side, name: str, value: str):
    def edit(projects: dict[Side, Project]) -> None:
        projects[side].settings[name] = value

    return edit


def _own_code() -> Iterator[Drift]:
    """One system runs code of its own where the other runs Django's."""
    task = "class Task(models.Model):\n"
    manager = (
        "class Finder(models.Manager):\n    def get_queryset(self):\n        return super().get_queryset().{}\n\n\n"
        f"{task}    objects = Finder()\n"
    )
    method = task + "    {}\n    def {}:\n        return super().{}\n\n"
    listener = (
        f"def heard(sender, **what):\n    pass\n\n\nmodels.signals.{{}}.connect(heard, sender='dance.Task')\n\n\n{task}"
    )
    lower = {task: "class Lower(models.CharField):\n    def get_prep_value(self, value):\n        return value.lower()\n\n\n" + task,
             "title = models.CharField(": "title = Lower("}  # fmt: skip
    bulk = f"class Own(models.{{}}):\n    def {{}}:\n        return super().{{}}\n\n\n{task}    objects = {{}}\n\n"
    selected = {task: "class Upper(models.CharField):\n    def select_format(self, compiler, sql, params):\n        return f'upper({sql})', params\n\n\n" + task,
                "title = models.CharField(": "title = Upper("}  # fmt: skip
    got = {task: "class Read(models.query_utils.DeferredAttribute):\n    pass\n\n\nclass Shown(models.CharField):\n    descriptor_class = Read\n\n\n" + task,
           "title = models.CharField(": "title = Shown("}  # fmt: skip
    guard = "class Guard:\n    def __init__(self, action):\n        self.action = action\n\n    def __call__(self, *a):\n        self.action(*a)\n\n\n"
    guarded = {task: guard + task, "on_delete=models.CASCADE": "on_delete=Guard(models.SET_NULL)"}
    exact = {task: "import json\n\n\nclass Exact(json.JSONDecoder):\n    pass\n\n\n" + task,
             "result = models.JSONField(": "result = models.JSONField(decoder=Exact, "}  # fmt: skip
    for what, code, place, severity, changes in (
        ("its manager hides rows", "HO123", "dance_tasks", "breaking", {task: manager.format("exclude(status='failed')")}),
        ("its manager joins", "HO123", "dance_tasks", "breaking", {task: manager.format("filter(user__is_active=True)")}),
        ("its manager looks at the clock", "HO123", "dance_tasks", "breaking",
         {task: manager.format("filter(created_at__lt=timezone.now())")}),
        ("its manager finds nothing", "HO123", "dance_tasks", "breaking", {task: manager.format("none()")}),
        ("its manager raises", "HO123", "dance_tasks", "unseen", {task: manager.format("no_such_method()")}),
        ("it saves otherwise", "HO125", "dance_tasks", "risky", {task: method.format("", "save(self, *a, **b)", "save(*a, **b)")}),
        ("it loads otherwise", "HO125", "dance_tasks", "risky", {task: method.format("@classmethod", "from_db(cls, *a)", "from_db(*a)")}),
        ("it is made otherwise", "HO125", "dance_tasks", "risky", {task: method.format("", "__init__(self, *a, **b)", "__init__(*a, **b)")}),
        ("it sets its fields otherwise", "HO125", "dance_tasks", "risky", {task: method.format("", "__setattr__(self, *a)", "__setattr__(*a)")}),
        ("it updates otherwise", "HO125", "dance_tasks", "risky", {task: method.format("", "_do_update(self, *a)", "_do_update(*a)")}),
        ("its manager makes rows otherwise", "HO125", "dance_tasks", "risky", {task: bulk.format("Manager", "create(self, **b)", "create(**b)", "Own()")}),
        ("its queryset updates otherwise", "HO125", "dance_tasks", "risky", {task: bulk.format("QuerySet", "update(self, **b)", "update(**b)", "Own.as_manager()")}),
        ("a receiver of its post_init", "HO125", "dance_tasks", "risky", {task: listener.format("post_init")}),
        ("its text is selected otherwise", "HO124", "dance_videos.title", "risky", selected),
        ("its text is got otherwise", "HO124", "dance_videos.title", "risky", got),
        ("a delete hides in an object", "HO114", "dance_tasks.user_id", "breaking", guarded),
        ("a receiver of its saves", "HO125", "dance_tasks", "risky", {task: listener.format("post_save")}),
        ("a receiver of its deletes", "HO125", "dance_tasks", "risky", {task: listener.format("pre_delete")}),
        ("its text is written otherwise", "HO124", "dance_videos.title", "risky", lower),
        ("its JSON is read otherwise", "HO124", "dance_tasks.result", "risky", exact),
    ):  # fmt: skip
        for side, file in (("original", "dance/models.py"), ("backend", "apps/dance/models.py")):
            yield Drift(
                f"dance {side}: {what}", f"{side} models", DANCE.name, code, place, severity,
                files=_rewritten(f"{side}/{file}", changes),
            )  # fmt: skip


def _heard_between() -> Iterator[Drift]:
    """A listener to the rows that join two models, which have no model in the code."""
    hear = "\n\ndef heard(**what):\n    pass\n\n\nmodels.signals.m2m_changed.connect(heard, sender=Reader.favourites.through)\n"
    for side, file in (("original", "library/models.py"), ("backend", "apps/library/models.py")):

        def append(folder: Path, path: str = f"{side}/{file}") -> None:
            (folder / path).write_text((folder / path).read_text() + hear)

        yield Drift(f"library {side}: a receiver of its favourites", f"{side} models", LIBRARY.name, "HO125",
                    "library_readers_favourites", "risky", files=append)  # fmt: skip


TREE = """class Node:
    step, order, {extra} = 4, (), 0


Node.__module__ = "trees.models"


"""


def _trees() -> Iterator[Drift]:
    """What only a library's base class makes of a model: plain attributes, and a Meta of its own."""
    task = "class Task(models.Model):\n"
    for what, told, other in (
        ("another step", "    step = 4\n", "    step = 5\n"),
        ("another order", "    order = ['title']\n", "    order = ['title', 'id']\n"),
        ("another Meta of the library's", "    class TreeMeta:\n        by = 'title'\n\n", "    class TreeMeta:\n        by = 'id'\n\n"),
    ):  # fmt: skip
        yield Drift(f"dance: a tree with {what}", "backend models", DANCE.name, "HO126", "dance_tasks", "risky",
                    files=both_trees(task, told, other))  # fmt: skip


def both_trees(task: str, told: str, other: str, extra: str = "more") -> Callable[[Path], None]:
    """Let both systems build a model on a library, whose version in the backend may have an option more."""

    def change(folder: Path) -> None:
        for file, body, option in (("original/dance", told, "more"), ("backend/apps/dance", other, extra)):
            built = TREE.format(extra=option) + task.replace("(models", "(Node, models") + body
            _rewritten(f"{file}/models.py", {task: built})(folder)

    return change


def _rewritten(file: str, changes: dict[str, str]) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / file
        text = path.read_text()
        for old, new in changes.items():
            assert old in text, (old, path)
            text = text.replace(old, new)
        path.write_text(text)

    return change


def _overwriting_stores() -> Iterator[Drift]:
    bucket = (
        "\n\nfrom django.core.files.storage import Storage\n\n\nclass Bucket(Storage):\n    bucket_name = 'b'\n"
        "    file_overwrite = {}\n"
    )

    def overwrite(folder: Path, original: str = "False") -> None:
        for side, value in (("original", original), ("backend", "True")):
            (folder / side / "bucket.py").write_text(bucket.format(value))
            settings = folder / side / "settings.py"
            settings.write_text(f"{settings.read_text()}\nSTORAGES = {STORAGE.format('bucket.Bucket', '{}')}\n")

    yield Drift("file_overwrite of the backend", "settings", DANCE.name, "HO201", "storage", "risky", files=overwrite)
    yield Drift("file_overwrite of both", "settings", DANCE.name, "HO201", "storage", "risky",
                files=lambda folder: overwrite(folder, "True"))  # fmt: skip


def _code() -> Iterator[Drift]:
    """Drifts of code that models and settings name."""

    def appended(side: Side, file: str, text: str):
        def change(folder: Path) -> None:
            path = folder / side / file
            path.write_text(path.read_text() + text)

        return change

    def replaced(side: Side, file: str, old: str, new: str):
        return _rewritten(f"{side}/{file}", {old: new})

    models = "apps/lab/models.py"
    yield Drift("lab backend make_period does something else", "backend models", LAB.name, "HO112", "lab_samples.kept_for",
                "risky", files=replaced("backend", models, "days=30", "days=31"))  # fmt: skip
    yield Drift("lab backend folder_of does something else", "backend models", LAB.name, "HO118", "lab_samples.image",
                "risky", files=replaced("backend", models, "images/", "pictures/"))  # fmt: skip
    yield Drift("pinned hasher of the backend has other iterations", "settings", SHOP.name, "HO181", "hasher", "risky",
                files=replaced("backend", "pinned.py", "600_000", "700_000"))  # fmt: skip
    yield Drift("login by e-mail on the backend", "settings", DANCE.name, "HO185", "USERNAME_FIELD", "breaking",
                files=replaced("backend", "apps/dance/models.py", "class Dancer(AbstractUser):",
                               "class Dancer(AbstractUser):\n    USERNAME_FIELD = 'email'\n    REQUIRED_FIELDS = []\n"))  # fmt: skip
    for what, text in (
        ("has its own session hash", "    def get_session_auth_hash(self):\n        return 'x' * 40\n"),
        ("grants everything", "    def has_perm(self, perm, obj=None):\n        return True\n"),
    ):
        yield Drift(f"the user of the backend {what}", "settings", DANCE.name, "HO167", "user model", "risky",
                    files=replaced("backend", "apps/dance/models.py", "class Dancer(AbstractUser):", f"class Dancer(AbstractUser):\n{text}"))  # fmt: skip
    cached = (
        "CREATE TABLE cached (cache_key varchar(255) PRIMARY KEY, value text NOT NULL, expires timestamptz NOT NULL)"
    )
    yield Drift("a cache table that the backend may not use", "settings", SHOP.name, "HO108", "cached", "breaking",
                edit=_setting("backend", "CACHES", SETTINGS["CACHES"][0][0]), sql=cached)  # fmt: skip
    yield Drift("models of the backend do not import", "settings", SHOP.name, "HO104", "settings", "breaking",
                files=appended("backend", "apps/shop/models.py", "\nimport no_such_module\n"))  # fmt: skip
    yield Drift("models of the original have a syntax error", "settings", SHOP.name, "HO104", "settings", "breaking",
                files=appended("original", "shop/models.py", "\ndef broken(:\n"))  # fmt: skip
    yield Drift("a field's own storage on the backend", "settings", DANCE.name, "HO200", "dance_videos.path", "breaking",
                files=replaced("backend", "apps/dance/models.py", "upload_to='videos/%Y/%m/'",
                               "upload_to='videos/%Y/%m/', storage=__import__('django.core.files.storage', "
                               "fromlist=['x']).FileSystemStorage(location='/srv/videos')"))  # fmt: skip
    yield Drift("choices of the backend come from rows", "backend models", SHOP.name, "HO111", "shop_orders.status", "unseen",
                files=replaced("backend", "apps/shop/models.py", "choices=[('new', 'New'), ('paid', 'Paid'), ('sent', 'Sent')]",
                               "choices=lambda: [(str(c.pk), 'x') for c in Customer.objects.all()]"))  # fmt: skip
    yield Drift("a default in the database that is not there", "backend models", DANCE.name, "HO141", "dance_tasks.progress",
                "breaking", files=replaced("backend", "apps/dance/models.py", "progress = models.IntegerField(default=0)",
                                           "progress = models.IntegerField(db_default=0)"))  # fmt: skip
    yield Drift("a generated field on an ordinary column", "backend models", DANCE.name, "HO143", "dance_tasks.progress",
                "breaking", files=replaced("backend", "apps/dance/models.py", "progress = models.IntegerField(default=0)",
                                           "progress = models.GeneratedField(expression=models.Value(1), "
                                           "output_field=models.IntegerField(), db_persist=True)"))  # fmt: skip
    yield Drift("a key to another table", "backend models", LIBRARY.name, "HO122", "library_loans.reader_id", "breaking",
                files=replaced("backend", "apps/library/models.py", "reader = models.ForeignKey('Reader'",
                               "reader = models.ForeignKey('Work'"))  # fmt: skip
    yield Drift("a length that only Python checks", "backend models", SHOP.name, "HO121", "shop_customers.notes", "risky",
                files=replaced("backend", "apps/shop/models.py", "notes = models.TextField(",
                               "notes = models.TextField(max_length=40, "))  # fmt: skip


def _histories(shape: Shape) -> Iterator[Drift]:
    label = shape.project.label

    def drift(what: str, code: str, place: str, severity: Severity, sql: str) -> Drift:
        return Drift(f"{shape.name} history: {what}", "history", shape.name, code, place, severity, sql=sql)

    where = "DELETE FROM django_migrations WHERE app = {0!r} AND name LIKE {1!r}"
    first = f"{label}.0001_initial"
    yield drift("the first migration is forgotten", "HO173", first, "risky", where.format(label, "0001%"))
    yield drift("an early migration is forgotten", "HO175", "auth.0002", "breaking", where.format("auth", "0001%"))
    yield drift("sessions are forgotten", "HO173", "sessions.0001", "risky", where.format("sessions", "0001%"))
    yield drift(
        "content types are forgotten", "HO175", "contenttypes", "breaking", where.format("contenttypes", "0001%")
    )
    insert = "INSERT INTO django_migrations (app, name, applied) VALUES ({0!r}, {1!r}, now())"
    yield drift("one from the future", "HO174", f"{label}.0099_future", "risky", insert.format(label, "0099_future"))
    yield drift("one of Django's from the future", "HO174", "auth.0099", "risky", insert.format("auth", "0099_future"))
    yield drift("it is gone", "HO170", "django_migrations", "breaking", "DROP TABLE django_migrations")
    yield drift("it is empty", "HO173", first, "risky", "DELETE FROM django_migrations")
    table = next(iter(shape.project.models.values())).table
    yield drift("what it made is gone", "HO172", first, "breaking", f"DROP TABLE {table} CASCADE")


def _migration_files() -> Iterator[Drift]:
    """Migrations of the backend that are not those of the original, under names that the history knows."""

    def written(side: Side, name: str, operations: str, *, after: str):
        def change(folder: Path) -> None:
            package = "apps/dance" if side == "backend" else "dance"
            text = (
                "from django.db import migrations, models\n\n\nclass Migration(migrations.Migration):\n"
                f"    dependencies = [('dance', {after!r})]\n    operations = [{operations}]\n"
            )
            (folder / side / package / "migrations" / f"{name}.py").write_text(text)

        return change

    add = "migrations.AddField('task', 'new_job', models.CharField(max_length=50, null=True))"
    record = "INSERT INTO django_migrations (app, name, applied) VALUES ('dance', '0002_job', now())"

    def with_field(projects: dict[Side, Project]) -> None:
        from handover_testing.drifts.projects import f

        projects["backend"].models["Task"].fields["new_job"] = f("CharField", max_length="50", null="True")

    yield Drift("believed applied, column missing", "history", DANCE.name, "HO172", "dance.0002_job", "breaking",
                edit=with_field, files=written("backend", "0002_job", add, after="0001_initial"), sql=record)  # fmt: skip
    yield Drift("a migration of the backend was not run", "history", DANCE.name, "HO173", "dance.0002_job", "risky",
                edit=with_field, files=written("backend", "0002_job", add, after="0001_initial"))  # fmt: skip

    def clash(folder: Path) -> None:
        written("backend", "0002_job", add, after="0001_initial")(folder)
        other = "migrations.AddField('video', 'score', models.IntegerField(null=True))"
        written("original", "0002_job", other, after="0001_initial")(folder)

    def with_fields(projects: dict[Side, Project]) -> None:
        from handover_testing.drifts.projects import f

        with_field(projects)
        projects["original"].models["Video"].fields["score"] = f("IntegerField", null="True")
        projects["backend"].models["Video"].fields["score"] = f("IntegerField", null="True")

    both = f"{record}; ALTER TABLE dance_videos ADD score int"
    yield Drift("two migrations of one name", "history", DANCE.name, "HO171", "dance.0002_job", "breaking",
                edit=with_fields, files=clash, sql=both)  # fmt: skip


def _permissions() -> Iterator[Drift]:
    for shape in (SHOP, LIBRARY):
        model = next(iter(shape.project.models.values()))
        label, name, table = shape.project.label, model.name.lower(), model.table
        gone = f"DELETE FROM auth_permission WHERE codename = 'change_{name}'"
        yield Drift(f"{label} permission gone", "history", shape.name, "HO212", table, "risky", sql=gone)
        types = (
            f"DELETE FROM auth_permission WHERE content_type_id IN (SELECT id FROM django_content_type WHERE app_label = "
            f"{label!r} AND model = {name!r}); DELETE FROM django_content_type WHERE app_label = {label!r} AND model = {name!r}"
        )
        yield Drift(f"{label} content type gone", "history", shape.name, "HO212", table, "risky", sql=types)

        def relabel(projects: dict[Side, Project]) -> None:
            for project in projects.values():
                if project.package:
                    project.label += "_api"

        yield Drift(f"{label} another label", "backend models", shape.name, "HO210", table, "breaking", edit=relabel)

    def relabel_users(projects: dict[Side, Project]) -> None:
        relabel(projects)
        projects["backend"].settings["AUTH_USER_MODEL"] = "'dance_api.Dancer'"

    yield Drift(
        "users under another label", "settings", DANCE.name, "HO180", "AUTH_USER_MODEL", "risky", edit=relabel_users
    )

    def other_users(projects: dict[Side, Project]) -> None:
        projects["backend"].models["Dancer"].meta["db_table"] = "'members'"

    yield Drift(
        "users in another table", "settings", DANCE.name, "HO180", "AUTH_USER_MODEL", "breaking", edit=other_users
    )


def _sessions() -> Iterator[Drift]:
    here = "DO $$ BEGIN EXECUTE format('ALTER {0} SET {1}', current_database()); END $$"
    for who, what, severity in (
        ("ROLE drift_original IN DATABASE %I", "default_transaction_read_only = on", "breaking"),
        ("ROLE drift_backend IN DATABASE %I", "default_transaction_read_only = on", "breaking"),
        ("DATABASE %I", "default_transaction_read_only = on", "breaking"),
        ("ROLE drift_backend IN DATABASE %I", "session_replication_role = replica", "breaking"),
        ("ROLE drift_backend IN DATABASE %I", "statement_timeout = 10", "risky"),
        ("ROLE drift_original IN DATABASE %I", "default_transaction_isolation = serializable", "risky"),
    ):
        name = what.partition(" ")[0]
        yield Drift(f"{who} SET {what}", "catalog", SHOP.name, "HO198", name, severity, sql=here.format(who, what))
    shut = (
        "DO $$ BEGIN EXECUTE format('REVOKE CONNECT ON DATABASE %I FROM PUBLIC', current_database()); "
        "EXECUTE format('GRANT CONNECT ON DATABASE %I TO drift_original', current_database()); END $$"
    )
    yield Drift(
        "the backend may not connect", "catalog", SHOP.name, "HO197", "role drift_backend", "breaking", sql=shut
    )
    for name, how in (("drift_locked", "NOLOGIN"), ("drift_expired", "LOGIN VALID UNTIL '2001-01-01'")):
        sql = (
            f"DO $$ BEGIN CREATE ROLE {name} {how} IN ROLE drift_backend; "
            "EXCEPTION WHEN duplicate_object THEN NULL; END $$"
        )
        yield Drift(f"the backend connects as {name}", "catalog", SHOP.name, "HO197", f"role {name}", "breaking",
                    edit=_setting("backend", "DATABASES['default']['USER']", repr(name)), sql=sql)  # fmt: skip


def _roles() -> Iterator[Drift]:
    for side in ("original", "backend"):
        role = f"drift_{side}"
        schema = f"REVOKE USAGE ON SCHEMA public FROM PUBLIC; REVOKE USAGE ON SCHEMA public FROM {role}"
        yield Drift(f"{role} may not use the schema", "catalog", SHOP.name, "HO191", "shop_", "breaking", sql=schema)
    shadow = (
        "CREATE SCHEMA shadow; CREATE TABLE shadow.shop_orders (LIKE public.shop_orders INCLUDING ALL); "
        "GRANT USAGE ON SCHEMA shadow TO drift_backend; GRANT ALL ON shadow.shop_orders TO drift_backend; "
        "DO $$ BEGIN EXECUTE format('ALTER ROLE drift_backend IN DATABASE %I SET search_path = shadow, public', "
        "current_database()); END $$"
    )
    yield Drift("a shadow of a shared table", "catalog", SHOP.name, "HO105", "shop_orders", "breaking", sql=shadow)
    yield Drift("acts as the owner of the tables", "settings", SHOP.name, "HO192", "role owner", "risky",
                edit=_setting("backend", "DATABASES['default']['OPTIONS']", "{'assume_role': 'owner'}"))  # fmt: skip
    yield Drift("no role in the settings", "settings", SHOP.name, "HO190", "role", "unseen",
                edit=_setting("backend", "DATABASES['default']['USER']", "''"))  # fmt: skip
    yield from _sessions()
    few = "UPDATE pg_database SET datconnlimit = 5 WHERE datname = current_database()"
    yield Drift("too few connections", "catalog", SHOP.name, "HO193", "connections", "breaking", sql=few)
    serial = (
        "ALTER TABLE shop_orders ALTER id DROP IDENTITY; CREATE SEQUENCE orders_seq; ALTER SEQUENCE orders_seq OWNER TO owner; "
        "ALTER SEQUENCE orders_seq OWNED BY shop_orders.id; "
        "ALTER TABLE shop_orders ALTER id SET DEFAULT nextval('orders_seq')"
    )
    yield Drift("a sequence that no role may use", "catalog", SHOP.name, "HO191", "shop_orders", "breaking", sql=serial)
    foreign = (
        "ALTER TABLE shop_orders ALTER id DROP IDENTITY; CREATE SCHEMA keys; GRANT USAGE ON SCHEMA keys TO PUBLIC; "
        "CREATE SEQUENCE keys.orders START 1000; GRANT SELECT ON keys.orders TO PUBLIC; "
        "ALTER TABLE shop_orders ALTER id SET DEFAULT nextval('keys.orders')"
    )
    yield Drift("a sequence of another owner", "catalog", SHOP.name, "HO191", "shop_orders", "breaking", sql=foreign)
    key = "ALTER TABLE dance_tasks ADD CONSTRAINT surprise FOREIGN KEY (progress) REFERENCES dancers (id) NOT VALID"
    wide = "ALTER TABLE dance_tasks ALTER progress TYPE integer"
    yield Drift("a foreign key that no model knows", "catalog", DANCE.name, "HO154", "dance_tasks.progress", "breaking",
                sql=f"{wide}; {key}")  # fmt: skip


def _additions() -> Iterator[Drift]:
    """Additions of the backend that are not safe."""
    from handover_testing.drifts.projects import f

    def added(model: str, **options: str):
        def edit(projects: dict[Side, Project]) -> None:
            projects["backend"].models[model].fields["new_note"] = f("CharField", max_length="9", **options)

        return edit

    for shape, model in ((SHOP, "Order"), (LIBRARY, "Reader"), (LAB, "Sample"), (DANCE, "Video")):
        at = f"{shape.project.models[model].table}.new_note"
        kind = "backend models"
        yield Drift(f"{shape.name} addition NOT NULL", kind, shape.name, "HO132", at, "breaking", edit=added(model))
        yield Drift(f"{shape.name} addition NOT NULL with a default in the database", kind, shape.name, "HO132", at, "risky",
                    edit=added(model, db_default="'x'"))  # fmt: skip
        yield Drift(f"{shape.name} addition that is not there yet", kind, shape.name, "HO132", at, "breaking",
                    edit=added(model, null="True"))  # fmt: skip
        table = shape.project.models[model].table
        yield Drift(f"{shape.name} addition NOT NULL in the database, nullable in the model", kind, shape.name, "HO014", at,
                    "breaking", edit=added(model, null="True"),
                    sql=f"SET session_replication_role = replica; DELETE FROM {table}; "
                        f"ALTER TABLE {table} ADD new_note varchar(9) NOT NULL")  # fmt: skip

    def private(constraint: str, on_delete: str):
        def edit(projects: dict[Side, Project]) -> None:
            from handover_testing.drifts.projects import Model

            key = f(
                "ForeignKey",
                "settings.AUTH_USER_MODEL",
                on_delete=on_delete,
                related_name="'+'",
                db_constraint=constraint,
            )
            fields = {"id": f("BigAutoField", primary_key="True"), "user": key}
            projects["backend"].models["Token"] = Model("Token", fields, {"db_table": "'tokens'"})

        return edit

    table = "CREATE TABLE tokens (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, user_id {0} NOT NULL {1}); CREATE INDEX ON tokens (user_id); GRANT ALL ON tokens TO drift_backend"
    blocks = table.format("bigint", "REFERENCES dancers DEFERRABLE INITIALLY DEFERRED")
    yield Drift("a table of the backend blocks the original's deletes", "backend models", DANCE.name, "HO019", "tokens",
                "breaking", edit=private("True", "models.CASCADE"), sql=blocks)  # fmt: skip
    yield Drift("a table of the backend is orphaned by the original", "backend models", DANCE.name, "HO158", "tokens",
                "risky", edit=private("False", "models.CASCADE"), sql=table.format("bigint", ""))  # fmt: skip


ROUTER = """
class Router:
    def db_for_write(self, model, **hints):
        return "archive" if model.__name__ == "Video" else None

    db_for_read = db_for_write
"""


def not_here() -> Iterator[Drift]:
    """Models whose rows are not in this database, or nowhere."""
    from handover_testing.drifts.projects import Model, f

    def unmanaged(side: Side):
        def edit(projects: dict[Side, Project]) -> None:
            fields = {"id": f("BigAutoField", primary_key="True")}
            meta = {"db_table": "'notes'", "managed": "False"}
            projects[side].models["Note"] = Model("Note", fields, meta)

        return edit

    def routed(sides: tuple[Side, ...]):
        def edit(projects: dict[Side, Project]) -> None:
            for side in sides:
                settings = projects[side].settings
                settings["DATABASES['archive']"] = "DATABASES['default'] | {'NAME': 'archive'}"
                settings["DATABASE_ROUTERS"] = "['router.Router']"

        return edit

    def router(folder: Path) -> None:
        for side in ("original", "backend"):
            (folder / side / "router.py").write_text(ROUTER)

    for side in ("original", "backend"):
        yield Drift(f"an unmanaged model of the {side} has no table", f"{side} models", DANCE.name, "HO010", "notes", "unseen",
                    edit=unmanaged(side))  # fmt: skip
    yield Drift("both send a model to another database", "settings", DANCE.name, "HO196", "database archive", "unseen",
                edit=routed(("original", "backend")), files=router)  # fmt: skip
    yield Drift("one sends a model to another database", "settings", DANCE.name, "HO105", "dance_videos", "breaking",
                edit=routed(("backend",)), files=router)  # fmt: skip
