"""Make a user the owner of a file, if asked to."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.media.owners import give, recorded
from apps.media.storage import media


class Command(BaseCommand):
    help = "Makes a user the owner of a file: the staff's decision, whatever was recorded. Rows are never changed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the file, below the media root")
        parser.add_argument("username", help="the user who shall own it")
        parser.add_argument("--apply", action="store_true", help="record it; without it nothing is changed")

    def handle(self, *_args: Any, name: str, username: str, apply: bool, **_options: Any) -> None:
        file = media().find(name)
        if file is None:
            raise CommandError(f"There is no file {name!r} in the media storage. Give its path below the media root.")
        user = get_user_model().objects.filter(username=username).first()
        if user is None:
            raise CommandError(f"There is no user {username!r}. Give a username, not an e-mail address.")
        before = recorded([file.name]).get(file.name)
        if apply:
            give(file.name, user_id=user.pk)
        owner = f"its owner was {'no user' if before is None else f'user {before}'}"
        done = "is now" if apply else "would become"
        self.stdout.write(f"{file.name}: {owner}; user {user.pk} ({username}) {done} its owner.")
