"""Search, and lists by tag, category, favourites and visibility.

One user has half of all titles, one as many as one may have, and a thousand others have the rest.

Times are of whole requests, in this process: log-in, search, and the answer as JSON. ``cpu`` is what a request costs on
processors, this process and its session of PostgreSQL together: it tells the same when a machine does much else.
"""

import argparse
import json
import os
import random
import statistics
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import psycopg
from django.core import signing
from django.db import connection
from django.db.models import QuerySet
from django.test import Client

from apps.authentication.models import User
from apps.collections.models import SavedChoreography
from apps.labels.models import Label, Labelling
from apps.sharing.models import Favourite, Share
from apps.titles import following
from config import pagination

OTHERS, FULL = 1_000, following.LOOKED_AT
BEGAN = datetime(2020, 1, 1, tzinfo=UTC)
STOP_WORDS = ["la", "de", "the", "el", "y", "of", "mi", "en", "un", "una"]
SYLLABLES = [
    "ba",
    "cha",
    "ta",
    "no",
    "che",
    "lu",
    "na",
    "so",
    "mi",
    "ra",
    "zon",
    "cie",
    "lo",
    "vi",
    "da",
    "ro",
    "que",
    "go",
]
COLLECTION = "/api/collections"
DEEP, FOUND_DEEP = 10_000, 200
SIZE = 20
REPEATS = 30


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--titles", type=int, required=True)
    parser.add_argument("--searches", type=int, required=True)
    arguments = parser.parse_args()
    browser(User.objects.create_user("first", email="first@example.com")).get(COLLECTION)  # loads everything
    rng = random.Random(1)  # noqa: S311 - the same titles each time
    words = vocabulary(rng)
    users = {name: User.objects.create_user(name, email=f"{name}@example.com") for name in ("many", "full", "fresh")}
    others = [User(username=f"other{number}", email=f"{number}@example.com") for number in range(OTHERS)]
    User.objects.bulk_create(others)
    say("writing titles")
    write_titles(arguments.titles, users, others, lambda: title(rng, words))
    say("following them")
    figures = {"titles": arguments.titles} | follow(users["fresh"])
    label(users["many"])
    share(users["many"])
    tidy_up()
    figures |= searches(users | {"others": others[7]}, arguments.searches, rng, words)
    figures |= lists(users["many"], words)
    print(json.dumps(figures))


def vocabulary(rng: random.Random) -> list[str]:
    """Return words, the first the most common."""
    made = {"".join(rng.choices(SYLLABLES, k=rng.choice((2, 2, 3, 3, 4)))) for _ in range(20_000)}
    return STOP_WORDS + sorted(made, key=lambda word: (len(word), word))


def title(rng: random.Random, words: list[str]) -> str:
    """Return two to six words; how common they are is as in languages: Zipf."""
    chosen = [words[min(int(len(words) ** rng.random()), len(words)) - 1] for _ in range(rng.randint(2, 6))]
    return " ".join(chosen).capitalize()


def write_titles(number: int, users: dict[str, User], others: list[User], new: Callable[[], str]) -> None:
    """Write half of all for one user, a full collection for two, and the rest for the others."""
    owners = [users["full"].pk, users["fresh"].pk] * FULL + [users["many"].pk] * (number // 2)
    owners += [others[place % OTHERS].pk for place in range(number - len(owners))]
    random.Random(2).shuffle(owners)  # noqa: S311 - as people come
    with psycopg.connect(os.environ["OWNER_DATABASE_URL"]) as session, session.cursor() as cursor:
        columns = "id, user_id, title, video_path, thumbnail_path, difficulty, duration, music_info, created_at"
        with cursor.copy(f"COPY saved_choreographies ({columns}) FROM STDIN") as copy:
            for place, owner_id in enumerate(owners):
                song = json.dumps({"source": f"song_{place % 97}.mp3", "difficulty": "beginner"})
                row = (
                    uuid.uuid4(),
                    owner_id,
                    new(),
                    f"output/user_{owner_id}/{place}.mp4",
                    "",
                    "beginner",
                    180.0,
                    song,
                )
                copy.write_row((*row, BEGAN + timedelta(seconds=60 * place)))


def follow(unseen: User) -> dict[str, float]:
    """Follow all rows, then all again, as each sweep does; one user's documents are taken away again."""
    began, after = time.perf_counter(), following.FIRST
    while after:
        after, _ = following.follow_slice(after)
    first_s = time.perf_counter() - began
    began, after = time.perf_counter(), following.FIRST
    while after:
        after, _ = following.follow_slice(after)
    again_s = time.perf_counter() - began
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM title_documents WHERE user_id = %s", [unseen.pk])
        cursor.execute("SELECT pg_total_relation_size('title_documents') + pg_total_relation_size('title_words')")
        (size,) = cursor.fetchone()
    rows = SavedChoreography.objects.count()
    return {
        "first_sweep_rows_per_s": round(rows / first_s),
        "sweep_s": round(again_s, 2),
        "documents_mb": round(size / 1e6),
    }


def tidy_up() -> None:
    """Do what autovacuum does in time: each role for its own tables."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    with psycopg.connect(os.environ["OWNER_DATABASE_URL"], autocommit=True) as owner:
        owner.execute("VACUUM ANALYZE")


def label(user: User) -> None:
    """Give one user's choreographies a tag and a category, most of them both."""
    labels = [Label.objects.create(user=user, kind=kind, name=kind, key=kind) for kind in ("tag", "category")]
    with connection.cursor() as cursor:
        for one in labels:
            cursor.execute(
                "INSERT INTO labellings (label_id, choreography_id, kind, created_at)"
                " SELECT %s, id, %s, created_at FROM saved_choreographies WHERE user_id = %s AND random() < 0.9",
                [one.pk, one.kind, user.pk],
            )


def share(user: User) -> None:
    """Let one user make most choreographies public, liked by more or fewer, and mark them as favourites."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO shares (choreography_id, user_id, public_since, likes)"
            " SELECT id, user_id, created_at, floor(random() * 1000) FROM saved_choreographies"
            " WHERE user_id = %s AND random() < 0.9",
            [user.pk],
        )
        cursor.execute("INSERT INTO favourites (user_id, choreography_id) SELECT user_id, choreography_id FROM shares")


def searches(users: dict[str, User], number: int, rng: random.Random, words: list[str]) -> dict[str, float]:
    """Search as each user; return the 95th of 100 of each, and of each kind of question."""
    kinds: dict[str, list[float]] = {}
    by_user: dict[str, list[float]] = {}
    cpu: list[float] = []
    for name, user in users.items():
        client = browser(user)
        for kind, asked in questions(user, number, rng, words):
            began_ms = cpu_ms()
            took_ms = timed(client, {"q": asked})
            by_user.setdefault(name, []).append(took_ms)
            if name != "fresh":
                cpu.append(cpu_ms() - began_ms)
                kinds.setdefault(kind, []).append(took_ms)
    everyone = [took for name, times in by_user.items() if name != "fresh" for took in times]
    return {
        "search_p50_ms": round(statistics.median(everyone), 1),
        "search_p95_ms": p95(everyone),
        "search_p95_cpu_ms": p95(cpu),
        **{f"search_p95_of_{name}_ms": p95(times) for name, times in by_user.items()},
        **{f"search_p95_{kind}_ms": p95(times) for kind, times in kinds.items()},
        "search_worst_ms": round(max(everyone), 1),
    }


def questions(user: User, number: int, rng: random.Random, words: list[str]) -> Iterator[tuple[str, str]]:
    """Ask what people ask: words of a title, a beginning, a common word, a mistyped one, and what is not there."""
    titles = list(SavedChoreography.objects.filter(user=user).order_by("id").values_list("title", flat=True)[:number])
    for _ in range(number):
        spoken = rng.choice(titles).lower().split()
        long = max(spoken, key=len)
        at = rng.randrange(1, max(2, len(long) - 1))
        kind = rng.choice(("title", "words", "word", "beginning", "common", "mistyped", "nothing"))
        yield (
            kind,
            {
                "title": " ".join(spoken),
                "words": " ".join(rng.sample(spoken, 2)),
                "word": rng.choice(spoken),
                "beginning": long[: rng.randint(1, 4)],
                "common": " ".join(rng.sample(words[:20], rng.randint(1, 2))),
                "mistyped": long[:at] + rng.choice("xkw") + long[at + 1 :],
                "nothing": "".join(rng.choices("qwxzk", k=6)),
            }[kind],
        )


def lists(user: User, words: list[str]) -> dict[str, float]:
    """Time the first page and a deep one, of each list."""
    client, figures = browser(user), {}
    labelled = {kind: Labelling.objects.filter(label__user=user, label__kind=kind) for kind in ("tag", "category")}
    by_label, shares = ["-created_at", "-id"], Share.objects.filter(public_since__isnull=False)
    for name, address, asked, rows, order in (
        ("tag", COLLECTION, {"tag": "tag"}, labelled["tag"], by_label),
        ("category", COLLECTION, {"category": "category"}, labelled["category"], by_label),
        ("tag_and_category", COLLECTION, {"tag": "tag", "category": "category"}, labelled["tag"], by_label),
        ("favourites", "/api/favourites", {}, Favourite.objects.filter(user=user), ["-id"]),
        ("public", "/api/public", {}, shares, ["-public_since", "-choreography_id"]),
        ("most_liked", "/api/public", {"sort": "most_liked"}, shares, ["-likes", "-choreography_id"]),
    ):
        figures |= compared(name, client, address, asked, asked | {"cursor": cursor_of(rows, order)})
    asked = {"q": words[0]}
    page = client.get(COLLECTION, asked).json()
    for _ in range(FOUND_DEEP):
        further = client.get(page["next"]).json()
        page = further if further["next"] else page
    cursor = page["next"].split("cursor=")[1].split("&")[0]
    return figures | compared("found", client, COLLECTION, asked, asked | {"cursor": cursor.replace("%3A", ":")})


def compared(name: str, client: Client, address: str, first: dict[str, str], deep: dict[str, str]) -> dict[str, float]:
    """Time two pages in turns, so that what else this machine does falls on both."""
    times = [(timed(client, first, address), timed(client, deep, address)) for _ in range(REPEATS)]
    first_ms, deep_ms = (statistics.median(side) for side in zip(*times, strict=True))
    return {
        f"{name}_page_1_ms": round(first_ms, 1),
        f"{name}_page_deep_ms": round(deep_ms, 1),
        f"{name}_times": round(deep_ms / first_ms, 2),
        f"{name}_cpu_times": round(cost(client, deep, address) / cost(client, first, address), 2),
    }


def cost(client: Client, asked: dict[str, str], address: str) -> float:
    """Return what a page costs on processors, in the median."""
    costs = []
    for _ in range(REPEATS):
        began_ms = cpu_ms()
        timed(client, asked, address)
        costs.append(cpu_ms() - began_ms)
    return statistics.median(costs)


def cursor_of(rows: QuerySet[Any], order: list[str]) -> str:
    """Return the cursor of a page far behind, as a reader who came there page by page has it."""
    row = rows.order_by(*order)[min(DEEP * SIZE, rows.count() - SIZE - 1) - 1]
    fields = [row._meta.get_field(name.removeprefix("-")) for name in order]  # noqa: SLF001 - public by its documentation
    return signing.dumps([False, order, [field.value_to_string(row) for field in fields]], salt=pagination.SALT)


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def timed(client: Client, asked: dict[str, str], address: str = COLLECTION) -> float:
    """Return how many milliseconds a page took."""
    began = time.perf_counter()
    answer = client.get(address, asked)
    took_ms = (time.perf_counter() - began) * 1000
    if answer.status_code != HTTPStatus.OK:
        raise SystemExit(f"bench collection: {address} {asked} answers {answer.status_code}: {answer.content.decode()}")
    return took_ms


def cpu_ms() -> float:
    """Return how long this process and its session of PostgreSQL have been on processors."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    session_ns = int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])
    return time.process_time() * 1000 + session_ns / 1e6


def p95(times: list[float]) -> float:
    return round(statistics.quantiles(times, n=20)[-1], 1)


def say(text: str) -> None:
    """Tell people how far it is."""
    print(text, file=sys.stderr)


if __name__ == "__main__":
    main()
