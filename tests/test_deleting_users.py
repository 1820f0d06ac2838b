"""Deleting a user works in either system, whatever the other wrote."""

import psycopg
import pytest
from psycopg import sql

from tests.people import Browser, shell

DELETE = "from django.contrib.auth import get_user_model as U; print(U().objects.get(username='{}').delete())"


@pytest.mark.parametrize("system", ["original", "backend"])
@pytest.mark.full
def test_delete_user__with_songs_tasks_videos_and_log_entries_of_both__works(
    dancer: Browser, systems, system: str, song_in_the_house: str, demo_song
):
    with demo_song.open("rb") as file:
        content = file.read() + dancer.name.encode()  # another song than anybody else's
    upload = dancer.post(dancer.backend, "/api/songs", files={"file": (f"{dancer.name}.mp3", content, "audio/mpeg")})
    assert upload.status_code == 201, upload.text
    wanted = {"song": song_in_the_house, "difficulty": "beginner"}
    by_backend = dancer.post(dancer.backend, "/api/choreography/generate", json=wanted).json()["task_id"]
    form = {"song_selection": song_in_the_house, "difficulty": "advanced", "auto_save": "true"}
    by_original = dancer.post(dancer.original, "/create/", data=form).json()["task_id"]
    for task_id in (by_backend, by_original):
        assert dancer.until_ended(task_id)["status"] == "completed"
    user_id = dancer.backend.get("/api/auth/me").json()["id"]
    shell(systems, "original", LOG_ENTRY.format(user_id))

    shell(systems, system, DELETE.format(dancer.name))

    with psycopg.connect(systems.database.url("owner")) as connection:
        for table in ("choreography_tasks", "saved_choreographies", "django_admin_log"):
            query = sql.SQL("SELECT count(*) FROM {} WHERE user_id = %s").format(sql.Identifier(table))
            assert connection.execute(query, [user_id]).fetchone() == (0,), table
    with psycopg.connect(systems.database.url("backend_app")) as connection:
        song = connection.execute("SELECT count(*) FROM own_songs WHERE id = %s", [upload.json()["id"]])
        assert song.fetchone() == (0,)


LOG_ENTRY = (
    "from django.contrib.admin.models import LogEntry; "
    "LogEntry.objects.create(user_id={}, object_repr='x', action_flag=1, change_message='')"
)
