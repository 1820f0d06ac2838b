"""Where the couple dances: a terrace at night, with lights and a wooden floor."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from bachateo.moves.drawing.body import Body
from bachateo.moves.drawing.brush import Colour
from bachateo.moves.drawing.camera import EYE_DISTANCE_M, EYE_HEIGHT_M, FOCAL, HORIZON, Camera
from bachateo.moves.drawing.footwork import LEFT, RIGHT

SKY: Sequence[Colour] = ((22, 16, 50), (84, 30, 92), (206, 84, 92))
LAMPS: Sequence[Colour] = ((255, 196, 120), (255, 138, 128), (196, 128, 224), (255, 226, 170))
WOOD: Sequence[Colour] = ((74, 36, 54), (142, 84, 62))  # far, near
HILLS: Colour = (40, 22, 58)
EDGE_M = -3.6  # where the floor ends, metres behind the couple
PLANK_M, GAP_M = 0.34, 0.008
SHADOW = 110  # of 255

Array = NDArray[np.float64]


@lru_cache(maxsize=2)
def backdrop(width: int, height: int) -> Image.Image:
    """Return the empty stage."""
    edge = round(_floor_y(EDGE_M) * height)
    rng = np.random.default_rng(8)
    picture = Image.new("RGB", (width, height))
    picture.paste(_sky(width, edge, rng), (0, 0))
    picture.paste(_floor(width, height, edge, rng), (0, edge))
    return picture


def paint_shadows(picture: Image.Image, camera: Camera, bodies: Sequence[Body]) -> None:
    """Darken the floor under the dancers.

    Parameters
    ----------
    picture
        Painted on.
    camera
        Where it is seen from.
    bodies
        The dancers.
    """
    for body in bodies:
        for at, across_m in ((body.pelvis, 0.46), *((body.toes[side], 0.16) for side in (LEFT, RIGHT))):
            ground = at * (1.0, 0.0, 1.0)
            x, y = camera.point(ground)
            across = round(across_m * camera.scale(ground))
            deep = max(2, round(across * 0.3))
            box = (round(x) - across, round(y) - deep)
            picture.paste((30, 12, 30), box, _soft_disc(across * 2, deep * 2))


@lru_cache(maxsize=256)
def _soft_disc(width: int, height: int) -> Image.Image:
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    return Image.fromarray((np.clip(1 - x * x - y * y, 0, 1) * SHADOW).astype(np.uint8))


def _floor_y(depth_m: float) -> float:
    """Return how far down the picture the floor is at a depth, 0 to 1."""
    return HORIZON + EYE_HEIGHT_M * FOCAL / (EYE_DISTANCE_M - depth_m)


def _sky(width: int, height: int, rng: np.random.Generator) -> Image.Image:
    rows = np.linspace(0, 1, height)
    colours = np.stack([np.interp(rows, (0, 0.55, 1), [colour[c] for colour in SKY]) for c in range(3)], axis=1)
    sky = Image.fromarray(np.repeat(colours[:, None], width, axis=1).astype(np.uint8))
    draw = ImageDraw.Draw(sky)
    x = np.linspace(0, 1, 60)
    ridge = 0.80 - 0.07 * np.sin(5 * x + 0.6) - 0.03 * np.sin(17 * x)
    draw.polygon([(0, height), *zip(x * width, ridge * height, strict=True), (width, height)], fill=HILLS)
    sky = ImageChops.add(sky, _discs(width, height, rng))
    return ImageChops.add(sky, _lamp_string(width, height))


def _discs(width: int, height: int, rng: np.random.Generator) -> Image.Image:
    """Paint lights far out of focus."""
    glow = Image.new("RGB", (width, height))
    for _ in range(46):
        disc = Image.new("RGB", (width, height))
        x, y = rng.uniform(0, width), rng.normal(0.80, 0.12) * height
        radius = rng.uniform(0.008, 0.035) * width
        strength = rng.uniform(0.12, 0.5)
        colour = LAMPS[int(rng.integers(len(LAMPS)))]
        ImageDraw.Draw(disc).ellipse(
            (x - radius, y - radius, x + radius, y + radius), fill=tuple(int(c * strength) for c in colour)
        )
        glow = ImageChops.add(glow, disc)
    return glow.filter(ImageFilter.GaussianBlur(width / 700))


def _lamp_string(width: int, height: int) -> Image.Image:
    """Hang two strings of lamps across the sky."""
    wire, glow = Image.new("RGB", (width, height)), Image.new("RGB", (width, height))
    for top, sag, count in ((0.04, 0.26, 13), (-0.10, 0.30, 10)):
        t = np.linspace(-0.03, 1.03, 80)
        y = top + sag * 4 * t * (1 - t)
        ImageDraw.Draw(wire).line(
            list(zip(t * width, y * height, strict=True)), fill=(60, 34, 50), width=width // 640 or 1
        )
        for at in np.linspace(0.03, 0.97, count):
            x0, y0 = at * width, (top + sag * 4 * at * (1 - at) + 0.02) * height
            for picture, radius, colour in ((glow, 0.016, (170, 104, 44)), (wire, 0.0042, (255, 232, 180))):
                r = radius * width
                ImageDraw.Draw(picture).ellipse((x0 - r, y0 - r, x0 + r, y0 + r), fill=colour)
    return ImageChops.add(glow.filter(ImageFilter.GaussianBlur(width / 90)), wire)


def _floor(width: int, height: int, edge: int, rng: np.random.Generator) -> Image.Image:
    """Lay planks towards the vanishing point, with the light of the lamps in the middle."""
    y = (np.arange(edge, height) + 0.5) / height
    distance = EYE_HEIGHT_M * FOCAL / (y - HORIZON)
    x = (np.arange(width) + 0.5 - width / 2) / height
    across = x * distance[:, None] / FOCAL
    depth = EYE_DISTANCE_M - distance[:, None]
    plank = np.floor(across / PLANK_M).astype(int)
    shift = rng.uniform(0, 2.4, plank.max() - plank.min() + 1)[plank - plank.min()]
    board = np.floor((depth + shift) / 2.4).astype(int)
    tone = 1 + 0.10 * np.sin(plank * 12.9898 + board * 78.233)
    gap = np.abs(across / PLANK_M - np.round(across / PLANK_M)) * PLANK_M
    tone *= np.where(gap < GAP_M, 0.72, 1.0)
    near = np.clip((depth - EDGE_M) / 5, 0, 1)[..., None]
    wood = (1 - near) * np.array(WOOD[0]) + near * np.array(WOOD[1])
    light = np.exp(-((across / 1.9) ** 2) - ((depth + 0.1) / 1.5) ** 2)[..., None]
    lit = wood * tone[..., None] * (0.72 + 0.55 * light) + light * np.array([46, 22, 8])
    return Image.fromarray(np.clip(lit, 0, 255).astype(np.uint8))
