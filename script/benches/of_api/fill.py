"""Rows as a large house has them, and the tokens and places that the load begins from, as one JSON object.

Most users have some rows; one has a quarter of all. Half of the rows of each table are older than a year.
"""

import argparse
import json
import logging
import sys
import time
from typing import Any

from django.core import signing
from django.db import connection

from apps.authentication.models import User
from apps.choreography.models import ChoreographyTask
from apps.collections.selectors import SORTS
from apps.titles import following
from apps.titles.models import TitleDocument
from apps.tokens.scopes import SCOPES
from apps.tokens.services import issue_token
from config import pagination

PAGE, SIZE = 10_000, 20
LARGE = "large"
USERS = """
INSERT INTO users (username, email, password, first_name, last_name, display_name, preferences, is_active, is_staff,
                   is_superuser, is_instructor, date_joined)
SELECT CASE n WHEN 1 THEN 'large' ELSE 'user' || n END, n || '@example.com', '!', '', '', 'User ' || n,
       '{}', true, false, false, false, now()
FROM generate_series(1, %(users)s) n
"""
# The first user's are a quarter of all, evenly among those of the others.
OWNER = "first.id + CASE WHEN n %% 4 = 0 THEN 0 ELSE 1 + n %% (%(users)s - 1) END"
TIME = "now() - interval '2 years' * ((%(rows)s - n)::float8 / %(rows)s) - interval '10 minutes'"
WORDS = """(ARRAY['noche','luna','mar','sol','cancion','bailar','corazon','the','la','de','playa','amor','vida','calle',
 'fuego','lluvia','camino','madrugada','guitarra','tambor','remix','verano','invierno','azul','rojo','cielo'])"""
CHOREOGRAPHIES = f"""
INSERT INTO saved_choreographies (id, user_id, title, video_path, thumbnail_path, difficulty, duration, music_info,
                                  generation_parameters, created_at)
SELECT gen_random_uuid(), {OWNER},
       initcap(concat_ws(' ', {WORDS}[1 + n %% 26], {WORDS}[1 + n / 26 %% 26], n %% 9973)),
       'output/bench/' || n || '.mp4', '', (ARRAY['beginner','intermediate','advanced'])[1 + n %% 3],
       30 + n %% 3011 / 10.0, jsonb_build_object('source', 'song_' || n %% 97 || '.mp3', 'difficulty', 'beginner'),
       jsonb_build_object('difficulty', 'beginner', 'audio_input', 'song_' || n %% 97 || '.mp3', 'task_id', n::text),
       {TIME}
FROM generate_series(1, %(rows)s) n, (SELECT min(id) AS id FROM users) first
"""  # noqa: S608 - constants of this module
TASKS = f"""
INSERT INTO choreography_tasks
    (task_id, user_id, status, progress, stage, message, result, error, created_at, updated_at)
SELECT gen_random_uuid()::text, {OWNER}, CASE WHEN n %% 20 = 0 THEN 'failed' ELSE 'completed' END, 100, 'completed',
       'Choreography generated successfully!',
       jsonb_build_object('video_path', 'output/bench/' || n || '.mp4', 'sequence_duration', 61.5), NULL, {TIME}, {TIME}
FROM generate_series(1, %(rows)s) n, (SELECT min(id) AS id FROM users) first
"""  # noqa: S608 - see above
JOBS = """
INSERT INTO jobs (task_id, user_id, request, auto_save, created_at, owner, attempt, began_at, outcome, result, ended_at)
SELECT task_id, user_id, jsonb_build_object('song', 'song_1.mp3', 'difficulty', 'beginner', 'seed', 1), true,
       created_at, '', 1, created_at, status, result, created_at + interval '2 seconds'
FROM choreography_tasks
"""
# As the sweep writes them; it looks at all of them afterwards, and would write those that differ. The words that
# mistyped ones are compared with are left out: what is searched for here is spelled right.
DOCUMENTS = f"""
INSERT INTO title_documents
    (choreography_id, user_id, title, song, created_at, words, mark, difficulty, duration)
SELECT s.id, s.user_id, s.title, {following.SONG}, s.created_at, (
           SELECT string_agg(quote_literal(s.user_id || mark || word), ' ')
           FROM (SELECT ':' AS mark, unnest(string_to_array(lower(s.title), ' ')
                     || regexp_split_to_array(split_part({following.SONG}, '.', 1), '_')) AS word
                 UNION SELECT '=', lower(s.title)) AS spoken
       )::tsvector, {following._MARK}, s.difficulty, s.duration
FROM saved_choreographies s
"""  # noqa: S608, SLF001 - constants; this is a bench of it


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--users", type=int, required=True)
    parser.add_argument("--active", type=int, required=True)
    arguments = parser.parse_args()
    logging.disable(logging.INFO)  # each token would have a line
    sizes = {"rows": arguments.rows, "users": arguments.users}
    for what, statement in (
        ("users", USERS),
        ("choreographies", CHOREOGRAPHIES),
        ("tasks", TASKS),
        ("jobs", JOBS),
        ("documents", DOCUMENTS),
    ):
        say(f"writing {what}")
        with connection.cursor() as cursor:
            cursor.execute(statement, sizes if "%" in statement else None)
    say("looking whether the documents follow")
    followed_s = follow()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    people = [person(user) for user in User.objects.exclude(username=LARGE).order_by("pk")[: arguments.active]]
    print(json.dumps({"people": people, "large": of_large(User.objects.get(username=LARGE)), "sweep_s": followed_s}))


def follow() -> float:
    """Look at all documents, as the worker's sweep does by and by, and return how long it took."""
    began = time.perf_counter()
    sweep = following.TitleSweep()
    while following.passed_since() is None:
        sweep()
    return round(time.perf_counter() - began, 1)


def person(user: User) -> dict[str, Any]:
    """Return a user's token and what the user has."""
    tasks = ChoreographyTask.objects.filter(user=user, status=ChoreographyTask.Status.COMPLETED)
    return {
        "token": issue_token(user=user, name="bench", scopes=SCOPES)[1],
        "choreographies": [str(key) for key in user.choreographies.values_list("pk", flat=True)[:20]],
        "words": [title.split()[0] for title in user.choreographies.values_list("title", flat=True)[:20]],
        "tasks": list(tasks.values_list("pk", flat=True)[:20]),
    }


def of_large(user: User) -> dict[str, Any]:
    """Return the token of the user with most rows, and cursors of page 10,000 as a reader who came there has them."""
    lists = {
        f"/api/collections?sort={sort}": cursor_of(TitleDocument.objects.filter(user=user).order_by(*order))
        for sort, order in SORTS.items()
    }
    tasks = ChoreographyTask.objects.filter(user=user).order_by("-created_at", "-pk")
    lists["/api/choreography/tasks"] = cursor_of(tasks)
    return {"token": issue_token(user=user, name="bench", scopes=SCOPES)[1], "cursors": lists}


def cursor_of(rows: Any) -> str:
    """Return the cursor of the page with this number, or of the last whole one."""
    number = min(PAGE * SIZE, rows.count() - SIZE - 1)
    keyset = pagination.Keyset()
    keyset.order = pagination._order(rows)  # noqa: SLF001 - this is a bench of it
    row = rows[number - 1]
    values = [field.value_to_string(row) for field in keyset._fields(row)]
    return signing.dumps([False, keyset.order, values], salt=pagination.SALT)


def say(text: str) -> None:
    """Tell people how far it is."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
