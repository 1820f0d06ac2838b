"""procrastinate's command line. It refuses a database that is not adopted.

Its worker also sweeps, sends webhooks, and waits for no silent database. `--queues` restricts it to some queues.
"""

import logging
from contextlib import ExitStack
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db import connection
from procrastinate import cli
from procrastinate.contrib.django import app
from procrastinate.contrib.django.management.commands import procrastinate

from apps.generation.sweep import sweeping
from apps.jobs.calls import WorkersConnector
from apps.jobs.queues import QUEUES, WEBHOOKS
from apps.webhooks.sending import sending
from config import metrics, silence, traces
from config.parent import end_with

log = logging.getLogger(__name__)


class Command(procrastinate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        # A worker opens its own pool, which the guard of Django's connections does not see. So ask Django's first.
        connection.ensure_connection()
        if options.get("command") != "worker":
            super().handle(*args, **options)
            return
        # What it is about to do is a line of the log, also where those are JSON.
        cli.print_stderr = log.info  # type: ignore[assignment]
        queues = options.get("queues")
        if unknown := [name for name in queues or () if name not in QUEUES]:
            raise CommandError(f"There is no queue {', '.join(unknown)}. The queues are {', '.join(QUEUES)}.")
        if settings.WORKER_CREW:
            end_with(settings.WORKER_CREW)
        traces.require()
        metrics.serve(settings.METRICS_BIND)
        silence.end_sessions_after(settings.DATABASE_SILENCE_S)
        connection.close()  # it was opened before
        with ExitStack() as beside:
            beside.enter_context(sweeping(queues or QUEUES))
            if WEBHOOKS in (queues or QUEUES):
                beside.enter_context(sending())
            beside.enter_context(app.replace_connector(WorkersConnector(queues)))
            super().handle(*args, app=app, **options)
