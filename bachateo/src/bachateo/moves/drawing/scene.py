"""One move as pictures: the couple at each moment, on the stage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw

from bachateo.moves.drawing.body import Body, Skeleton
from bachateo.moves.drawing.brush import Brush
from bachateo.moves.drawing.camera import Camera
from bachateo.moves.drawing.dancers import paint_follow, paint_lead
from bachateo.moves.drawing.encoding import Part
from bachateo.moves.drawing.footwork import LEFT, RIGHT
from bachateo.moves.drawing.holds import pose_hands
from bachateo.moves.drawing.pattern import Pattern
from bachateo.moves.drawing.stage import backdrop, paint_shadows

FOLLOW_SCALE = 0.94
HEEL_M = 0.05
GRID = 32  # pixels at twice the size; the conversion of colours is slow at other widths
MARGIN_M = np.array((0.45, 0.22))  # a skirt that flies; a hat


class Scene:
    """Draws a move.

    Parameters
    ----------
    pattern
        The move.
    size
        Width and height of the pictures in pixels, both even.
    """

    def __init__(self, pattern: Pattern, size: tuple[int, int]) -> None:
        self.pattern, self.size = pattern, size
        self.lead = Skeleton(pattern.lead, LEFT, scale=1.0, accent=0.8 * pattern.accent, heel_m=0.0)
        self.follow = Skeleton(pattern.follow, RIGHT, scale=FOLLOW_SCALE, accent=1.15 * pattern.accent, heel_m=HEEL_M)

    def couple(self, beat: float) -> tuple[Body, Body]:
        """Return both bodies at a beat of the move, with their hands in place."""
        lead, follow = self.lead.body(beat), self.follow.body(beat)
        pose_hands(self.pattern.left, self.pattern.right, beat, lead, follow)
        return lead, follow

    def picture(self, beat: float) -> Image.Image:
        """Return the picture of a beat."""
        part, corner = self.part(beat)
        picture = empty_stage(self.size).copy()
        picture.paste(part, corner)
        return picture

    def part(self, beat: float) -> Part:
        """Return the part of the picture of a beat where the dancers are; the rest is the empty stage."""
        # Twice the size and halved again: that is what smooths the edges. Only where the dancers are, for speed.
        whole = (self.size[0] * 2, self.size[1] * 2)
        bodies = self.couple(beat)
        box = _around(bodies, Camera(*whole))
        part = backdrop(*whole).crop(box)
        camera = Camera(*whole, origin=box[:2])
        paint_shadows(part, camera, bodies)
        brush = Brush(camera)
        paint_lead(brush, bodies[0])
        paint_follow(brush, bodies[1])
        brush.paint(ImageDraw.Draw(part))
        return part.reduce(2), (box[0] // 2, box[1] // 2)

    def parts(self, frames_per_beat: int) -> Iterator[Part]:
        """Yield the parts of all pictures of the move."""
        for frame in range(self.pattern.beats * frames_per_beat):
            yield self.part(frame / frames_per_beat)


@lru_cache(maxsize=2)
def empty_stage(size: tuple[int, int]) -> Image.Image:
    """Return the stage as it is where no dancer is."""
    return backdrop(size[0] * 2, size[1] * 2).reduce(2)


def _around(bodies: Sequence[Body], camera: Camera) -> tuple[int, int, int, int]:
    """Return the part of the picture that holds the dancers with their clothes and shadows, in steps of ``GRID``."""
    joints = [at for body in bodies for at in (body.head, body.pelvis, *body.hand.values(), *body.toes.values())]
    points = np.array([camera.point(at) for at in joints])
    margin = MARGIN_M * camera.scale(joints[0])
    left, top = (int(max(0, edge)) // GRID * GRID for edge in points.min(axis=0) - margin)
    ends = zip(points.max(axis=0) + margin, (camera.width, camera.height), strict=True)
    right, bottom = (min(-(-int(edge) // GRID) * GRID, end) for edge, end in ends)
    return left, top, right, bottom
