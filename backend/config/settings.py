"""Settings of the backend. What varies between machines comes from ``config.env``."""

from pathlib import Path
from typing import Any

from config import env

BASE_DIR = Path(__file__).resolve().parent.parent
HOUR_S = 60 * 60
YEAR_S = 365 * 24 * HOUR_S

SECRET_KEY = env.SECRET_KEY
DEBUG = env.DEBUG
# Which of its two shapes choreography_tasks has for this process (apps/choreography/models.py).
SCHEMA_PHASE = env.SCHEMA_PHASE
PHASE_SCHEMA = f"phase{SCHEMA_PHASE}"
ALLOWED_HOSTS = env.ALLOWED_HOSTS

INSTALLED_APPS = [
    "apps.second_factor.staff.StaffAdminConfig",  # django.contrib.admin
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "rest_framework",
    "drf_spectacular",
    "django_htmx",
    "apps.authentication",
    "apps.events",
    "apps.logins",
    "apps.media",
    "apps.open_sessions",
    "apps.second_factor",
    "apps.tokens",
    "apps.songs",
    "apps.titles",
    "apps.labels",
    "apps.jobs",
    "apps.webhooks",
    "apps.removals",
    "apps.choreography",
    "apps.collections",
    "apps.sharing",
    # Before procrastinate, whose management command it extends.
    "apps.generation",
    "procrastinate.contrib.django",
    "web",
]

MIDDLEWARE = [
    "config.traces.Traced",
    "django.middleware.security.SecurityMiddleware",
    "config.security.SecurityHeaders",
    "config.refusals.RefusalLog",
    "web.language.PageLanguage",
    "corsheaders.middleware.CorsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.compression.CompressedPages",
    "config.cookies.StorableCookies",
    "config.cookies.MovedCookies",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "config.bodies.BodyLimit",
    "django.middleware.common.CommonMiddleware",
    "config.origins.OwnOrigin",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "apps.open_sessions.seen.SeenSessions",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "apps.logins.devices.DeviceCookie",
    "config.queries.KnownQuery",
    "config.conditions.Conditions",
    "config.problems.ProblemPages",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# The backend's own tables live in schema "backend", the shared ones in "public". config.guard
# refuses every connection on which that is not so. A machine that is gone without a word is noticed within about 25 s,
# by this side and by the server, which then lets go what the session held; config.silence notices all else.
_GONE_S = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 25_000}
# The schema of the phase is there while a table has both shapes, with a view of each; PostgreSQL skips a missing one.
_SERVER = {"search_path": f"backend,{PHASE_SCHEMA},public", "client_connection_check_interval": "10s"} | {
    f"tcp_{name}" if name.startswith("keepalives") else name: value for name, value in _GONE_S.items()
}
_ASKED = env.DATABASE.get("OPTIONS", {})  # by DATABASE_URL, such as sslmode and sslrootcert
# Sessions tell their phase, so that `handover evolve` sees which are of the old one.
_SESSIONS = f"backend-phase{SCHEMA_PHASE} {_ASKED.get('application_name', env.PGAPPNAME)}".rstrip()
DATABASES = {
    "default": {
        **env.DATABASE,
        "OPTIONS": {
            "connect_timeout": 10,
            **_GONE_S,
            **_ASKED,
            "application_name": _SESSIONS,
            # pgbouncer refuses them: there the role has the search path.
            **({} if env.DATABASE_POOLER else {"options": " ".join(f"-c {n}={value}" for n, value in _SERVER.items())}),
        },
        # A cursor of the server would need the session of the transaction before.
        "DISABLE_SERVER_SIDE_CURSORS": bool(env.DATABASE_POOLER),
        # The first requests of a new session take twice as long, until it has read the catalogue.
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
    },
}
DATABASE_POOLER = env.DATABASE_POOLER
WEB_STATEMENT_S = env.WEB_STATEMENT_S
WEB_LOCK_S = env.WEB_LOCK_S
WEB_INSTANCES = env.WEB_INSTANCES
WORKER_INSTANCES = env.WORKER_INSTANCES
OTHER_CONNECTIONS = env.OTHER_CONNECTIONS
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Equal to the original's, to the letter: a session holds the path of the backend that made it, so
# anything else would log all users out at the switch.
AUTH_USER_MODEL = "users.User"
PASSWORD_MIN_LENGTH = 6
AUTHENTICATION_BACKENDS = ("django.contrib.auth.backends.ModelBackend",)
# For new passwords alone. Both systems let every old password in, and the shortest is the original's.
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": PASSWORD_MIN_LENGTH},
    },
]
if env.BREACHED_PASSWORDS != "off":
    AUTH_PASSWORD_VALIDATORS.append(
        {
            "NAME": "apps.authentication.breached.BreachedPassword",
            "OPTIONS": {} if env.BREACHED_PASSWORDS == "common" else {"hashes": env.BREACHED_PASSWORDS},
        }
    )
# Links for new passwords go by e-mail.
DEFAULT_FROM_EMAIL = env.MAIL_FROM
EMAIL_TIMEOUT = 20
EMAIL_BACKEND, EMAIL_HOST, EMAIL_PORT = (env.EMAIL[name] for name in ("EMAIL_BACKEND", "EMAIL_HOST", "EMAIL_PORT"))
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = env.EMAIL["EMAIL_HOST_USER"], env.EMAIL["EMAIL_HOST_PASSWORD"]
EMAIL_USE_TLS, EMAIL_USE_SSL = env.EMAIL.get("EMAIL_USE_TLS", False), env.EMAIL.get("EMAIL_USE_SSL", False)
SESSION_ENGINE = "django.contrib.sessions.backends.db"

# How browsers reach the service (docs/howto/put-a-front-before-it.md).
TLS = env.TLS
if TLS != "off":
    # The front sets this header, and removes what the client sent under its name.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    # A balancer asks these by plain HTTP.
    SECURE_REDIRECT_EXEMPT = [r"^(api/)?(health|ready)$"]
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    # Browsers keep it for so long, and ask the original by HTTPS too after a way back.
    SECURE_HSTS_SECONDS = HOUR_S if TLS == "shared" else YEAR_S
if TLS == "own":
    # Names that only this host can set. The original knows others, so it must have been retired.
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
DEVICE_COOKIE_NAME = "device" if TLS == "off" else "__Host-device"
SILENCED_SYSTEM_CHECKS = [
    # Both rule over other hosts, and cannot be taken back for a year: their owner decides, in the front.
    "security.W005",  # HSTS for subdomains
    "security.W021",  # HSTS preloading
]

CSRF_FAILURE_VIEW = "config.problems.csrf_failure"
LOGIN_URL = "/login"
LOGIN_REDIRECT_URL = "/studio"

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
# Of the pages; programs are answered in English (web.language). The names are shown as they are.
LANGUAGES = [("en", "English"), ("es", "Español")]
LANGUAGE_COOKIE_NAME = "language"
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["config.formats"]

# Drafts are made here, and everything else too, unless it lies in a bucket.
MEDIA_ROOT = env.MEDIA_ROOT
MOVES_LIBRARY = env.MOVES_LIBRARY
BACHATEO_CACHE = env.BACHATEO_CACHE
ELASTICSEARCH_URL = env.ELASTICSEARCH_URL
ELASTICSEARCH_API_KEY = env.ELASTICSEARCH_API_KEY
ELASTICSEARCH_BUDGET_S = env.ELASTICSEARCH_BUDGET_S
ELASTICSEARCH_FALLBACK = env.ELASTICSEARCH_FALLBACK
SONG_MAX_MB = env.SONG_MAX_MB
_BUCKET = {
    "bucket_name": env.GS_BUCKET_NAME,
    "api_endpoint": env.GS_API_ENDPOINT,
    "file_overwrite": False,
    "iam_sign_blob": env.GS_IAM_SIGN_BLOB,
}
# Songs apart from the rest: in the bucket they lie beside the media, not below them.
STORAGES = {
    "default": {"BACKEND": "apps.media.directory.DirectoryStorage"},
    "songs": {"BACKEND": "apps.media.directory.DirectoryStorage", "OPTIONS": {"folder": "songs"}},
    "staticfiles": {
        "BACKEND": "config.collected.CollectedFiles"
        if env.STATIC_ROOT
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
if env.STORAGE == "gcs":
    STORAGES["default"] = {"BACKEND": "apps.media.bucket.BucketStorage", "OPTIONS": _BUCKET | {"location": "media"}}
    STORAGES["songs"] = {"BACKEND": "apps.media.bucket.BucketStorage", "OPTIONS": _BUCKET | {"location": "songs"}}

# Who makes the videos: workers, or executions of a Cloud Run job.
JOBS = env.JOBS
RUN_JOB = env.RUN_JOB
RUN_API_ENDPOINT = env.RUN_API_ENDPOINT
EXECUTION = env.CLOUD_RUN_EXECUTION if JOBS == "cloud-run" else ""
TRUSTED_PROXIES = env.TRUSTED_PROXIES
X_ACCEL_MEDIA = env.X_ACCEL_MEDIA
TOKEN_DAYS = env.TOKEN_DAYS
TOKEN_MAX_DAYS = env.TOKEN_MAX_DAYS
SECOND_FACTOR = env.SECOND_FACTOR
SESSION_IDLE_H = env.SESSION_IDLE_H
SESSION_ABSOLUTE_H = env.SESSION_ABSOLUTE_H
EVENTS_KEPT_DAYS = env.EVENTS_KEPT_DAYS
REGISTRATIONS_PER_ADDRESS = env.REGISTRATIONS_PER_ADDRESS
WORKER_CORES = env.WORKER_CORES
WORKER_CREW = env.WORKER_CREW
PARALLEL_RUNNING_LIMIT = env.PARALLEL_RUNNING_LIMIT
USER_RUNNING_LIMIT = env.USER_RUNNING_LIMIT
USER_WAITING_LIMIT = env.USER_WAITING_LIMIT
USER_SONGS_LIMIT = env.USER_SONGS_LIMIT
USER_CHOREOGRAPHIES_LIMIT = env.USER_CHOREOGRAPHIES_LIMIT
USER_FAVOURITES_LIMIT = env.USER_FAVOURITES_LIMIT
USER_STORED_MB = env.USER_STORED_MB
USER_TOKENS_LIMIT = env.USER_TOKENS_LIMIT
USER_STREAMS_LIMIT = env.USER_STREAMS_LIMIT
USER_WEBHOOKS_LIMIT = env.USER_WEBHOOKS_LIMIT
WEBHOOK_PLAIN_HTTP = env.WEBHOOK_PLAIN_HTTP
WEBHOOK_PRIVATE_NETWORKS = env.WEBHOOK_PRIVATE_NETWORKS
USER_PREFERENCES_KB = env.USER_PREFERENCES_KB
DATABASE_SILENCE_S = env.DATABASE_SILENCE_S
JOB_LEASE_S = env.JOB_LEASE_S
JOB_SWEEP_S = env.JOB_SWEEP_S
GIVE_WAY_S = env.GIVE_WAY_S
JOB_MAX_ATTEMPTS = env.JOB_MAX_ATTEMPTS
JOB_TIME_LIMIT_S = env.JOB_TIME_LIMIT_S
LOG_FORMAT = env.LOG_FORMAT
METRICS_BIND = env.METRICS_BIND
OTEL_EXPORTER_OTLP_ENDPOINT = env.OTEL_EXPORTER_OTLP_ENDPOINT

# Pages of other sites may use the API, with a token; never with a cookie. None may unless it is named.
CORS_ALLOWED_ORIGINS = [origin for origin in env.CORS_ORIGINS if origin != "*"]
CORS_ALLOW_ALL_ORIGINS = "*" in env.CORS_ORIGINS
CORS_ALLOW_CREDENTIALS = False
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_HEADERS = [
    "accept",
    "authorization",
    "content-type",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "last-event-id",
]
CORS_EXPOSE_HEADERS = ["ETag", "Location", "RateLimit", "RateLimit-Policy", "Retry-After"]

STATIC_URL = "static/"
STATIC_ROOT = env.STATIC_ROOT or None
# Without a folder for it they are served from where they are, as they are: no step between a checkout and a page.
WHITENOISE_USE_FINDERS = not STATIC_ROOT

# Django's own logging is silent about faults unless DEBUG is on.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "lines": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"},
        "json": {"()": "config.logs.formatter"},
    },
    "filters": {"links": {"()": "config.refusals.WithoutLinks"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT, "filters": ["links"]}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": [], "level": "INFO"},
        # Refusals have a line of config.refusals, with account and address; faults stay.
        "django.request": {"level": "ERROR"},
        # It logs its tasks at every start, also when a command only loads the models.
        "procrastinate.blueprints": {"level": "WARNING"},
        # One line for each search is too many; faults are warnings.
        "elastic_transport": {"level": "WARNING"},
    },
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "apps.tokens.authentication.BearerToken",
        "apps.authentication.sessions.CookieSession",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["config.parsing.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["config.rendering.FiniteJSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "config.negotiation.OneJson",
    "URL_FORMAT_OVERRIDE": None,
    "DEFAULT_SCHEMA_CLASS": "config.documentation.OurSchema",
    "DEFAULT_PAGINATION_CLASS": "config.pagination.Keyset",
    "EXCEPTION_HANDLER": "config.problems.problem_details",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

SPECTACULAR_SETTINGS = {
    # In letters that every language has in its names: generated clients are called so.
    "TITLE": "Compas",
    "DESCRIPTION": "Compás: a song in, a bachata choreography video out.",
    "VERSION": "0.1.0",
    "OAS_VERSION": "3.1.0",
    "SERVERS": [{"url": "/", "description": "the server that this document comes from"}],
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "config.documentation.finish"],
    "SCHEMA_PATH_PREFIX": "/api/",
    "ENFORCE_NON_BLANK_FIELDS": True,
    "SERVE_INCLUDE_SCHEMA": False,
    "DEFAULT_GENERATOR_CLASS": "config.documentation.SchemaMadeOnce",
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
}

PROCRASTINATE_AUTODISCOVER_MODULE_NAME = "jobs"
PROCRASTINATE_WORKER_DEFAULTS = {
    # One video at a time per worker: the engine uses every core. More machines, more workers.
    "concurrency": 1,
    # A stop waits this long for the running video, not for ever.
    "shutdown_graceful_timeout": 15.0,
    # Notifications need a session of their own.
    "listen_notify": not DATABASE_POOLER,
    # New calls are announced; a call that is made again is only found by looking.
    "fetch_job_polling_interval": JOB_SWEEP_S / 2,
    # A worker's heart must have stopped before its lease is over: 5 s and 30 s by default.
    "update_heartbeat_interval": JOB_LEASE_S / 12,
    "stalled_worker_timeout": JOB_LEASE_S / 2,
}
