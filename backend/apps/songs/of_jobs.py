"""The song that a job was given: by name one of the common folder, by id one of the user's own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.db.models import F
from django.db.models.functions import Coalesce

from apps.authentication.models import User
from apps.jobs.models import Job
from apps.media import storage
from apps.songs import recordings
from apps.songs.common import song_named
from apps.songs.models import JobSong, Recording
from apps.songs.selectors import is_own_id, own_song
from apps.songs.titles import file_name_of
from config.errors import NotFoundError


def note_song(task_id: str, *, user: User, song: str) -> None:
    """Note which own song a new job was given, in the transaction that makes the job. Raises NotFoundError.

    The song is locked, so it is deleted before this or afterwards, and afterwards the job keeps the recording.
    """
    if not is_own_id(song):
        return
    found = own_song(user, song, lock=True)
    name = file_name_of(found.title, ending=recordings.ending_of(found.recording))
    JobSong.objects.create(job_id=task_id, recording=found.recording, name=name)


def names_of_songs(requests: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return how each job's choreography names its song, by task; empty where the request names none."""
    songs = {task_id: str(request.get("song") or "") for task_id, request in requests.items()}
    own = [task_id for task_id, song in songs.items() if is_own_id(song)]
    names = dict(JobSong.objects.filter(pk__in=own).values_list("pk", "name")) if own else {}
    return {task_id: names.get(task_id, "") if is_own_id(song) else song for task_id, song in songs.items()}


def name_of_song(task_id: str, request: Mapping[str, Any]) -> str:
    """Return how one job's choreography names its song."""
    return names_of_songs({task_id: request})[task_id]


def song_path(job: Job, *, folder: Path) -> Path:
    """Return the song of a job as a file of this machine, in ``folder`` if it has to be. Raises NotFoundError."""
    song = job.request["song"]
    if not is_own_id(song):
        return storage.songs().fetch(song_named(song).name, folder)
    noted = JobSong.objects.select_related("recording").filter(pk=job.pk).first()
    gone = f"{noted.name if noted else 'The song'} is not there any more. Upload it again."
    if noted is None or noted.recording is None:
        raise NotFoundError(gone, code="song-missing")
    try:
        return recordings.fetch(noted.recording, name=noted.name, folder=folder)
    except FileNotFoundError as error:
        raise NotFoundError(gone, code="song-missing") from error


def note_tempo(task_id: str, *, tempo_bpm: float) -> None:
    """Note the tempo that a job has heard in an own song; the first one stands."""
    recording = JobSong.objects.filter(pk=task_id).values("recording")
    Recording.objects.filter(pk__in=recording).update(tempo_bpm=Coalesce(F("tempo_bpm"), tempo_bpm))
