"""List the files that nothing names or that deleted accounts left, and remove them if asked to."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.generation import orphans
from config.numbers import number


class Command(BaseCommand):
    help = (
        "Lists files that no row and no job names, files that deleted accounts left, and drafts whose lease is over."
        " Never touches rows."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--apply", action="store_true", help="remove them; without it nothing is changed")
        parser.add_argument("--min-age-hours", type=number, default=24.0, help="leave younger files alone (24)")

    def handle(self, *_args: Any, apply: bool, min_age_hours: float, **_options: Any) -> None:
        found = orphans.orphans(min_age=timedelta(hours=min_age_hours))
        for orphan in found:
            if apply:
                orphans.remove(orphan)
            self.stdout.write(
                f"{'removed' if apply else 'orphan'}  {orphan.name}  {orphan.size} bytes  {orphan.reason}"
            )
        total = f"{len(found)} found, {sum(orphan.size for orphan in found)} bytes"
        self.stdout.write(f"{total}{'.' if apply or not found else '; nothing was removed. Remove them with --apply.'}")
