"""All rows and files of a seeded production."""

import random
from datetime import datetime

from django.db import transaction

from seeding import choreographies, files, people, tasks, visits
from seeding.source import Source
from users.models import User

# With fewer users some kind of untidy row would be missing.
FEWEST_UNTIDY = len(people.UNTIDY)


def write_production(*, users: int, untidy: bool, seed: int, now: datetime) -> Source:
    """Write users with all their rows and files; return the source of chance."""
    # The number of users is part of the seed, so that adding twice with one --seed adds different rows.
    chance = random.Random(f"{seed} {User.objects.count()}")  # noqa: S311 - chance that can be repeated
    source = Source(chance, now, untidy)
    with transaction.atomic():
        dancers = people.write_users(source, users)
        people.write_groups(source, dancers)
        visits.write_sessions(source, dancers)
        visits.write_admin_log(source, dancers)
        collection, videos = choreographies.choreographies_of(source, dancers)
        made_by = tasks.tasks_of(source, collection)
        source.write(collection)
        source.write(made_by)
        # Files of rows that are rolled back would stay, so they come last.
        source.written["songs"] = files.write_songs()
        source.written["videos"] = files.write_videos(videos)
    return source
