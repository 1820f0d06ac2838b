"""Say whose the uploads are that rows name, and record it if asked to."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.media.owners import record
from apps.media.survey import Survey, survey


class Command(BaseCommand):
    help = (
        "Lists the files below choreographies/ and thumbnails/ that rows of several users name, and counts the files"
        " that have no recorded owner yet. Rows and files are never changed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--apply", action="store_true", help="record the owners; without it nothing is changed")

    def handle(self, *_args: Any, apply: bool, **_options: Any) -> None:
        found = survey()
        for name in sorted(found.contested):
            self.stdout.write(f"contested  {name}  {_whose(found, name)}")
        if apply:
            record(found.new)
        self.stdout.write(_total(found, apply=apply))


def _whose(found: Survey, name: str) -> str:
    owner = found.owners[name]
    others = ", ".join(map(str, sorted(found.contested[name] - {owner})))
    whose = "no user's" if owner is None else f"user {owner}'s"
    return f"is {whose}; rows of these users name it too: {others}"


def _total(found: Survey, *, apply: bool) -> str:
    total = f"{len(found.owners)} files are named, {len(found.contested)} of them by several users. "
    if not found.new:
        return f"{total}Each has a record."
    return f"{total}{len(found.new)} records were {'written.' if apply else 'missing; write them with --apply.'}"
