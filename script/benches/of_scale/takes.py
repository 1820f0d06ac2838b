"""What it costs to take a job from the queue, which one worker at a time may do (a part of script/bench scale)."""

import json
import os
import time
from pathlib import Path

from django.db import connection

from apps.authentication.models import User
from apps.generation.queue import take_next
from apps.generation.services import start_generation

TAKES = 200
WARM = 10
USERS = 20


def main() -> None:
    users = [
        User.objects.create_user(f"taker{number}", email=f"{number}@example.com", password="unused here")  # noqa: S106
        for number in range(USERS)
    ]
    for number in range(TAKES + WARM):
        start_generation(user=users[number % len(users)], song="short.mp3", difficulty="beginner", seed=number)
    for number in range(WARM):
        take(number)
    before = processors_s()
    for number in range(WARM, WARM + TAKES):
        take(number)
    print(json.dumps({"take_ms": round((processors_s() - before) / TAKES * 1000, 2)}))


def take(number: int) -> None:
    if take_next(queue_job_id=number) is None:
        raise SystemExit(f"no job was taken after {number}; {TAKES + WARM} were started")


def processors_s() -> float:
    """Return how long this process and its session in the database have been on processors."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (session,) = cursor.fetchone()
    fields = Path(f"/proc/{session}/stat").read_text().rsplit(")", 1)[1].split()
    return time.process_time() + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


main()
