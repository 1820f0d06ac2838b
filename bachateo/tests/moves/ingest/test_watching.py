"""Dancers drawn before a room: what is seen of their clothes, and of where they are."""

from __future__ import annotations

import av
import numpy as np
import pytest

from bachateo.moves.ingest.wardrobes import joined, wardrobes
from bachateo.moves.ingest.watching import COLOURS, Watching
from bachateo.moves.looks import FIELDS, holds_close

SIZE = (192, 168)
RED, BLUE, GREEN, WHITE, BLACK, YELLOW = (
    (190, 30, 40), (40, 60, 180), (40, 110, 60), (230, 230, 230), (25, 25, 30), (220, 200, 40),
)  # fmt: skip
SKIN = (196, 128, 100)
Colour = tuple[int, int, int]
Seen = dict[str, list]


def _room() -> np.ndarray:
    width, height = SIZE
    rng = np.random.default_rng(2)
    room = np.full((height, width, 3), (196, 182, 160), float) + rng.normal(0, 2, (height, width, 1))
    room[130:] = (170, 120, 70)
    room[20:60, 150:180] = (120, 60, 40)  # a door
    return room


def _dancer(picture: np.ndarray, middle: float, top: Colour, legs: Colour, hair: Colour | None) -> None:
    left = round(middle)
    picture[30:48, left - 7 : left + 7] = BLACK
    picture[35:48, left - 5 : left + 5] = hair or SKIN
    picture[48:90, left - 10 : left + 10] = top
    picture[90:150, left - 8 : left + 8] = legs


def _seen(
    lead: tuple[Colour, Colour],
    follow: tuple[Colour, Colour],
    *,
    at: tuple[float, float] = (70, 110),
    later: tuple[float, float] | None = None,
    light: float = 0,
    mirrored: bool = False,
    facing: bool = True,
    pictures: int = 90,
) -> Seen:
    """Watch a clip in which two dancers sway, and perhaps end elsewhere."""
    watching = Watching(30)
    for number in range(pictures):
        picture = _room()
        share = number / pictures
        for (top, legs), start, end in zip((lead, follow), at, later or at, strict=True):
            sway = 5 * np.sin(number / 4)
            _dancer(picture, start + (end - start) * share + sway, top, legs, None if facing else BLACK)
        pixels = np.clip(picture + light, 0, 255).astype(np.uint8)
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels[:, ::-1] if mirrored else pixels), "rgb24")
        watching.see(frame.reformat(format="yuv420p", dst_colorspace=1, dst_color_range=1))
    return watching.seen()


def _value(look: list[float], name: str) -> float:
    return look[FIELDS.index(name)]


def test_watching__colours__are_those_of_the_dancers_and_not_of_the_room() -> None:
    shares = dict(_seen((GREEN, BLACK), (RED, BLUE))["colours"])

    assert sum(shares.values()) == pytest.approx(1, abs=0.01)
    assert all(0 <= colour < COLOURS for colour in shares)
    reddest = max(shares, key=lambda colour: colour % 16)
    assert reddest % 16 >= 14, "the red top"
    # The wall is nearly grey, and bright; hardly anything of it is left.
    wall = [
        share for colour, share in shares.items() if colour // 256 == 2 and 5 < colour // 16 % 16 < 8 < colour % 16 < 10
    ]
    assert sum(wall) < 0.1


def test_watching__nothing_moves__nothing_is_seen() -> None:
    watching = Watching(30)
    frame = av.VideoFrame.from_ndarray(_room().clip(0, 255).astype(np.uint8), "rgb24").reformat(format="yuv420p")
    for _ in range(60):
        watching.see(frame)

    assert watching.seen() == {"colours": [], "start_look": [], "end_look": []}


def test_watching__no_picture__nothing_is_seen() -> None:
    assert Watching(30).seen()["colours"] == []


def test_watching__couple_that_crosses_the_room__is_seen_at_both_ends() -> None:
    seen = _seen((GREEN, BLACK), (RED, BLUE), at=(45, 65), later=(110, 145))

    assert _value(seen["start_look"], "middle") == pytest.approx(55 / 192, abs=0.06)
    assert _value(seen["end_look"], "middle") == pytest.approx(128 / 192, abs=0.06)
    assert _value(seen["start_look"], "height") == pytest.approx(120 / 168, abs=0.12)


def test_watching__hold__is_close_or_open() -> None:
    close, apart = (_seen((GREEN, BLACK), (RED, BLUE), at=at) for at in ((88, 104), (60, 130)))

    assert holds_close(close["start_look"])
    assert not holds_close(apart["start_look"])


def test_watching__sides__are_told_by_the_clothes() -> None:
    one, other = (_seen((WHITE, BLACK), (RED, BLUE), at=at) for at in ((70, 120), (120, 70)))

    assert _value(one["start_look"], "right red") > _value(one["start_look"], "left red") + 0.03
    assert _value(other["start_look"], "left red") > _value(other["start_look"], "right red") + 0.03


def test_watching__facing__is_told_by_the_heads() -> None:
    towards, away = (_seen((GREEN, BLACK), (RED, BLUE), facing=facing) for facing in (True, False))

    for side in ("left facing", "right facing"):
        assert _value(towards["start_look"], side) > _value(away["start_look"], side) + 0.3


def _named(films: dict[str, Seen], said: dict[str, str] | None = None) -> dict[str, str]:
    return wardrobes({name: seen["colours"] for name, seen in films.items()}, said or {})


def test_wardrobes__other_light_place_and_mirrored__are_the_same_clothes() -> None:
    red, yellow = ((GREEN, BLACK), (RED, BLUE)), ((WHITE, BLUE), (YELLOW, BLACK))
    films = {
        "red": _seen(*red),
        "yellow": _seen(*yellow),
        "red mirrored": _seen(*red, mirrored=True, light=-12),
        "red apart": _seen(*red, at=(50, 130), light=10),
        "yellow again": _seen(*yellow, at=(120, 80), light=-8),
    }

    assert _named(films) == {
        "red": "outfit 1",
        "yellow": "outfit 2",
        "red mirrored": "outfit 1",
        "red apart": "outfit 1",
        "yellow again": "outfit 2",
    }


def test_wardrobes__couples_side_by_side_in_other_clothes__are_told_apart() -> None:
    films = {
        "one": _seen((GREEN, BLACK), (RED, BLUE)),
        "other": _seen((WHITE, BLUE), (YELLOW, YELLOW)),
        "third": _seen((BLACK, BLACK), (WHITE, WHITE)),
    }

    assert len(set(_named(films).values())) == 3


def test_wardrobes__word_of_a_person__is_that_of_all_in_these_clothes() -> None:
    films = {"a": _seen((GREEN, BLACK), (RED, BLUE)), "b": _seen((GREEN, BLACK), (RED, BLUE), light=6)}
    films |= {"c": _seen((WHITE, BLUE), (YELLOW, YELLOW))}

    assert _named(films, {"b": "ana and luis"}) == {"a": "ana and luis", "b": "ana and luis", "c": "outfit 2"}


def test_wardrobes__nothing_seen__is_unknown() -> None:
    assert wardrobes({"a": [], "b": []}, {"b": "red"}) == {"a": "", "b": "red"}


def test_joined__parts_of_a_film__add_up() -> None:
    assert joined([[[3, 0.5], [7, 0.5]], [[7, 1.0]]]) == [(3, 0.5), (7, 1.5)]
