"""What the web server runs."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection

from config import budget, silence, traces
from config.collected import require_collected

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()
require_collected(settings.STATIC_ROOT)
traces.require()
silence.end_sessions_after(settings.DATABASE_SILENCE_S)
budget.limit_statements(statement_s=settings.WEB_STATEMENT_S, lock_s=settings.WEB_LOCK_S)

# The guard looks at every new connection. Open one now, so that a server on a database that was not
# adopted fails to start instead of failing its first visitor; close it, so that no fork inherits it.
connection.ensure_connection()
connection.close()
