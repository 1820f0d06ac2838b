"""Carry a generation out, from the claimed row to the video and its place in the collection."""

import logging
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

import choreographer
from apps.choreography import progress
from apps.choreography.models import ChoreographyTask
from apps.collections.services import auto_save_choreography
from apps.media.files import stored_name
from apps.songs.selectors import song_path
from config.errors import NotFoundError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Order:
    """What was asked for, and by whom."""

    task_id: str
    user_id: int
    song: str
    difficulty: str
    energy: str | None
    seed: int
    auto_save: bool

    @property
    def out(self) -> Path:
        # By task, so that a second run of the same job makes the same file and no other.
        return Path(settings.MEDIA_ROOT, "output", f"user_{self.user_id}", f"{self.task_id}.mp4")


def carry_out_generation(*, task_id: str, **wishes: Any) -> None:
    """Make the video of a started task. Whatever happens, the row says how it ended."""
    task = ChoreographyTask.objects.only("user_id").filter(pk=task_id).first()
    if task is None or not progress.claim(task_id):
        log.info("task %s: nothing to do; it is gone, finished, or another worker has it", task_id)
        return
    order = Order(task_id=task_id, user_id=task.user_id, **wishes)
    try:
        _carry_out(order)
    except progress.TaskTakenError as error:
        order.out.unlink(missing_ok=True)
        log.info("%s", error)
    except (choreographer.ChoreographerError, NotFoundError) as error:
        _give_up(order, error.message)
    except Exception as error:
        # The queue logs what is raised; the user learns that it was not the song's fault.
        _give_up(order, f"Something went wrong here ({type(error).__name__}). Please try again.")
        raise


def _carry_out(order: Order) -> None:
    began = time.monotonic()
    choreography = choreographer.make(
        song_path(order.song),
        order.out,
        library=settings.MOVES_LIBRARY,
        difficulty=order.difficulty,
        energy=order.energy,
        seed=order.seed,
        cache=settings.CHOREOGRAPHER_CACHE,
        # Raises when the row is no longer ours, which stops the engine and leaves no file.
        on_stage=lambda stage: progress.advance(order.task_id, stage),
    )
    progress.advance(order.task_id, "finalizing")
    _finish(order, choreography, seconds=time.monotonic() - began)


@transaction.atomic
def _finish(order: Order, choreography: choreographer.Choreography, *, seconds: float) -> None:
    video_name = stored_name(order.out)
    saved_id = uuid.uuid4() if order.auto_save else None
    result = {
        "video_path": video_name,
        "video_filename": order.out.name,
        "processing_time": round(seconds, 3),
        "sequence_duration": choreography.duration_s,
        "moves_analyzed": choreography.moves_considered,
        "metadata_path": None,
        "saved_choreography_id": str(saved_id) if saved_id else None,
        "auto_saved": order.auto_save,
    }
    # First the task, whose row is then locked: if it was cancelled meanwhile, nothing is saved.
    progress.complete(order.task_id, result=result)
    if saved_id:
        auto_save_choreography(
            choreography_id=saved_id,
            user_id=order.user_id,
            task_id=order.task_id,
            song=order.song,
            difficulty=order.difficulty,
            video_name=video_name,
            duration_s=choreography.duration_s,
        )


def _give_up(order: Order, reason: str) -> None:
    # The row first: if the disk is what failed, the user learns of it all the same.
    progress.fail(order.task_id, reason=reason)
    order.out.unlink(missing_ok=True)
