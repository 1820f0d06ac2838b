"""What the web server runs."""

import os

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application
from django.db import connection
from gunicorn.errors import AppImportError

from config import budget, silence, traces
from config.collected import require_collected
from config.start import why_not

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


def _started() -> WSGIHandler:
    started = get_wsgi_application()
    require_collected(settings.STATIC_ROOT)
    traces.require()
    silence.end_sessions_after(settings.DATABASE_SILENCE_S)
    budget.limit_statements(statement_s=settings.WEB_STATEMENT_S, lock_s=settings.WEB_LOCK_S)
    # The guard looks at every new connection. Open one now, so that a server on a database that was not
    # adopted fails to start instead of failing its first visitor; close it, so that no fork inherits it.
    connection.ensure_connection()
    connection.close()
    return started


try:
    application = _started()
except Exception as error:
    if told := why_not(error):
        raise AppImportError(told) from error  # of which gunicorn tells the reason alone
    raise
