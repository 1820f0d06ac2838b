"""What a drawn move looks like to the camera, known exactly: no pose model has to find the dancers."""

from __future__ import annotations

import numpy as np

from choreographer.moves.drawing.body import Body
from choreographer.moves.drawing.camera import Camera
from choreographer.moves.drawing.footwork import LEFT, RIGHT
from choreographer.moves.drawing.pattern import Pattern
from choreographer.moves.drawing.scene import Scene
from choreographer.moves.poses import Track
from choreographer.moves.vectors.motion import MOMENTS

SIZE = (1920, 1080)  # any; a track is normalised


def scene_track(pattern: Pattern) -> Track:
    """Return the poses of a move as the camera sees them, in pixels."""
    scene, camera = Scene(pattern, SIZE), Camera(*SIZE)
    couples = [scene.couple(beat) for beat in np.linspace(0, pattern.beats, MOMENTS + 1)]
    return np.array([[camera.points(_joints(body)) for body in couple] for couple in couples])


def _joints(body: Body) -> Track:
    pairs = (body.shoulder, body.elbow, body.hand, body.hips, body.knees, body.ankles)
    return np.array([body.head, *(pair[side] for pair in pairs for side in (LEFT, RIGHT))])
