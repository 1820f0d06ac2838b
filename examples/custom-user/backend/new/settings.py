"""The service that takes over; its user model stands in another app."""

import os

SECRET_KEY = os.environ.get("SECRET_KEY", "only for the example, the same in both systems, and long enough")
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "new.urls"
USE_TZ = True
TIME_ZONE = "UTC"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "members",
]
AUTH_USER_MODEL = "accounts.Account"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MEDIA_ROOT = os.environ.get("MEDIA_ROOT", "media")
# The shape of the shared tables that this process expects; an evolution has both (evolution/0001_big_groups.toml).
SCHEMA_PHASE = int(os.environ.get("SCHEMA_PHASE", "1"))
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        # PostgreSQL skips a schema that is not there. The views come before `backend` as well: its devices point at a
        # key that changes. The name tells which sessions expect the new shape.
        "OPTIONS": {
            "options": f"-c search_path=phase{SCHEMA_PHASE},backend,public",
            "application_name": f"members {SCHEMA_PHASE}",
        },
        **{name: os.environ.get("DB_" + name, "") for name in ("HOST", "PORT", "NAME", "USER", "PASSWORD")},
    }
}
