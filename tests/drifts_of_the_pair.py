"""Drifts of this repository's own pair: the original and the backend as they are, on the adopted database."""

# ruff: noqa: E501 - what a model says and might say instead is read best on one line

import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handover.check.run import run_check
from handover.check.systems import asking
from handover.config.config import Config, load_config
from handover.finding import Finding, Severity
from handover.side import Side
from handover_testing.drifts.drift import Drift
from handover_testing.drifts.play import Outcome
from sandbox import house, template
from sandbox.postgres import Server

# File of a side → what it says, what it might say instead, the rule, the place, how bad that is.
_MODELS: tuple[tuple[Side, str, str, str, str, str, Severity], ...] = (
    ("backend", "apps/choreography/models.py", "task_id = models.CharField(max_length=36, primary_key=True)",
     "task_id = models.UUIDField(primary_key=True)", "HO012", "choreography_tasks.task_id", "breaking"),
    ("backend", "apps/choreography/models.py", 'STARTED = "started"', 'STARTED = "pending"', "HO111",
     "choreography_tasks.status", "breaking"),
    ("backend", "apps/choreography/models.py", 'RUNNING = "running"', 'RUNNING = "processing"', "HO111",
     "choreography_tasks.status", "breaking"),
    ("backend", "apps/choreography/models.py", 'related_name="choreography_tasks"', 'related_name="tasks"', "HO113",
     "choreography_tasks.user_id", "breaking"),
    ("backend", "apps/choreography/models.py", 'db_table = "choreography_tasks"', 'db_table = "tasks"', "HO101",
     "ChoreographyTask", "breaking"),
    ("backend", "apps/choreography/models.py", "job_execution_name = models.CharField(max_length=500, null=True, blank=True)",
     "job_execution_name = models.CharField(max_length=500, blank=True)", "HO013", "choreography_tasks.job_execution_name", "risky"),
    ("backend", "apps/collections/models.py", "video_path = models.FileField(max_length=500, upload_to=\"choreographies/%Y/%m/\")",
     "video_path = models.CharField(max_length=500)", "HO110", "saved_choreographies.video_path", "breaking"),
    ("backend", "apps/collections/models.py", 'app_label = "choreography"', 'app_label = "collections"', "HO210",
     "saved_choreographies", "breaking"),
    ("backend", "apps/collections/models.py", 'related_name="choreographies"', 'related_name="saved"', "HO113",
     "saved_choreographies.user_id", "breaking"),
    ("backend", "apps/collections/models.py", 'ADVANCED = "advanced"', 'EXPERT = "expert"', "HO111",
     "saved_choreographies.difficulty", "breaking"),
    ("backend", "apps/collections/models.py", "title = models.CharField(max_length=200)", "title = models.CharField(max_length=100)",
     "HO012", "saved_choreographies.title", "breaking"),
    ("backend", "apps/authentication/models.py", "preferences = models.JSONField(default=dict, blank=True)",
     "preferences = models.JSONField(default=list, blank=True)", "HO112", "users.preferences", "breaking"),
    ("original", "choreography/models.py", "progress = models.IntegerField(default=0)",
     "progress = models.PositiveIntegerField(default=0)", "HO110", "choreography_tasks.progress", "breaking"),
    ("original", "choreography/models.py", "auto_now=True", "null=False", "HO115", "choreography_tasks.updated_at", "breaking"),
    ("backend", "config/settings.py", 'SESSION_ENGINE = "django.contrib.sessions.backends.db"',
     'SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"', "HO182", "SESSION_ENGINE", "breaking"),
    ("backend", "config/settings.py", 'AUTHENTICATION_BACKENDS = ("django.contrib.auth.backends.ModelBackend",)',
     'AUTHENTICATION_BACKENDS = ("django.contrib.auth.backends.AllowAllUsersModelBackend",)', "HO184", "AUTHENTICATION_BACKENDS", "breaking"),
    ("backend", "config/settings.py", "MEDIA_ROOT = env.MEDIA_ROOT", "MEDIA_ROOT = env.MEDIA_ROOT / 'backend'", "HO200", "storage", "breaking"),
    ("backend", "config/settings.py", 'TIME_ZONE = "UTC"', 'TIME_ZONE = "Europe/Madrid"', "HO186", "TIME_ZONE", "risky"),
    ("original", "monolith/settings.py", "SECRET_KEY = env.str(\"SECRET_KEY\")", "SECRET_KEY = env.str(\"SECRET_KEY\") + 'x'",
     "HO183", "SECRET_KEY", "breaking"),
)  # fmt: skip
_SQL: tuple[tuple[str, str, str, Severity], ...] = (
    ("ALTER TABLE choreography_tasks DROP COLUMN job_execution_name", "HO172", "choreography.0002", "breaking"),
    ("ALTER TABLE choreography_tasks DROP COLUMN job_execution_name", "HO011", "choreography_tasks.job_execution_name", "breaking"),
    ("ALTER TABLE users ALTER display_name TYPE varchar(100)", "HO012", "users.display_name", "breaking"),
    ("DROP INDEX choreography_tasks_status_7ff03242", "HO018", "choreography_tasks", "risky"),
    ("ALTER TABLE backend.jobs DROP COLUMN token", "HO011", "backend.jobs.token", "breaking"),
    ("CREATE TABLE public.badges (user_id bigint REFERENCES users)", "HO019", "public.badges", "breaking"),
    ("REVOKE UPDATE ON users FROM backend_app", "HO191", "users", "breaking"),
    ("ALTER TABLE users OWNER TO backend_app", "HO192", "users", "risky"),
    ("DELETE FROM backend.django_migrations WHERE app = 'songs' AND name LIKE '0002%'", "HO173", "songs.0002", "risky"),
    ("DELETE FROM django_migrations WHERE app = 'users'", "HO175", "admin.0001_initial", "breaking"),
    ("DROP SCHEMA backend CASCADE", "HO100", "schema backend", "risky"),
    ("ALTER TABLE saved_choreographies ALTER thumbnail_path SET NOT NULL", "HO013", "saved_choreographies.thumbnail_path", "breaking"),
)  # fmt: skip


@dataclass
class OwnPair:
    """The pair with a database of its own; made by :meth:`on`."""

    server: Server
    database: str
    folder: Path
    environment: dict[str, str]
    baseline: frozenset[Finding]
    name: str = "this pair"

    @classmethod
    @contextmanager
    def on(cls, server: Server, folder: Path) -> Iterator["OwnPair"]:
        """Adopt a database on the server, and look once at the clean pair."""
        original = template.ensure(server, "original_template", lambda name: house.build_original(server, name))
        adopted = template.ensure(server, "adopted_template", lambda n: house.build_adopted(server, n, original))
        folder.mkdir(parents=True)
        environment = {"SECRET_KEY": secrets.token_urlsafe(), "MEDIA_ROOT": str(folder / "media")}
        (folder / "media").mkdir()
        pair = cls(server, adopted, folder, environment, frozenset())
        with template.clone(server, adopted) as clean:
            pair.baseline = frozenset(pair.look(house.ROOT, clean.name))
        yield pair

    def drifts(self) -> list[Drift]:
        """Return what is planted into this pair."""
        found = []
        for side, file, old, new, code, place, severity in _MODELS:
            kind = "settings" if "settings" in file else f"{side} models"
            edit = _replacing(side, file, old, new)
            found.append(Drift(f"{self.name} {side}: {new}", kind, self.name, code, place, severity, files=edit))
        for sql, code, place, severity in _SQL:
            kind = "history" if "django_migrations" in sql else "catalog"
            found.append(Drift(f"{self.name} {code}: {sql}", kind, self.name, code, place, severity, sql=sql))
        return found

    def play(self, drift: Drift, *, rivals: bool = False) -> Outcome:  # noqa: ARG002 - rivals are asked on small pairs
        """Plant a drift into a copy of the pair and of its database, and look."""
        root = house.ROOT
        if drift.files:
            root = self.folder / secrets.token_hex(4)
            for side in ("original", "backend"):
                ignored = shutil.ignore_patterns("tests", "__pycache__")
                shutil.copytree(house.ROOT / side, root / side, ignore=ignored)
            drift.files(root)
        with template.clone(self.server, self.database) as database:
            if drift.sql:
                with self.server.connect(database.name) as connection:
                    connection.execute(drift.sql.encode())
            said = self.look(root, database.name)
        return Outcome(drift, tuple(f for f in said if f not in self.baseline), {})

    def look(self, root: Path, database: str) -> tuple[Finding, ...]:
        """Check the pair that lies below a folder."""
        url = self.server.url("owner", database)
        config = self._config(root, database)
        with asking(config) as answers:
            return run_check(config, url, answers, budget_s=5, say=lambda _: None).findings

    def _config(self, root: Path, database: str) -> Config:
        known = load_config(house.ROOT / "handover.toml")
        systems: dict[str, Any] = {}
        for side, role in (("original", "original_app"), ("backend", "backend_app")):
            system = getattr(known, side)
            environment = self.environment | {"DATABASE_URL": self.server.url(role, database)}
            update = {"path": root / side, "python": (sys.executable,), "environment": environment}
            systems[side] = system.model_copy(update=update)
        return known.model_copy(update=systems)


def _replacing(side: str, file: str, old: str, new: str):
    def change(root: Path) -> None:
        path = root / side / file
        text = path.read_text()
        if old not in text:
            raise LookupError(f"{path} does not say {old!r} any more; write the drift anew.")
        path.write_text(text.replace(old, new))

    return change
