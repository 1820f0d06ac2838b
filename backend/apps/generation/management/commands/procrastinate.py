"""procrastinate's command line, on an adopted database only; a worker sweeps, too."""

from contextlib import nullcontext
from typing import Any

from django.db import connection
from procrastinate.contrib.django.management.commands import procrastinate

from apps.generation.sweep import sweeping


class Command(procrastinate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        # A worker opens its own pool, past the guard that looks at Django's connections.
        connection.ensure_connection()
        with sweeping() if options.get("command") == "worker" else nullcontext():
            super().handle(*args, **options)
