"""Carry a generation out, from the lease to the video and its place in the collection."""

import errno
import faulthandler
import logging
import os
import shutil
import time
import uuid
from pathlib import Path, PurePosixPath
from typing import Any

from django.conf import settings

import bachateo
from apps.choreography import progress
from apps.collections.services import auto_save_choreography
from apps.generation import cores, files, queue
from apps.jobs import leases, runs, turns
from apps.jobs.leases import Lease
from apps.jobs.models import Job
from apps.media import owners
from apps.media.sidecars import PLAN, sidecar_name
from apps.media.storage import media
from apps.moves.search import find_moves
from apps.quotas.limits import check_new_choreography, one_at_a_time
from apps.songs.of_jobs import name_of_song, note_tempo, song_path
from config.errors import NotFoundError, QuotaError, StorageError

log = logging.getLogger(__name__)

# Which limits may be relaxed, in this order, before there is no video: a move may repeat, or be faster than it was
# filmed. The difficulty is never relaxed.
RELAX = ("repeats", "style", "tempo", "ends")
# The engine's errors of a plan that cannot be read.
OF_THE_PLAN = {"CH054", "CH055", "CH056", "CH057", "CH059"}
NOTHING_ELSE = "CH051"
# The engine's errors of the server that is searched.
OF_THE_SEARCH_SERVER = {"CH121", "CH123", "CH124"}
SEARCH_AWAY = "The search for moves does not answer as it should. Please try again later."
# About what a song of 45 minutes leaves in the cache.
ROOM_BYTES = 64 * 1024 * 1024
STUCK = 70  # EX_SOFTWARE of sysexits.h


def make_next(*, queue_job_id: int) -> None:
    """Make the video of the next job, if one may run now."""
    lease = queue.take_next(queue_job_id=queue_job_id)
    if lease is None:
        log.info("nothing to do: no job is waiting, or the limit of running jobs is reached")
        return
    try:
        carry_out_generation(lease)
    finally:
        turns.end_turn(lease.user_id)
        queue.call_worker_if_due()


def carry_out_generation(lease: Lease) -> None:
    """Make the video of a job that was taken. The row says how it ended, also after a fault."""
    try:
        with (
            runs.observed(lease),
            leases.kept(
                lease,
                each_time=lambda: progress.give_way_to_the_original(lease),
                when_stuck=lambda: _end_this_worker(lease),
            ),
        ):
            _carry_out(lease)
    except leases.LeaseLostError as error:
        log.warning("%s", error)
    finally:
        files.remove_leftovers(lease)


def _end_this_worker(lease: Lease) -> None:
    """End the process, which could never work again; its supervisor starts another."""
    log.critical("task %s hangs, and its lease has run out; this worker ends, to be started again", lease.task_id)
    faulthandler.dump_traceback()
    os._exit(STUCK)


def _carry_out(lease: Lease) -> None:
    try:
        _make(lease)
    except progress.StoppedError as error:
        log.info("%s", error)
        fail_generation(lease, reason=str(error))
    except (bachateo.LibraryError, bachateo.SearchError) as error:
        # The reason holds paths and addresses of this installation, so only the log shows it.
        log.error("task %s: %s", lease.task_id, error)  # noqa: TRY400 - expected; a traceback adds nothing
        away = error.code in OF_THE_SEARCH_SERVER
        fail_generation(lease, reason=SEARCH_AWAY if away else "The library of moves cannot be used; the log says why.")
    except (bachateo.BachateoError, NotFoundError) as error:
        fail_generation(lease, reason=error.message)
    except leases.LeaseLostError:
        raise
    except Exception as error:
        # The queue logs what is raised; the user is told that the fault is here and not in the song.
        fail_generation(lease, reason=_reason_of_fault(error))
        raise


def fail_generation(lease: Lease, *, reason: str) -> None:
    """Write why it failed. Raises LeaseLostError."""
    with leases.short_transaction():
        progress.fail(lease, reason=reason)
        files.note_leftovers(lease)


def _reason_of_fault(error: Exception) -> str:
    if isinstance(error, StorageError):
        return "The storage of songs and videos does not answer. Please try again later."
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return "There was no room left on the disk here. Please try again later."
    return f"Something went wrong here ({type(error).__name__}). Please try again."


def _make(lease: Lease) -> None:
    began = time.monotonic()
    # Not needed to start a generation, and the web server imports this module.
    from bachateo.sequence import write_plan  # noqa: PLC0415

    job = Job.objects.get(pk=lease.task_id)
    choreography = _swapped(lease, job) if job.request.get("swap") else _made(lease, job)
    write_plan(choreography.plan, files.draft_sidecar(lease, PLAN), says_where=False)
    progress.advance(lease, "finalizing")
    with leases.short_transaction():
        _finish(lease, job, choreography, seconds=time.monotonic() - began)


def _made(lease: Lease, job: Job) -> bachateo.Choreography:
    song = song_path(job, folder=files.draft_folder(lease))
    with cores.one():
        return bachateo.make(
            song,
            files.draft_path(lease),
            difficulty=job.request["difficulty"],
            energy=job.request["energy"],
            # A job of an older version has neither style nor corrections.
            style=job.request.get("style"),
            seed=job.request["seed"],
            relax=RELAX,
            search=find_moves,
            corrections=_corrections(job.request.get("corrections")),
            **_means(lease),
        )


def _corrections(wanted: dict[str, Any] | None) -> Any:
    from bachateo.music import Corrections  # noqa: PLC0415 - as in _make

    if wanted is None:
        return None
    taps_s: list[float] | None = wanted["taps_s"]
    return tuple(taps_s) if taps_s else Corrections(wanted["shift_half_beat"], wanted["downbeat_at_s"])


def _swapped(lease: Lease, job: Job) -> bachateo.Choreography:
    swap = job.request["swap"]
    song = song_path(job, folder=files.draft_folder(lease))
    name = sidecar_name(files.video_name(swap["task_id"], user_id=job.user_id), PLAN)
    try:
        plan = media().fetch(name, files.draft_folder(lease))
        with cores.one():
            return bachateo.remake(
                song,
                files.draft_path(lease),
                plan=plan,
                number=swap["move"],
                seed=job.request["seed"],
                **_means(lease),
            )
    except FileNotFoundError as error:
        raise NotFoundError("The choreography whose move was to be replaced is not there any more.") from error
    except bachateo.SequencingError as error:
        if error.code in OF_THE_PLAN:  # its message holds a path of this machine
            log.error("task %s: %s", lease.task_id, error)  # noqa: TRY400 - expected; a traceback adds nothing
            raise NotFoundError("The plan of the choreography cannot be read any more.") from error
        if error.code == NOTHING_ELSE:  # its message is for those who keep the library
            log.info("task %s: %s", lease.task_id, error)
            raise NotFoundError(
                f"No other move of the library fits in the place of move {swap['move']}. Swap another one."
            ) from error
        raise


def _means(lease: Lease) -> dict[str, Any]:
    """Return what the engine works with, whatever it makes."""
    from bachateo.video import Sidecars  # noqa: PLC0415 - as in _make

    return {
        "library": settings.MOVES_LIBRARY,
        "cache": _cache(lease),
        "sidecars": Sidecars.beside(files.draft_path(lease)),
        # Raises when the lease is lost or the task has ended; the engine then stops and leaves no file.
        "on_stage": lambda stage: progress.advance(lease, stage),
    }


def _cache(lease: Lease) -> Path:
    """Return where the engine keeps what it hears; where there is no room for it, with the draft, which goes."""
    cache = settings.BACHATEO_CACHE
    try:
        cache.mkdir(parents=True, exist_ok=True)
        if os.access(cache, os.W_OK) and shutil.disk_usage(cache).free >= ROOM_BYTES:
            return cache
        why = f"it cannot be written, or has less than {ROOM_BYTES >> 20} MB left"
    except OSError as error:
        why = str(error)
    log.warning("what is heard is not kept in %s: %s. Empty it, or correct BACHATEO_CACHE.", cache, why)
    return files.draft_folder(lease) / "cache"


def _finish(lease: Lease, job: Job, choreography: bachateo.Choreography, *, seconds: float) -> None:
    video, picture = files.video_name(job.pk, user_id=job.user_id), files.picture_name(lease)
    saved_id = uuid.uuid4() if job.auto_save and _has_room_in_the_collection(job) else None
    result = _result(video, choreography, seconds=seconds, saved_id=saved_id)
    # The task comes first and is then locked: if it was cancelled meanwhile, nothing is saved.
    progress.complete(lease, result=result, **_told(choreography))
    if saved_id:
        auto_save_choreography(
            choreography_id=saved_id,
            user_id=job.user_id,
            task_id=job.pk,
            song=name_of_song(job.pk, job.request),
            difficulty=job.request["difficulty"],
            video_name=video,
            picture_name=picture,
            duration_s=choreography.duration_s,
        )
    note_tempo(job.pk, tempo_bpm=choreography.tempo_bpm)
    # The other sidecars need no record: no row names them, and the video's owner owns them.
    owners.record_made(*filter(None, (video, picture)), user_id=job.user_id)
    # The files come last: only the commit can fail after them, and then the next attempt uses the video.
    files.publish(lease)


def _told(choreography: bachateo.Choreography) -> dict[str, Any]:
    plan, heard = choreography.plan, choreography.plan.analysis
    return {
        "relaxed": list(plan.relaxed),
        "hearing": {
            "four_beats": heard.four_beats,
            "looks_like_four_beats": heard.looks_like_four_beats,
            "uncertain": [{"start_s": start_s, "end_s": end_s} for start_s, end_s in heard.uncertain_s],
            "doubts": list(heard.doubts),
        },
        "variety": {"distinct_share": plan.distinct_share, "changes_share": plan.changes_share},
    }


def _has_room_in_the_collection(job: Job) -> bool:
    try:
        one_at_a_time(job.user_id)
        check_new_choreography(job.user)
    except QuotaError as error:
        # The video is made and can be kept later; the task says that it was not saved.
        log.info("task %s is not saved: %s", job.pk, error.message)
        return False
    return True


def _result(
    video: str, choreography: bachateo.Choreography, *, seconds: float, saved_id: uuid.UUID | None
) -> dict[str, Any]:
    return {
        "video_path": video,
        "video_filename": PurePosixPath(video).name,
        "processing_time": round(seconds, 3),
        "sequence_duration": choreography.duration_s,
        "moves_analyzed": choreography.moves_considered,
        "metadata_path": None,
        "saved_choreography_id": str(saved_id) if saved_id else None,
        "auto_saved": saved_id is not None,
    }
