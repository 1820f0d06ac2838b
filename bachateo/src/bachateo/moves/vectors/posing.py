"""Finding the dancers in a clip: a place to plug in a pose model.

A package that finds people in pictures names its model under the entry-point group ``bachateo.pose_models``::

    [project.entry-points."bachateo.pose_models"]
    mine = "my_package:MyPoseModel"

The entry is called without arguments and must give a :class:`PoseModel`.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Protocol, runtime_checkable

from numpy.typing import ArrayLike

from bachateo.errors import SearchError

GROUP = "bachateo.pose_models"


@runtime_checkable
class PoseModel(Protocol):
    """Finds both dancers in the pictures of a clip."""

    def track(self, clip: Path, times_s: Sequence[float]) -> ArrayLike:
        """Return where the joints are in the pictures shown at the given times.

        Parameters
        ----------
        clip
            A clip of a library.
        times_s
            Moments in seconds, rising; the last one is the end of the clip, where its last picture is shown.

        Returns
        -------
        array
            Shape ``(len(times_s), 2, 13, 2)``, see :mod:`bachateo.moves.poses`: lead and follow, their joints, x
            and y in pixels; every number finite.
        """
        ...


def find_pose_model() -> PoseModel | None:
    """Return the installed pose model, or ``None`` when none is installed.

    Raises
    ------
    SearchError
        There are several, or what is there is no pose model.
    """
    found = tuple(entry_points(group=GROUP))
    if not found:
        return None
    if len(found) > 1:
        names = ", ".join(sorted(entry.name for entry in found))
        raise SearchError(
            "CH107", f"{len(found)} pose models are installed ({names}); one is needed. Remove the others."
        )
    return _load(found[0])


def _load(entry: EntryPoint) -> PoseModel:
    try:
        model = entry.load()()
    except Exception as error:
        raise SearchError(
            "CH108", f"the pose model {entry.name} cannot be loaded ({error}). Mend or remove it."
        ) from error
    if not isinstance(model, PoseModel):
        raise SearchError(
            "CH108", f"the pose model {entry.name} ({entry.value}) has no method `track`. Mend or remove it."
        )
    return model
