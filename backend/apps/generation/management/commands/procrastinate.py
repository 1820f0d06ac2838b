"""procrastinate's command line. It refuses a database that is not adopted.

Its worker also sweeps, sends webhooks, and waits for no silent database.
"""

from typing import Any

from django.conf import settings
from django.db import connection
from procrastinate.contrib.django import app
from procrastinate.contrib.django.management.commands import procrastinate

from apps.generation.sweep import sweeping
from apps.jobs.calls import WorkersConnector
from apps.webhooks.sending import sending
from config import metrics, silence, traces


class Command(procrastinate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        # A worker opens its own pool, which the guard of Django's connections does not see. So ask Django's first.
        connection.ensure_connection()
        if options.get("command") != "worker":
            super().handle(*args, **options)
            return
        traces.require()
        metrics.serve(settings.METRICS_BIND)
        silence.end_sessions_after(settings.DATABASE_SILENCE_S)
        connection.close()  # it was opened before
        with sweeping(), sending(), app.replace_connector(WorkersConnector()):
            super().handle(*args, app=app, **options)
