"""The system of today; its tables are in the schema shop."""

import os

SECRET_KEY = os.environ.get("SECRET_KEY", "only for the example, the same in both systems, and long enough")
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "old.urls"
USE_TZ = True
TIME_ZONE = "UTC"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "shop",
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MEDIA_ROOT = os.environ.get("MEDIA_ROOT", "media")
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "OPTIONS": {"options": f"-c search_path={os.environ.get('DB_SEARCH_PATH', 'shop')}"},
        **{name: os.environ.get("DB_" + name, "") for name in ("HOST", "PORT", "NAME", "USER", "PASSWORD")},
    }
}
