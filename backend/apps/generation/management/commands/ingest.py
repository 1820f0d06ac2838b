"""Have the workers make a library from a folder of films, in shares."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.moves.ingest import Films, start_ingest
from bachateo.errors import ClipError
from config.errors import ConflictError
from config.numbers import whole_number


class Command(BaseCommand):
    help = (
        "Calls the workers to make a library from a folder of films, or to bring it up to date. Every worker that"
        " serves the queue `ingest` needs both folders, at these paths."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("films", type=Path, help="folder of the films")
        parser.add_argument("--annotations", type=Path, required=True, help="JSON file that says what each film shows")
        parser.add_argument("--out", "-o", type=Path, default=settings.MOVES_LIBRARY, help="the library (%(default)s)")
        parser.add_argument("--shares", type=whole_number, help="so many; by default four films are a share")
        for name, what in (("height", "of the pictures"), ("width", "of the pictures"), ("fps", "pictures a second")):
            parser.add_argument(f"--{name}", type=whole_number, help=f"{what}; as in `bachateo library ingest`")

    def handle(self, *_args: Any, films: Path, annotations: Path, out: Path, **options: Any) -> None:
        if not films.is_dir():
            raise CommandError(f"{films} is not a folder. Name the folder of the films.")
        asked = Films(
            films=str(films.absolute()),
            annotations=str(annotations.absolute()),
            library=str(out.absolute()),
            height=options["height"],
            width=options["width"],
            rate_hz=options["fps"],
        )
        try:
            shares = start_ingest(asked, shares=options["shares"])
        except (ClipError, ConflictError) as error:
            raise CommandError(error.message) from error
        self.stdout.write(
            f"Workers are called to {shares} {'share' if shares == 1 else 'shares'}. When the last is done,"
            f" {Path(asked.library, 'ingest-report.json')} says what became of each film."
        )
