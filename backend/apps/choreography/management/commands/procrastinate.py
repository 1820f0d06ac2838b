"""procrastinate's command line, on an adopted database only."""

from typing import Any

from django.db import connection
from procrastinate.contrib.django.management.commands import procrastinate


class Command(procrastinate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        # A worker opens its own pool, past the guard that looks at Django's connections.
        connection.ensure_connection()
        super().handle(*args, **options)
