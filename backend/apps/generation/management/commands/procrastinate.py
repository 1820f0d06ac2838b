"""procrastinate's command line. It refuses a database that is not adopted, and its worker also sweeps."""

from contextlib import nullcontext
from typing import Any

from django.db import connection
from procrastinate.contrib.django.management.commands import procrastinate

from apps.generation.sweep import sweeping


class Command(procrastinate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        # A worker opens its own pool, which the guard of Django's connections does not see. So ask Django's first.
        connection.ensure_connection()
        with sweeping() if options.get("command") == "worker" else nullcontext():
            super().handle(*args, **options)
