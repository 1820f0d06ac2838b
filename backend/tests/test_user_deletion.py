"""A user can be deleted by either system, whatever the backend has written."""

from contextlib import closing
from datetime import timedelta

import psycopg
import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.db.models.functions import Now

from apps.authentication.models import User
from apps.choreography.models import ChoreographyTask
from apps.collections.models import SavedChoreography
from apps.jobs.models import Job
from apps.media.models import FileOwner
from apps.media.owners import record_made
from apps.sharing import counting
from apps.sharing.favourites import add_favourite
from apps.sharing.likes import like
from apps.sharing.models import Favourite, Like, Share
from apps.songs import recordings
from apps.songs.models import JobSong, OwnSong, Recording, Song
from apps.tokens.models import PersonalToken
from apps.tokens.services import issue_token
from tests.conftest import make_user
from tests.sharing import shared

# What the original's own cascade does, statement by statement: it knows nothing of songs, files, jobs or tokens.
ORIGINALS_CASCADE = [
    "DELETE FROM users_groups WHERE user_id = %s",
    "DELETE FROM users_user_permissions WHERE user_id = %s",
    "DELETE FROM django_admin_log WHERE user_id = %s",
    "DELETE FROM choreography_tasks WHERE user_id = %s",
    "DELETE FROM saved_choreographies WHERE user_id = %s",
    "DELETE FROM users WHERE id = %s",
]


@pytest.fixture
def ana_with_everything(own_database) -> User:
    user = make_user("ana")
    user.groups.add(Group.objects.create(name="teachers"))
    user.user_permissions.add(Permission.objects.first())
    LogEntry.objects.create(user=user, action_flag=1, object_repr="x")
    ChoreographyTask.objects.create(task_id="t", user=user, job_execution_name="procrastinate/jobs/1")
    SavedChoreography.objects.create(user=user, title="t", video_path="x.mp4", difficulty="beginner", duration=1)
    Song.objects.create(file_name="s.mp3", title="s", sha256="0" * 64, size=1, duration_s=1, uploaded_by=user)
    issue_token(user=user, name="t", scopes=["read"])
    record_made(f"output/user_{user.pk}/t.mp4", user_id=user.pk)
    Job.objects.create(task_id="t", user=user, request={}, created_at=user.date_joined)
    recording = Recording.objects.create(sha256="1" * 64, file_name="own_songs/x.mp3", size=1, duration_s=1)
    OwnSong.objects.create(user=user, recording=recording, title="hers")
    JobSong.objects.create(job_id="t", recording=recording, name="hers.mp3")
    of_another = shared(make_user("ben"))
    mine = shared(user, video="shared.mp4")
    for share in (mine, of_another):
        like(user=user, choreography_id=share.pk)
        add_favourite(user=user, choreography_id=share.pk)
    return user


def assert_only_the_song_and_the_record_of_the_file_are_left() -> None:
    assert User.objects.get().username == "ben"
    assert not ChoreographyTask.objects.exists()
    assert SavedChoreography.objects.get().user.username == "ben"
    counting.sweep()
    assert Share.objects.values_list("user__username", "likes").get() == ("ben", 0)
    assert not Like.objects.exists()
    assert not Favourite.objects.exists()
    assert not LogEntry.objects.exists()
    assert not PersonalToken.objects.exists()
    assert not Job.objects.exists()
    assert Song.objects.get().uploaded_by_id is None
    assert not OwnSong.objects.exists()
    assert not JobSong.objects.exists()
    Recording.objects.update(touched_at=Now() - timedelta(days=1))
    recordings.remove_unused()
    assert not Recording.objects.exists()
    # Without the record, the next row that names the file would own it.
    assert FileOwner.objects.exclude(user__username="ben").values_list("user_id", "how").distinct().get() == (
        None,
        "made",
    )


@pytest.fixture
def original(own_database) -> str:
    """The URL of the original's role; at the end of the evolution it has no rights, and its tests are not collected."""
    return own_database.url("original_app")


def test_delete_in_the_backend__takes_all_rows_and_keeps_song_and_record(ana_with_everything):
    ana_with_everything.delete()
    assert_only_the_song_and_the_record_of_the_file_are_left()


def test_delete_in_the_original__takes_all_rows_and_keeps_song_and_record(ana_with_everything, original):
    with psycopg.connect(original) as session:
        for statement in ORIGINALS_CASCADE:
            session.execute(statement, [ana_with_everything.pk])
    assert_only_the_song_and_the_record_of_the_file_are_left()


def test_delete_in_the_original__foreign_key_without_on_delete__would_be_refused(
    ana_with_everything, own_database, original
):
    with psycopg.connect(own_database.url("backend_app")) as session:
        session.execute(
            "ALTER TABLE songs DROP CONSTRAINT songs_uploaded_by_id_fk_users_id,"
            " ADD FOREIGN KEY (uploaded_by_id) REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED"
        )
    with closing(psycopg.connect(original)) as session:
        for statement in ORIGINALS_CASCADE:
            session.execute(statement, [ana_with_everything.pk])
        with pytest.raises(psycopg.errors.ForeignKeyViolation, match='still referenced from table "songs"'):
            session.commit()
