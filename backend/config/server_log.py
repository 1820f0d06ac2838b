"""gunicorn's own lines, written as all others are (``LOG_FORMAT``)."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from gunicorn import glogging


class ServerLog(glogging.Logger):  # type: ignore[misc]
    """gunicorn's logger, of which each line is JSON where the others are."""

    def setup(self, cfg: Any) -> None:
        """Set it up as gunicorn does, from the first line on."""
        super().setup(cfg)
        try:
            from config import env, logs  # noqa: PLC0415 - a wrong setting must not end this: the server says which
        except ImproperlyConfigured:
            return
        if env.LOG_FORMAT == "json":
            for handler in (*self.error_log.handlers, *self.access_log.handlers):
                handler.setFormatter(logs.formatter())
