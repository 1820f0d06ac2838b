"""Settings of the original, all read from the environment."""

import re
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

env = environ.Env()
BASE_DIR = Path(__file__).resolve().parent.parent

SECRET_KEY = env.str("SECRET_KEY")
DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])

# The order of these apps is the order of rows in django_content_type and django_migrations.
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "users",
    "choreography",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "monolith.urls"
WSGI_APPLICATION = "monolith.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
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

DATABASES = {"default": env.db_url("DATABASE_URL")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "users.User"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 6},
    },
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "select-song"
LOGOUT_REDIRECT_URL = "select-song"
SESSION_ENGINE = "django.contrib.sessions.backends.db"

# Failed logins are counted here, so many addresses must not push each other out.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    },
}

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"
# The admin's files are served from where they are installed, with DEBUG off too.
WHITENOISE_USE_FINDERS = True

MEDIA_ROOT = Path(env.str("MEDIA_ROOT")).resolve()
STORAGE = env.str("STORAGE", default="directory")


def media_storages() -> dict[str, Any]:
    """Return the storages of videos and songs. The code uses names in them and no folders."""
    if STORAGE == "directory":
        backend = "django.core.files.storage.FileSystemStorage"
        videos, songs = {}, {"location": MEDIA_ROOT / "songs"}  # without a location: below MEDIA_ROOT
    elif STORAGE == "gcs":
        backend, videos, songs = "choreography.bucket.BucketStorage", bucket("media"), bucket("songs")
    else:
        raise ImproperlyConfigured(f"STORAGE is {STORAGE!r}; it must be 'directory' or 'gcs'.")
    return {"default": {"BACKEND": backend, "OPTIONS": videos}, "songs": {"BACKEND": backend, "OPTIONS": songs}}


def bucket(prefix: str) -> dict[str, Any]:
    """Return the options of a storage below this prefix of the bucket: songs lie beside the media, not below them."""
    name, endpoint = env.str("GS_BUCKET_NAME"), env.str("GS_API_ENDPOINT", default="https://storage.googleapis.com")
    if not name:
        raise ImproperlyConfigured("GS_BUCKET_NAME is empty; with STORAGE=gcs it must name the bucket.")
    if not re.fullmatch(r"https?://[^/]+", endpoint):
        example = "like https://storage.googleapis.com, without a path"
        raise ImproperlyConfigured(f"GS_API_ENDPOINT is {endpoint!r}; it must be {example}.")
    return {
        "bucket_name": name,
        "location": prefix,
        "api_endpoint": endpoint,
        "file_overwrite": False,
        "iam_sign_blob": env.bool("GS_IAM_SIGN_BLOB", default=False),
        "max_memory_size": 8 * 1024 * 1024,  # of an open file; the rest goes to a temporary one
    }


STORAGES = {
    **media_storages(),
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
MOVES_LIBRARY = Path(env.str("MOVES_LIBRARY", default=str(MEDIA_ROOT / "Bachata_steps")))
# Where moves are searched; if empty, in the index file of the library.
ELASTICSEARCH_URL = env.str("ELASTICSEARCH_URL", default="")
BACHATEO_CACHE = Path(env.str("BACHATEO_CACHE", default=str(MEDIA_ROOT.parent / "cache")))

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    # One line for each search is too many; faults are warnings.
    "loggers": {"elastic_transport": {"level": "WARNING"}},
}
