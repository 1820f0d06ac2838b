"""Fill the database and the media root as years of use would."""

from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from seeding import people, production
from seeding.source import Source
from users.models import User

USAGE, REFUSED = 2, 3


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--users", type=int, required=True, metavar="N", help="how many users to write")
        parser.add_argument("--untidy", action="store_true", help="also what an old production holds: odd rows")
        parser.add_argument("--seed", type=int, default=0, help="the same seed and --now write the same rows (0)")
        parser.add_argument(
            "--now", type=datetime.fromisoformat, metavar="TIME", help="to which all times are relative, ISO 8601 (now)"
        )
        parser.add_argument("--append", action="store_true", help="add to a database that has users already")

    def handle(self, *, users: int, untidy: bool, seed: int, now: datetime | None, append: bool, **_: Any) -> None:
        """Write everything or nothing, and say what was written."""
        fewest = production.FEWEST_UNTIDY if untidy else 1
        if users < fewest:
            kinds = ": so many hold every untidy kind" if untidy else ""
            raise CommandError(f"--users is {users}; it must be at least {fewest}{kinds}.", returncode=USAGE)
        if (present := User.objects.count()) and not append:
            message = f"this database has {present} users already; nothing was written. Add to them with --append."
            raise CommandError(message, returncode=REFUSED)
        now = now or datetime.now(UTC).replace(microsecond=0)
        now = now if now.tzinfo else now.replace(tzinfo=UTC)
        self._report(production.write_production(users=users, untidy=untidy, seed=seed, now=now), seed)

    def _report(self, source: Source, seed: int) -> None:
        self.stdout.write(f"written with --seed {seed} --now {source.now.isoformat()}")
        for what, number in [*source.written.items(), *source.odd.items()]:
            self.stdout.write(f"{number:>8,}  {what}")
        self.stdout.write(f"the password is {people.PASSWORD}, or {people.SHORT_PASSWORD} where it has 6 characters")
