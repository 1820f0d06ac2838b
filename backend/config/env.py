"""The one module that reads the environment. Every setting is listed in docs/reference/settings.md."""

import os
import re
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

_env = environ.Env()

SECRET_KEY: str = _env.str("SECRET_KEY")
DATABASE: dict[str, Any] = _env.db_url("DATABASE_URL")
SCHEMA_PHASE: int = _env.int("SCHEMA_PHASE", default=1)
PGAPPNAME: str = _env.str("PGAPPNAME", default="")
MEDIA_ROOT = Path(_env.str("MEDIA_ROOT")).absolute()
STATIC_ROOT: str = _env.str("STATIC_ROOT", default="")
STORAGE: str = _env.str("STORAGE", default="directory")
GS_BUCKET_NAME: str = _env.str("GS_BUCKET_NAME") if STORAGE == "gcs" else ""
GS_API_ENDPOINT: str = _env.str("GS_API_ENDPOINT", default="https://storage.googleapis.com")
GS_IAM_SIGN_BLOB: bool = _env.bool("GS_IAM_SIGN_BLOB", default=False)
JOBS: str = _env.str("JOBS", default="workers")
RUN_JOB: str = _env.str("RUN_JOB") if JOBS == "cloud-run" else ""
RUN_API_ENDPOINT: str = _env.str("RUN_API_ENDPOINT", default="https://run.googleapis.com")
# Cloud Run sets it in the containers of a job.
CLOUD_RUN_EXECUTION: str = _env.str("CLOUD_RUN_EXECUTION", default="")
# Where `manage.py worker` keeps the locks of the cores that its workers share.
WORKER_CORES: str = _env.str("WORKER_CORES", default="")
DEBUG: bool = _env.bool("DEBUG", default=False)
ALLOWED_HOSTS: list[str] = _env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
MOVES_LIBRARY = Path(_env.str("MOVES_LIBRARY", default=str(MEDIA_ROOT / "Bachata_steps"))).absolute()
BACHATEO_CACHE = Path(_env.str("BACHATEO_CACHE", default=str(MEDIA_ROOT.parent / "cache"))).absolute()
ELASTICSEARCH_URL: str = _env.str("ELASTICSEARCH_URL", default="")
ELASTICSEARCH_API_KEY: str = _env.str("ELASTICSEARCH_API_KEY", default="")
ELASTICSEARCH_BUDGET_S: float = _env.float("ELASTICSEARCH_BUDGET_S", default=30.0)
ELASTICSEARCH_FALLBACK: bool = _env.bool("ELASTICSEARCH_FALLBACK", default=False)
TRUSTED_PROXIES: int = _env.int("TRUSTED_PROXIES", default=0)
TLS: str = _env.str("TLS", default="off")
X_ACCEL_MEDIA: str = _env.str("X_ACCEL_MEDIA", default="")
BREACHED_PASSWORDS: str = _env.str("BREACHED_PASSWORDS", default="common")
EMAIL: dict[str, Any] = _env.email_url("EMAIL_URL", default="consolemail://")
MAIL_FROM: str = _env.str("MAIL_FROM", default="Compás <no-reply@localhost>")
TOKEN_DAYS: int = _env.int("TOKEN_DAYS", default=90)
TOKEN_MAX_DAYS: int = _env.int("TOKEN_MAX_DAYS", default=365)
SECOND_FACTOR: bool = _env.bool("SECOND_FACTOR", default=True)
SESSION_IDLE_H: float = _env.float("SESSION_IDLE_H", default=0)
SESSION_ABSOLUTE_H: float = _env.float("SESSION_ABSOLUTE_H", default=0)
EVENTS_KEPT_DAYS: int = _env.int("EVENTS_KEPT_DAYS", default=365)
REGISTRATIONS_PER_ADDRESS: int = _env.int("REGISTRATIONS_PER_ADDRESS", default=60)
SONG_MAX_MB: int = _env.int("SONG_MAX_MB", default=50)
PARALLEL_RUNNING_LIMIT: int = _env.int("PARALLEL_RUNNING_LIMIT", default=1)
USER_RUNNING_LIMIT: int = _env.int("USER_RUNNING_LIMIT", default=2)
USER_WAITING_LIMIT: int = _env.int("USER_WAITING_LIMIT", default=100)
USER_SONGS_LIMIT: int = _env.int("USER_SONGS_LIMIT", default=1000)
USER_CHOREOGRAPHIES_LIMIT: int = _env.int("USER_CHOREOGRAPHIES_LIMIT", default=5000)
USER_FAVOURITES_LIMIT: int = _env.int("USER_FAVOURITES_LIMIT", default=5000)
USER_STORED_MB: int = _env.int("USER_STORED_MB", default=20 * 1024)
USER_STREAMS_LIMIT: int = _env.int("USER_STREAMS_LIMIT", default=20)
USER_WEBHOOKS_LIMIT: int = _env.int("USER_WEBHOOKS_LIMIT", default=10)
WEBHOOK_PLAIN_HTTP: bool = _env.bool("WEBHOOK_PLAIN_HTTP", default=False)
WEBHOOK_PRIVATE_NETWORKS: list[str] = _env.list("WEBHOOK_PRIVATE_NETWORKS", default=[])
CORS_ORIGINS: list[str] = _env.list("CORS_ORIGINS", default=[])
USER_TOKENS_LIMIT: int = _env.int("USER_TOKENS_LIMIT", default=50)
USER_PREFERENCES_KB: int = _env.int("USER_PREFERENCES_KB", default=64)
DATABASE_POOLER: str = _env.str("DATABASE_POOLER", default="")
WEB_STATEMENT_S: float = _env.float("WEB_STATEMENT_S", default=30.0)
WEB_LOCK_S: float = _env.float("WEB_LOCK_S", default=10.0)
WEB_INSTANCES: int = _env.int("WEB_INSTANCES", default=1)
WORKER_INSTANCES: int = _env.int("WORKER_INSTANCES", default=1)
OTHER_CONNECTIONS: int = _env.int("OTHER_CONNECTIONS", default=20)
DATABASE_SILENCE_S: float = _env.float("DATABASE_SILENCE_S", default=60.0)
JOB_LEASE_S: float = _env.float("JOB_LEASE_S", default=60.0)
JOB_SWEEP_S: float = _env.float("JOB_SWEEP_S", default=10.0)
GIVE_WAY_S: float = _env.float("GIVE_WAY_S", default=600.0)
JOB_MAX_ATTEMPTS: int = _env.int("JOB_MAX_ATTEMPTS", default=3)
JOB_TIME_LIMIT_S: float = _env.float("JOB_TIME_LIMIT_S", default=900.0)
LOG_FORMAT: str = _env.str("LOG_FORMAT", default="lines")
METRICS_BIND: str = _env.str("METRICS_BIND", default="")
OTEL_EXPORTER_OTLP_ENDPOINT: str = _env.str("OTEL_EXPORTER_OTLP_ENDPOINT", default="")


def of_a_child(**changed: str) -> dict[str, str]:
    """Return the environment of a process that this one starts, with these variables changed."""
    return {**os.environ, **changed}


if SCHEMA_PHASE not in {1, 2}:
    raise ImproperlyConfigured(f"SCHEMA_PHASE is {SCHEMA_PHASE}; it must be 1 or 2.")
if STORAGE not in {"directory", "gcs"}:
    raise ImproperlyConfigured(f"STORAGE is {STORAGE!r}; it must be 'directory' or 'gcs'.")
if STORAGE == "gcs" and not GS_BUCKET_NAME:
    raise ImproperlyConfigured("GS_BUCKET_NAME is empty; with STORAGE=gcs it must name the bucket.")
if not re.fullmatch(r"https?://[^/]+", GS_API_ENDPOINT):
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
if not re.fullmatch(r"https?://[^/]+", RUN_API_ENDPOINT):
    raise ImproperlyConfigured(
        f"RUN_API_ENDPOINT is {RUN_API_ENDPOINT!r}; it must be like https://run.googleapis.com, without a path."
    )
if not 0 < ELASTICSEARCH_BUDGET_S <= JOB_TIME_LIMIT_S:
    raise ImproperlyConfigured(
        f"ELASTICSEARCH_BUDGET_S is {ELASTICSEARCH_BUDGET_S:g}; it must be above 0 and at most JOB_TIME_LIMIT_S, "
        f"{JOB_TIME_LIMIT_S:g}."
    )
if DATABASE_POOLER not in {"", "pgbouncer"}:
    raise ImproperlyConfigured(f"DATABASE_POOLER is {DATABASE_POOLER!r}; it must be 'pgbouncer' or empty.")
for _name in ("WEB_STATEMENT_S", "WEB_LOCK_S", "WEB_INSTANCES", "WORKER_INSTANCES", "OTHER_CONNECTIONS", "GIVE_WAY_S"):
    if globals()[_name] < 0:
        raise ImproperlyConfigured(f"{_name} is {globals()[_name]}; it must be 0 or more.")
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
if REGISTRATIONS_PER_ADDRESS < 1:
    raise ImproperlyConfigured(f"REGISTRATIONS_PER_ADDRESS is {REGISTRATIONS_PER_ADDRESS}; it must be 1 or more.")
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
if METRICS_BIND and not re.fullmatch(r"(?:[\w.-]+|\[[0-9a-fA-F:]+\]):\d{1,5}", METRICS_BIND):
    raise ImproperlyConfigured(f"METRICS_BIND is {METRICS_BIND!r}; it must be like 127.0.0.1:9464.")
if OTEL_EXPORTER_OTLP_ENDPOINT and not re.fullmatch(r"https?://[^/\s]+(/\S*)?", OTEL_EXPORTER_OTLP_ENDPOINT):
    raise ImproperlyConfigured(
        f"OTEL_EXPORTER_OTLP_ENDPOINT is {OTEL_EXPORTER_OTLP_ENDPOINT!r}; it must be like http://127.0.0.1:4318."
    )
for _name, _value in list(globals().items()):
    if _name.startswith("USER_") and _value < 0:
        raise ImproperlyConfigured(f"{_name} is {_value}; it must be 0 or more.")
