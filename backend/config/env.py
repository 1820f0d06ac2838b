"""The one module that reads the environment. Every setting is listed in docs/reference/settings.md."""

import os
import re
import warnings
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

ON, OFF = {"on", "true", "yes", "y", "ok", "1"}, {"off", "false", "no", "n", "0", ""}
# A name, one with everything below it, or an address.
HOST = r"\*|\.?[\w-]+(?:\.[\w-]+)*\.?|\[[0-9a-fA-F:.]+\]"

LAST_PORT = 65535
# What is counted in seconds, hours or days stays below what the database and calendars can hold.
MOST = 999_999


class _Environment:
    """Reads a setting by its name, and says of one that cannot be meant what it must be."""

    def text(self, name: str, default: str | None = None) -> str:
        """Return a text; one without a default must be there."""
        value = os.environ.get(name, default)
        if value is None:
            raise ImproperlyConfigured(f"Set the {name} environment variable; docs/reference/settings.md says to what.")
        return value

    def needed(self, name: str) -> str:
        """Return a text that must be there and not be empty."""
        if value := self.text(name):
            return value
        raise ImproperlyConfigured(f"{name} is empty; docs/reference/settings.md says what it must be.")

    def folder(self, name: str, default: Path | None = None) -> Path:
        """Return a folder. An empty name would be the folder in which the process was started."""
        return default if default and name not in os.environ else Path(self.needed(name)).absolute()

    def words(self, name: str, default: list[str]) -> list[str]:
        """Return what commas separate."""
        text = os.environ.get(name)
        return default if text is None else [word.strip() for word in text.split(",") if word.strip()]

    def switch(self, name: str, *, default: bool) -> bool:
        """Return whether it is on."""
        word = os.environ.get(name, "on" if default else "off").lower()
        if word not in ON | OFF:
            raise ImproperlyConfigured(f"{name} is {word!r}; it must be 'on' or 'off'.")
        return word in ON

    def whole(self, name: str, *, default: int, least: int = 0, most: int | None = None) -> int:
        """Return a whole number of at least so much, and at most."""
        text = os.environ.get(name, str(default))
        if not re.fullmatch(r"-?\d{1,12}", text, re.ASCII):
            raise ImproperlyConfigured(
                f"{name} is {text!r}; it must be a whole number of {least} or more, of at most 12 digits."
            )
        if int(text) < least:
            raise ImproperlyConfigured(f"{name} is {text}; it must be {least} or more.")
        if most is not None and int(text) > most:
            raise ImproperlyConfigured(f"{name} is {text}; it must be at most {most}.")
        return int(text)

    def days(self, name: str, *, default: int) -> int:
        """Return a number of days, which calendars can count from today."""
        return self.whole(name, default=default, most=MOST)

    def hosts(self, name: str, default: list[str]) -> list[str]:
        """Return names of hosts as Django compares them: of others, every request would be refused."""
        hosts = self.words(name, default)
        if not hosts:
            raise ImproperlyConfigured(f"{name} is empty; it must name the hosts that are answered.")
        for host in hosts:
            if not re.fullmatch(HOST, host):
                raise ImproperlyConfigured(
                    f"{name} has {host!r}; each must be the name of a host, like compas.example, without https:// and "
                    "without a port; or *."
                )
        return hosts

    def number(self, name: str, *, default: float, above: bool = False) -> float:
        """Return a number of 0 or more, or ``above`` 0."""
        text, wanted = os.environ.get(name, str(default)), "above 0" if above else "0 or more"
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not abs(value) <= MOST:
            raise ImproperlyConfigured(f"{name} is {text!r}; it must be a number, {wanted}, of at most {MOST}.")
        if value < 0 or (above and not value):
            raise ImproperlyConfigured(f"{name} is {text}; it must be {wanted}.")
        return value

    def database(self, name: str) -> dict[str, Any]:
        """Return Django's form of a database's address. It holds a password, so it is not told."""
        try:
            with warnings.catch_warnings(action="ignore"):  # of another kind of database, which is refused below
                found: dict[str, Any] = environ.Env.db_url_config(self.needed(name))
        except ValueError:
            found = {}
        if found.get("ENGINE") != "django.db.backends.postgresql":
            raise ImproperlyConfigured(
                f"{name} is no address of a PostgreSQL database; it must be like postgresql://user:password@host:5432/name."
                " Write special characters of the password as %40 and the like."
            )
        return found

    def sender(self, name: str, default: str) -> str:
        """Return who letters are from, with or without a name."""
        value = self.text(name, default)
        if not re.fullmatch(r"[^<>\r\n]*<\S+@\S+>|[^\s<>]+@[^\s<>]+", value):
            raise ImproperlyConfigured(f"{name} is {value!r}; it must be like Compás <no-reply@compas.example>.")
        return value

    def mail(self, name: str, default: str) -> dict[str, Any]:
        """Return Django's settings of a mail server. Its address holds a password, so it is not told."""
        try:
            found: dict[str, Any] = environ.Env.email_url_config(self.text(name, default))
        except (ValueError, ImproperlyConfigured) as error:
            raise ImproperlyConfigured(
                f"{name} is no address of a mail server; it must be like smtp+tls://user:password@host:587, or consolemail://."
            ) from error
        return found


_env = _Environment()

SECRET_KEY: str = _env.needed("SECRET_KEY")
DATABASE: dict[str, Any] = _env.database("DATABASE_URL")
SCHEMA_PHASE: int = _env.whole("SCHEMA_PHASE", default=1)
PGAPPNAME: str = _env.text("PGAPPNAME", "")
MEDIA_ROOT = _env.folder("MEDIA_ROOT")
STATIC_ROOT: str = _env.text("STATIC_ROOT", "")
STORAGE: str = _env.text("STORAGE", "directory")
GS_BUCKET_NAME: str = _env.text("GS_BUCKET_NAME") if STORAGE == "gcs" else ""
GS_API_ENDPOINT: str = _env.text("GS_API_ENDPOINT", "https://storage.googleapis.com")
GS_IAM_SIGN_BLOB: bool = _env.switch("GS_IAM_SIGN_BLOB", default=False)
JOBS: str = _env.text("JOBS", "workers")
RUN_JOB: str = _env.text("RUN_JOB") if JOBS == "cloud-run" else ""
RUN_API_ENDPOINT: str = _env.text("RUN_API_ENDPOINT", "https://run.googleapis.com")
# Cloud Run sets it in the containers of a job.
CLOUD_RUN_EXECUTION: str = _env.text("CLOUD_RUN_EXECUTION", "")
# `manage.py worker` sets them: descriptors of the cores that its workers share, and the process with which they end.
WORKER_CORES: str = _env.text("WORKER_CORES", "")
WORKER_CREW: int = _env.whole("WORKER_CREW", default=0)
DEBUG: bool = _env.switch("DEBUG", default=False)
ALLOWED_HOSTS: list[str] = _env.hosts("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
MOVES_LIBRARY = _env.folder("MOVES_LIBRARY", MEDIA_ROOT / "Bachata_steps")
BACHATEO_CACHE = _env.folder("BACHATEO_CACHE", MEDIA_ROOT.parent / "cache")
ELASTICSEARCH_URL: str = _env.text("ELASTICSEARCH_URL", "")
ELASTICSEARCH_API_KEY: str = _env.text("ELASTICSEARCH_API_KEY", "")
ELASTICSEARCH_BUDGET_S: float = _env.number("ELASTICSEARCH_BUDGET_S", default=30.0, above=True)
ELASTICSEARCH_FALLBACK: bool = _env.switch("ELASTICSEARCH_FALLBACK", default=False)
TRUSTED_PROXIES: int = _env.whole("TRUSTED_PROXIES", default=0)
TLS: str = _env.text("TLS", "off")
X_ACCEL_MEDIA: str = _env.text("X_ACCEL_MEDIA", "")
BREACHED_PASSWORDS: str = _env.text("BREACHED_PASSWORDS", "common")
EMAIL: dict[str, Any] = _env.mail("EMAIL_URL", "consolemail://")
MAIL_FROM: str = _env.sender("MAIL_FROM", "Compás <no-reply@localhost>")
TOKEN_DAYS: int = _env.days("TOKEN_DAYS", default=90)
TOKEN_MAX_DAYS: int = _env.days("TOKEN_MAX_DAYS", default=365)
SECOND_FACTOR: bool = _env.switch("SECOND_FACTOR", default=True)
SESSION_IDLE_H: float = _env.number("SESSION_IDLE_H", default=0)
SESSION_ABSOLUTE_H: float = _env.number("SESSION_ABSOLUTE_H", default=0)
EVENTS_KEPT_DAYS: int = _env.days("EVENTS_KEPT_DAYS", default=365)
REGISTRATIONS_PER_ADDRESS: int = _env.whole("REGISTRATIONS_PER_ADDRESS", default=60, least=1)
SONG_MAX_MB: int = _env.whole("SONG_MAX_MB", default=50, least=1)
PARALLEL_RUNNING_LIMIT: int = _env.whole("PARALLEL_RUNNING_LIMIT", default=1)
USER_RUNNING_LIMIT: int = _env.whole("USER_RUNNING_LIMIT", default=2)
USER_WAITING_LIMIT: int = _env.whole("USER_WAITING_LIMIT", default=100)
USER_SONGS_LIMIT: int = _env.whole("USER_SONGS_LIMIT", default=1000)
USER_CHOREOGRAPHIES_LIMIT: int = _env.whole("USER_CHOREOGRAPHIES_LIMIT", default=5000)
USER_FAVOURITES_LIMIT: int = _env.whole("USER_FAVOURITES_LIMIT", default=5000)
USER_STORED_MB: int = _env.whole("USER_STORED_MB", default=20 * 1024)
USER_STREAMS_LIMIT: int = _env.whole("USER_STREAMS_LIMIT", default=20)
USER_WEBHOOKS_LIMIT: int = _env.whole("USER_WEBHOOKS_LIMIT", default=10)
WEBHOOK_PLAIN_HTTP: bool = _env.switch("WEBHOOK_PLAIN_HTTP", default=False)
WEBHOOK_PRIVATE_NETWORKS: list[str] = _env.words("WEBHOOK_PRIVATE_NETWORKS", [])
CORS_ORIGINS: list[str] = _env.words("CORS_ORIGINS", [])
USER_TOKENS_LIMIT: int = _env.whole("USER_TOKENS_LIMIT", default=50)
USER_PREFERENCES_KB: int = _env.whole("USER_PREFERENCES_KB", default=64)
DATABASE_POOLER: str = _env.text("DATABASE_POOLER", "")
WEB_STATEMENT_S: float = _env.number("WEB_STATEMENT_S", default=30.0)
WEB_LOCK_S: float = _env.number("WEB_LOCK_S", default=10.0)
WEB_INSTANCES: int = _env.whole("WEB_INSTANCES", default=1)
WORKER_INSTANCES: int = _env.whole("WORKER_INSTANCES", default=1)
OTHER_CONNECTIONS: int = _env.whole("OTHER_CONNECTIONS", default=20)
DATABASE_SILENCE_S: float = _env.number("DATABASE_SILENCE_S", default=60.0, above=True)
JOB_LEASE_S: float = _env.number("JOB_LEASE_S", default=60.0, above=True)
JOB_SWEEP_S: float = _env.number("JOB_SWEEP_S", default=10.0, above=True)
GIVE_WAY_S: float = _env.number("GIVE_WAY_S", default=600.0)
JOB_MAX_ATTEMPTS: int = _env.whole("JOB_MAX_ATTEMPTS", default=3, least=1)
JOB_TIME_LIMIT_S: float = _env.number("JOB_TIME_LIMIT_S", default=900.0, above=True)
LOG_FORMAT: str = _env.text("LOG_FORMAT", "lines")
METRICS_BIND: str = _env.text("METRICS_BIND", "")
OTEL_EXPORTER_OTLP_ENDPOINT: str = _env.text("OTEL_EXPORTER_OTLP_ENDPOINT", "")


def _is_address(address: str, *, path: str = "") -> bool:
    """Return whether this is an address by HTTP, with what follows its host like ``path``, and with a port there is."""
    found = re.fullmatch(rf"https?://(?:[^/\s@]*@)?(?:[\w.-]+|\[[0-9a-fA-F:.]+\])(?::(\d{{1,5}}))?{path}", address)
    return found is not None and (found[1] is None or 0 < int(found[1]) <= LAST_PORT)


def of_a_child(**changed: str) -> dict[str, str]:
    """Return the environment of a process that this one starts, with these variables changed."""
    return {**os.environ, **changed}


if SCHEMA_PHASE not in {1, 2}:
    raise ImproperlyConfigured(f"SCHEMA_PHASE is {SCHEMA_PHASE}; it must be 1 or 2.")
if STORAGE not in {"directory", "gcs"}:
    raise ImproperlyConfigured(f"STORAGE is {STORAGE!r}; it must be 'directory' or 'gcs'.")
if STORAGE == "gcs" and not GS_BUCKET_NAME:
    raise ImproperlyConfigured("GS_BUCKET_NAME is empty; with STORAGE=gcs it must name the bucket.")
if not _is_address(GS_API_ENDPOINT):
    raise ImproperlyConfigured(
        f"GS_API_ENDPOINT is {GS_API_ENDPOINT!r}; it must be like https://storage.googleapis.com, without a path."
    )
if JOBS not in {"workers", "cloud-run"}:
    raise ImproperlyConfigured(f"JOBS is {JOBS!r}; it must be 'workers' or 'cloud-run'.")
if JOBS == "cloud-run" and not re.fullmatch(r"projects/[^/]+/locations/[^/]+/jobs/[^/]+", RUN_JOB):
    raise ImproperlyConfigured(
        f"RUN_JOB is {RUN_JOB!r}; with JOBS=cloud-run it must be the full name of the job, like "
        "projects/my-project/locations/europe-west1/jobs/generate."
    )
if not _is_address(RUN_API_ENDPOINT):
    raise ImproperlyConfigured(
        f"RUN_API_ENDPOINT is {RUN_API_ENDPOINT!r}; it must be like https://run.googleapis.com, without a path."
    )
if ELASTICSEARCH_URL and not _is_address(ELASTICSEARCH_URL, path=r"(?:/\S*)?"):
    # It may hold a password, so it is not told.
    raise ImproperlyConfigured("ELASTICSEARCH_URL is no address; it must be like http://127.0.0.1:9200.")
if not re.fullmatch(r"[!-~]*", ELASTICSEARCH_API_KEY):  # of a header; it is not told
    raise ImproperlyConfigured(
        "ELASTICSEARCH_API_KEY has spaces, or letters that no key has; copy it as `encoded` says."
    )
if ELASTICSEARCH_BUDGET_S > JOB_TIME_LIMIT_S:
    raise ImproperlyConfigured(
        f"ELASTICSEARCH_BUDGET_S is {ELASTICSEARCH_BUDGET_S:g}; it must be at most JOB_TIME_LIMIT_S, "
        f"{JOB_TIME_LIMIT_S:g}."
    )
if WORKER_CORES and not re.fullmatch(r"\d+(,\d+)*", WORKER_CORES):
    raise ImproperlyConfigured(f"WORKER_CORES is {WORKER_CORES!r}; `manage.py worker` alone sets it. Unset it.")
if DATABASE_POOLER not in {"", "pgbouncer"}:
    raise ImproperlyConfigured(f"DATABASE_POOLER is {DATABASE_POOLER!r}; it must be 'pgbouncer' or empty.")
if TLS not in {"off", "shared", "own"}:
    raise ImproperlyConfigured(f"TLS is {TLS!r}; it must be 'off', 'shared' or 'own'.")
if TLS != "off" and TRUSTED_PROXIES < 1:
    raise ImproperlyConfigured(
        f"TLS is {TLS!r} and TRUSTED_PROXIES is {TRUSTED_PROXIES}; a front must end TLS, and be counted as a proxy."
    )
if X_ACCEL_MEDIA and not re.fullmatch(r"/[\w-]+/", X_ACCEL_MEDIA):
    raise ImproperlyConfigured(f"X_ACCEL_MEDIA is {X_ACCEL_MEDIA!r}; it must be like /protected-media/.")
if X_ACCEL_MEDIA and STORAGE != "directory":
    raise ImproperlyConfigured(
        f"X_ACCEL_MEDIA is {X_ACCEL_MEDIA!r} and STORAGE is {STORAGE!r}; a front can send only files of a directory."
    )
if not 1 <= TOKEN_DAYS <= TOKEN_MAX_DAYS:
    raise ImproperlyConfigured(
        f"TOKEN_DAYS is {TOKEN_DAYS} and TOKEN_MAX_DAYS is {TOKEN_MAX_DAYS}; a token lives at least 1 day and at most "
        "TOKEN_MAX_DAYS."
    )
if EVENTS_KEPT_DAYS < 30:  # noqa: PLR2004 - the trigger of the table says the same
    raise ImproperlyConfigured(f"EVENTS_KEPT_DAYS is {EVENTS_KEPT_DAYS}; events are kept for at least 30 days.")
if BREACHED_PASSWORDS not in {"common", "off"} and not Path(BREACHED_PASSWORDS).is_file():
    raise ImproperlyConfigured(
        f"BREACHED_PASSWORDS is {BREACHED_PASSWORDS!r}; it must be 'common', 'off', or a file of SHA-1 hashes."
    )
for _text in WEBHOOK_PRIVATE_NETWORKS:
    try:
        ip_network(_text)
    except ValueError as _error:
        raise ImproperlyConfigured(
            f"WEBHOOK_PRIVATE_NETWORKS has {_text!r}; each must be a network, like 10.0.0.0/8."
        ) from _error
for _text in CORS_ORIGINS:
    if _text != "*" and not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:\d{1,5})?", _text):
        raise ImproperlyConfigured(
            f"CORS_ORIGINS has {_text!r}; each must be an origin, like https://app.example.com, without a path; or *."
        )
if LOG_FORMAT not in {"lines", "json"}:
    raise ImproperlyConfigured(f"LOG_FORMAT is {LOG_FORMAT!r}; it must be 'lines' or 'json'.")
if METRICS_BIND and not (
    re.fullmatch(r"(?:[\w.-]+|\[[0-9a-fA-F:]+\]):\d{1,5}", METRICS_BIND)
    and 0 < int(METRICS_BIND.rpartition(":")[2]) <= LAST_PORT
):
    raise ImproperlyConfigured(f"METRICS_BIND is {METRICS_BIND!r}; it must be like 127.0.0.1:9464.")
if OTEL_EXPORTER_OTLP_ENDPOINT and not _is_address(OTEL_EXPORTER_OTLP_ENDPOINT, path=r"(?:/\S*)?"):
    raise ImproperlyConfigured(
        f"OTEL_EXPORTER_OTLP_ENDPOINT is {OTEL_EXPORTER_OTLP_ENDPOINT!r}; it must be like http://127.0.0.1:4318."
    )
