from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from bachateo.errors import ClipError
from bachateo.moves.ingest.pictures import Fitting, at_rate, from_time, opened_pictures


def _film(path: Path, *, rotation: int = 0, pixel_shape: Fraction = Fraction(1), size: tuple[int, int] = (160, 90)):
    """Write a film that is dark but for its upper left corner."""
    picture = np.full((size[1], size[0], 3), 60, np.uint8)
    picture[:20, :20] = 250
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=30)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.sample_aspect_ratio = pixel_shape
        stream.set_display_rotation(rotation)
        for _ in range(8):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(stream.encode(None))
    return path


def _levels(path: Path) -> np.ndarray:
    with opened_pictures(path) as pictures:
        return [frame.to_ndarray(format="gray") for _, frame in pictures][-1]


@pytest.mark.parametrize(
    ("rotation", "shape", "corner"),
    [(0, (90, 160), (5, 5)), (90, (160, 90), (-5, 5)), (180, (90, 160), (-5, -5)), (-90, (160, 90), (5, -5))],
)
def test_opened_pictures__phone_held_upright__turns_them(
    tmp_path: Path, rotation: int, shape: tuple[int, int], corner: tuple[int, int]
) -> None:
    picture = _levels(_film(tmp_path / "film.mp4", rotation=rotation))

    assert picture.shape == shape
    assert picture[corner] > 200
    assert (picture > 150).mean() < 0.05


def test_opened_pictures__oblong_pixels__are_made_square(tmp_path: Path) -> None:
    assert _levels(_film(tmp_path / "film.mp4", pixel_shape=Fraction(3, 2))).shape == (90, 240)


def test_opened_pictures__playlist__opens_no_other_file(tmp_path: Path) -> None:
    _film(tmp_path / "film.mp4")
    (tmp_path / "list.mp4").write_text("ffconcat version 1.0\nfile film.mp4\n")
    with av.open(str(tmp_path / "list.mp4")) as control:  # it would, if it were allowed to
        assert control.format.name == "concat"

    with (
        pytest.raises(ClipError, match=r"^CH090  list\.mp4 is no film that can be decoded"),
        opened_pictures(tmp_path / "list.mp4"),
    ):
        pass


def test_opened_pictures__another_size_in_the_middle__is_refused(tmp_path: Path) -> None:
    films = [_film(tmp_path / f"{size[0]}.ts", size=size).read_bytes() for size in ((160, 90), (128, 72))]
    (tmp_path / "both.ts").write_bytes(b"".join(films))

    with pytest.raises(ClipError, match=r"^CH090  the picture after \d\.\d\d s of both\.ts cannot be decoded\."):
        _levels(tmp_path / "both.ts")


def test_opened_pictures__sound_alone__is_refused(demo) -> None:
    with pytest.raises(ClipError, match=r"^CH090  demo\.mp3 "), opened_pictures(demo.path):
        pass


def _shown(times_s: list[float], start_s: float, rate: int, count: int) -> tuple[float, list[int]]:
    pictures = iter([(time_s, number) for number, time_s in enumerate(times_s)])
    begins_s, rest = from_time(pictures, start_s)
    return begins_s, list(at_rate(rest, begins_s, Fraction(rate), count))


def test_at_rate__same_rate__shows_every_picture_once() -> None:
    assert _shown([number / 30 for number in range(20)], 0.19, 30, 5) == (0.2, [6, 7, 8, 9, 10])


def test_at_rate__twice_the_rate__leaves_out_every_second() -> None:
    assert _shown([number / 60 for number in range(20)], 0.0, 30, 4) == (0.0, [0, 2, 4, 6])


def test_at_rate__gap_and_end__show_the_nearest() -> None:
    assert _shown([0.0, 0.1, 0.5, 0.6], 0.09, 10, 7) == (0.1, [1, 1, 2, 2, 2, 3, 3])


@pytest.mark.parametrize("start_s", [0.0, -1.0])
def test_from_time__before_the_first_picture__begins_with_it(start_s: float) -> None:
    assert _shown([0.2, 0.3, 0.4], start_s, 10, 2) == (0.2, [0, 1])


def _fitted(box: tuple[int, int, int, int], size: tuple[int, int]) -> np.ndarray:
    frame = av.VideoFrame.from_ndarray(np.full((90, 160, 3), 200, np.uint8), format="rgb24")
    frame.pts = 0
    return Fitting(box, size, 100.0).fit(frame).to_ndarray(format="gray")


def test_fitting__nearly_the_shape_of_the_library__fills_the_frame() -> None:
    assert _fitted((20, 0, 120, 90), (116, 90)).min() > 150


def test_fitting__another_shape__is_shown_whole() -> None:
    picture = _fitted((0, 0, 160, 90), (90, 90))

    assert picture.shape == (90, 90)
    assert picture[45].min() > 150
    assert picture[:18].max() < 30
    assert picture[-18:].max() < 30


@pytest.mark.parametrize(
    ("codec", "kind", "size"),
    [
        ("libx264", "yuv444p", (161, 91)),
        ("libvpx-vp9", "yuv420p", (161, 91)),
        ("libx264", "yuv422p10le", (160, 91)),
        ("libx264", "yuv420p", (2160, 3840)),
    ],
)
def test_fitting__odd_sizes_and_kinds__are_brought_to_the_library(
    tmp_path: Path, codec: str, kind: str, size: tuple[int, int]
) -> None:
    picture = np.full((size[1], size[0], 3), (40, 90, 160), np.uint8)
    picture[:, size[0] // 2 :] = (200, 120, 60)
    with av.open(str(tmp_path / "film.mkv"), "w") as out:
        stream = out.add_stream(codec, rate=30, options={"preset": "ultrafast"} if codec == "libx264" else {})
        stream.width, stream.height, stream.pix_fmt = *size, kind
        for _ in range(3):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            large = max(size) > 1024
            out.mux(stream.encode(frame.reformat(format=kind, dst_colorspace=1 if large else 5, dst_color_range=1)))
        out.mux(stream.encode(None))

    with opened_pictures(tmp_path / "film.mkv") as shown:
        frames = [frame for _, frame in shown]
    box = (0, 0, size[0] // 2 * 2, size[1] // 2 * 2)
    fitted = [Fitting(box, (box[2] // 4 * 2, box[3] // 4 * 2), 100.0).fit(frame) for frame in frames]

    pixels = fitted[-1].to_ndarray(format="rgb24").astype(int)
    assert np.abs(pixels[:, : pixels.shape[1] // 2 - 4] - (40, 90, 160)).max() < 16
    assert np.abs(pixels[:, pixels.shape[1] // 2 + 4 :] - (200, 120, 60)).max() < 16


def test_at_rate__varying_rate_of_a_phone__shows_each_moment_as_it_was(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    times = np.cumsum(rng.integers(18, 60, 60))
    with av.open(str(tmp_path / "film.mp4"), "w") as out:
        stream = out.add_stream("libx264", rate=30, options={"crf": "5"})
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for number, time in enumerate(times.tolist()):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 4 * number, np.uint8), format="rgb24")
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))

    with opened_pictures(tmp_path / "film.mp4") as pictures:
        start_s, rest = from_time(pictures, 0.5)
        shown = [frame.to_ndarray(format="rgb24").mean() / 4 for frame in at_rate(rest, start_s, Fraction(30), 30)]

    at_s = (times - times[0] + times[0]) / 1000
    wanted = [int(np.abs(at_s - (start_s + number / 30)).argmin()) for number in range(30)]
    assert np.abs(np.array(shown) - wanted).max() < 1.5
