"""``manage.py reset_second_factor NAME``: for staff who lost both the app and the recovery codes."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.authentication.selectors import user_by_login
from apps.second_factor.services import reset


class Command(BaseCommand):
    help = "Removes the second factor of a user, who sets up another one at the next visit of the admin site."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="username or e-mail")

    def handle(self, *_args: Any, name: str, **_options: Any) -> None:
        user = user_by_login(name)
        if user is None:
            raise CommandError(f"There is no user {name!r}; expected a username or an e-mail.")
        if not reset(user):
            raise CommandError(f"{user.get_username()} has no second factor; there is nothing to remove.")
        self.stdout.write(f"The second factor of {user.get_username()} is removed.")
