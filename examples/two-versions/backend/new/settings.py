"""The service that takes over, on Django 5.2."""

import os

from django.conf.global_settings import PASSWORD_HASHERS

SECRET_KEY = os.environ.get("SECRET_KEY", "only for the example, the same in both systems, and long enough")
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "new.urls"
USE_TZ = True
TIME_ZONE = "UTC"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "workshop",
]
# All others stay as they are: an old password may have been hashed by any of them.
PASSWORD_HASHERS = ["new.hashers.HasherOfTheOriginal", *PASSWORD_HASHERS[1:]]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MEDIA_ROOT = os.environ.get("MEDIA_ROOT", "media")
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        **{name: os.environ.get("DB_" + name, "") for name in ("HOST", "PORT", "NAME", "USER", "PASSWORD")},
    }
}
