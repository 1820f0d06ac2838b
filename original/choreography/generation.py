"""One choreography, from song to video, in a thread of its own."""

import logging
import shutil
import tempfile
import threading
import time
import uuid
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.files.base import File
from django.db import DatabaseError, connections

from choreography import media
from choreography.models import ChoreographyTask, SavedChoreography
from choreography.search import Vectors, search_moves

if TYPE_CHECKING:
    from bachateo import Choreography

log = logging.getLogger(__name__)

# Which limits may be relaxed, in this order, before there is no video: a move may repeat, or be faster than it was
# filmed. The difficulty is never relaxed.
RELAX = ("repeats", "style", "tempo", "ends")

# stage: progress and message, as the page shows them
STAGES = {
    "downloading": (10, "Downloading audio..."),
    "analyzing": (25, "Analyzing music features..."),
    "selecting": (40, "Selecting dance moves..."),
    "generating": (70, "Generating choreography video..."),
    "finalizing": (90, "Finalizing video..."),
}


class TaskCancelledError(Exception):
    """The row of the task is gone: its owner cancelled it."""


@dataclass(frozen=True)
class Generation:
    """What one thread works on."""

    task: ChoreographyTask
    song: str
    difficulty: str
    auto_save: bool

    def start(self) -> None:
        """Run in the background."""
        # A daemon, so that a restart does not wait for it; housekeeping fails what it leaves behind.
        threading.Thread(target=self.run, name=f"generation-{self.task.task_id}", daemon=True).start()

    def run(self) -> None:
        """Make the video; whatever happens, the task says how it ended."""
        try:
            self._make()
        except TaskCancelledError:
            log.info("task %s was cancelled", self.task.task_id)
        except Exception as error:  # no caller above this thread tells the user
            log.exception("task %s failed", self.task.task_id)
            connections.close_all()  # perhaps the connection is what failed
            self._fail(str(error) or type(error).__name__)
        finally:
            connections.close_all()

    def _make(self) -> None:
        began = time.monotonic()
        self._enter("downloading")
        with tempfile.TemporaryDirectory() as folder:
            song = _download(self.song, Path(folder))
            choreography = self._choreograph(song, Path(folder, "choreography.mp4"))
            self._enter("finalizing")
            with choreography.video.open("rb") as video:
                path = media.save_video(self.task.user_id, self.song, File(video))
        saved = self._save_to_collection(path, choreography.duration_s) if self.auto_save else None
        self._complete(_result(path, choreography, time.monotonic() - began, saved))

    def _choreograph(self, song: Path, out: Path) -> "Choreography":
        # Imported here: the engine is heavy, and pages must not wait for it when the server starts.
        import bachateo  # noqa: PLC0415

        return bachateo.make(
            song,
            out,
            library=settings.MOVES_LIBRARY,
            difficulty=self.difficulty,
            relax=RELAX,
            search=_search,
            cache=settings.BACHATEO_CACHE,
            on_stage=self._enter,
        )

    def _save_to_collection(self, path: str, duration_s: float) -> SavedChoreography:
        return SavedChoreography.objects.create(
            user_id=self.task.user_id,
            title="Auto-saved Choreography",
            video_path=path,
            difficulty=self.difficulty,
            duration=duration_s,
            music_info={"source": self.song, "difficulty": self.difficulty},
            generation_parameters={
                "difficulty": self.difficulty,
                "audio_input": self.song,
                "task_id": self.task.task_id,
            },
        )

    def _enter(self, stage: str) -> None:
        progress, message = STAGES[stage]
        self._update(status="running", progress=progress, stage=stage, message=message)

    def _complete(self, result: dict[str, Any]) -> None:
        message = "Choreography generated successfully!"
        if result["auto_saved"]:
            message += " (Auto-saved to collection)"
        self._update(status="completed", progress=100, stage="completed", message=message, result=result)

    def _fail(self, reason: str) -> None:
        try:
            self._update(status="failed", progress=0, stage="failed", error=reason)
        except TaskCancelledError:
            log.info("task %s was cancelled", self.task.task_id)

    def _update(self, **changes: Any) -> None:
        for field, value in changes.items():
            setattr(self.task, field, value)
        try:
            # Without force_update Django would insert a deleted row again, and a task could not be cancelled.
            self.task.save(force_update=True)
        except DatabaseError as error:
            if ChoreographyTask.objects.filter(pk=self.task.pk).exists():
                raise
            raise TaskCancelledError from error


def start_generation(*, user_id: int, song: str, difficulty: str, auto_save: bool) -> ChoreographyTask:
    """Write the task's row and begin the work."""
    task = ChoreographyTask.objects.create(task_id=str(uuid.uuid4()), user_id=user_id)
    Generation(task, song, difficulty, auto_save).start()
    return task


def _search(song: Vectors, wishes: Any) -> dict[str, float]:
    return {found.clip_id: found.score for found in search_moves(song, difficulty=wishes.difficulty)}


def _download(song: str, folder: Path) -> Path:
    local = folder / song
    with media.open_song(song) as source, local.open("wb") as target:
        shutil.copyfileobj(source, target)
    return local


def _result(path: str, choreography: "Choreography", seconds: float, saved: SavedChoreography | None) -> dict[str, Any]:
    return {
        "video_path": path,
        "video_filename": PurePosixPath(path).name,
        "processing_time": round(seconds, 3),
        "sequence_duration": choreography.duration_s,
        "moves_analyzed": choreography.moves_considered,
        "metadata_path": None,
        "saved_choreography_id": str(saved.id) if saved else None,
        "auto_saved": saved is not None,
    }
