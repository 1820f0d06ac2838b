"""Films in every colour that cameras write, against the same film in BT.709. The transfers are written here anew."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from bachateo.errors import ClipError
from bachateo.moves.ingest import colours, pictures
from bachateo.moves.ingest.colours import peak_cd
from bachateo.moves.ingest.pictures import Fitting, opened_pictures

Array = NDArray[np.float64]

SIZE = (320, 192)
BT709, BT601, BT2020 = (0.2126, 0.0722), (0.299, 0.114), (0.2627, 0.0593)
MATRIX_CODE = {BT709: 1, BT601: 6, BT2020: 9}
TO_BT2020 = np.array([[0.627404, 0.329283, 0.043313], [0.069097, 0.919540, 0.011362], [0.016391, 0.088013, 0.895595]])
PQ, HLG = 16, 18


def _scene() -> Array:
    """Return a picture, 0 to 1: a room with two dancers, a white bar at each side, and every colour on the floor."""
    width, height = SIZE
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    picture = np.stack((0.62 - 0.2 * x, 0.58 - 0.18 * x, 0.52 - 0.2 * y), axis=-1)
    picture[int(0.75 * height) :] = np.stack((x, 1 - x, 0.5 + 0.5 * np.sin(9 * x)), axis=-1)[int(0.75 * height) :]
    picture[40:120, 90:130] = (0.06, 0.2, 0.12)
    picture[40:120, 180:220] = (0.75, 0.05, 0.1)
    picture[50:70, 140:170] = 0.02
    picture[:, :24] = picture[:, -24:] = 1.0
    return picture


def _pq(light_cd: Array) -> Array:
    y = (light_cd / 10_000) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * y) / (1 + 18.6875 * y)) ** 78.84375


def _hlg(light_cd: Array) -> Array:
    display = light_cd / 1000
    luminance = (display @ np.array([0.2627, 0.6780, 0.0593]))[..., None]
    scene = display * np.where(luminance > 0, np.maximum(luminance, 1e-9) ** (1 / 1.2 - 1), 0)
    above = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), above)


def _write(
    path: Path,
    signal: Array,
    *,
    matrix: tuple[float, float] = BT709,
    bits: int = 8,
    full: bool = False,
    code: int | None = None,
    transfer: int = 2,
    primaries: int = 2,
    chroma: str = "420",
    tag: str | None = None,
) -> Path:
    """Write a film of one picture, R'G'B' of 0 to 1, and tag it."""
    kr, kb = matrix
    red, green, blue = np.moveaxis(signal, -1, 0)
    luma = kr * red + (1 - kr - kb) * green + kb * blue
    around = (blue - luma) / (2 * (1 - kb)), (red - luma) / (2 * (1 - kr))
    top = 2**bits - 1
    step = 2 ** (bits - 8)
    planes = [luma * top if full else step * (16 + 219 * luma)]
    planes += [c * top + 128 * step if full else step * (128 + 224 * c) for c in around]
    if chroma == "420":
        # Each lies between two rows, over a column.
        planes[1:] = [(p[::2, ::2] + p[1::2, ::2]) / 2 for p in planes[1:]]
    kind = f"yuv{chroma}p{'10le' if bits == 10 else ''}"
    frame = av.VideoFrame(signal.shape[1], signal.shape[0], kind)
    for plane, values in zip(frame.planes, planes, strict=True):
        depth = np.uint16 if bits > 8 else np.uint8
        padded = np.zeros((values.shape[0], plane.line_size // depth().itemsize), depth)
        padded[:, : values.shape[1]] = values.clip(0, top).round()
        plane.update(padded)
    with av.open(str(path), "w") as out:
        options = {"crf": "6", "preset": "veryfast", "x265-params": "log-level=none:pools=1"}
        stream = out.add_stream("libx265" if tag else "libx264", rate=30, options=options)
        if tag:
            stream.codec_context.codec_tag = tag
        stream.width, stream.height, stream.pix_fmt = signal.shape[1], signal.shape[0], kind
        context = stream.codec_context
        context.colorspace = MATRIX_CODE[matrix] if code is None else code
        context.color_trc, context.color_primaries = transfer, primaries
        context.color_range = 2 if full else 1
        for number in range(6):
            frame.pts, frame.time_base = number, Fraction(1, 30)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def _high_range(path: Path, scene: Array, transfer: int, white_cd: float = 100) -> Path:
    light = white_cd * scene**2.4 @ TO_BT2020.T
    signal = (_pq if transfer == PQ else _hlg)(light)
    return _write(path, signal, matrix=BT2020, bits=10, transfer=transfer, primaries=9)


def _shown(path: Path, size: tuple[int, int] = SIZE) -> Array:
    """Return a picture of the film as it is brought into the library, 0 to 255."""
    with opened_pictures(path) as shown:
        frames = [frame for _, frame in shown]
    box = (0, 0, frames[-1].width // 2 * 2, frames[-1].height // 2 * 2)
    fitted = Fitting(box, size, max(map(peak_cd, frames))).fit(frames[-1])
    assert (fitted.format.name, fitted.color_range, fitted.colorspace) == ("yuv420p", 1, 1)
    return fitted.to_ndarray(format="rgb24").astype(float)


def _assert_alike(found: Array, wanted: Array) -> None:
    assert np.abs(found.mean(axis=(0, 1)) - wanted.mean(axis=(0, 1))).max() < 6
    assert found.std() == pytest.approx(wanted.std(), rel=0.1)
    # In the middle of each colour, where compression blurs nothing.
    assert np.abs(found[80, 13::20] - wanted[80, 13::20]).max() < 14


@pytest.fixture
def ordinary(tmp_path: Path) -> Array:
    """The film in BT.709, as it is brought into the library."""
    return _shown(_write(tmp_path / "ordinary.mp4", _scene(), transfer=1, primaries=1))


def test_fitting__ordinary_film__keeps_its_colours(ordinary: Array) -> None:
    assert np.abs(ordinary[80, 13::20] - 255 * _scene()[80, 13::20]).max() < 8


@pytest.mark.parametrize("white_cd", [100, 203])
@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_fitting__film_of_high_dynamic_range__looks_like_the_same_film_in_bt709(
    ordinary: Array, tmp_path: Path, transfer: int, white_cd: float
) -> None:
    film = _high_range(tmp_path / "high.mov", _scene(), transfer, white_cd)

    _assert_alike(_shown(film), ordinary)


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_fitting__table_left_out__the_comparison_sees_it(
    ordinary: Array, tmp_path: Path, transfer: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = _high_range(tmp_path / "high.mov", _scene(), transfer)
    monkeypatch.setattr(pictures, "needs_table", lambda _frame: False)

    with pytest.raises(AssertionError):
        _assert_alike(_shown(film), ordinary)


def test_fitting__highlights__leave_the_rest_as_it_is_and_keep_their_order(ordinary: Array, tmp_path: Path) -> None:
    scene = _scene()
    light = 203 * scene**2.4 @ TO_BT2020.T
    light[10:30, 100:300] = np.linspace(150, 900, 200)[:, None]
    film = _write(tmp_path / "sun.mov", _pq(light), matrix=BT2020, bits=10, transfer=PQ, primaries=9)

    found = _shown(film)

    lamp = found[20, 104:296].mean(axis=-1)
    assert (np.diff(lamp[::8]) >= 0).all()
    assert len(np.unique(lamp)) > 12
    assert 240 < lamp[-1] <= 255
    # What is darker than the knee is left alone.
    assert np.abs(found[60:110, 95:125] - ordinary[60:110, 95:125]).mean() < 5


def test_peak__film_of_high_dynamic_range__is_that_of_its_brightest(tmp_path: Path) -> None:
    with opened_pictures(_high_range(tmp_path / "high.mov", _scene(), HLG, 400)) as shown:
        assert peak_cd(next(shown)[1]) == pytest.approx(400, rel=0.06)


@pytest.mark.parametrize(
    ("matrix", "code", "full", "bits", "chroma"),
    [
        (BT601, 6, False, 8, "420"),
        (BT601, 5, False, 8, "420"),
        (BT601, 6, True, 8, "420"),
        (BT709, 1, True, 8, "420"),
        (BT709, 1, False, 10, "420"),
        (BT709, 1, False, 8, "444"),
        # Nothing declared, and as small as this: BT.601.
        (BT601, 2, False, 8, "420"),
    ],
)
def test_fitting__matrix_and_range_that_are_declared__are_converted(
    ordinary: Array, tmp_path: Path, matrix: tuple[float, float], code: int, full: bool, bits: int, chroma: str
) -> None:
    film = _write(tmp_path / "film.mp4", _scene(), matrix=matrix, code=code, full=full, bits=bits, chroma=chroma)

    _assert_alike(_shown(film), ordinary)
    assert np.abs(_shown(film)[80, 13::20] - ordinary[80, 13::20]).max() < 8


def test_fitting__wrong_matrix_declared__the_comparison_sees_it(ordinary: Array, tmp_path: Path) -> None:
    film = _write(tmp_path / "film.mp4", _scene(), matrix=BT601, code=1)

    assert np.abs(_shown(film)[80, 13::20] - ordinary[80, 13::20]).max() > 12


def test_fitting__wide_colours_in_a_film_of_ordinary_range__are_converted(ordinary: Array, tmp_path: Path) -> None:
    signal = (_scene() ** 2.4 @ TO_BT2020.T) ** (1 / 2.4)
    film = _write(tmp_path / "wide.mov", signal, matrix=BT2020, bits=10, transfer=14, primaries=9)

    _assert_alike(_shown(film), ordinary)


def test_opened_pictures__large_film_that_declares_nothing__is_bt709(tmp_path: Path) -> None:
    large = np.repeat(np.repeat(_scene(), 4, axis=0), 4, axis=1)
    film = _write(tmp_path / "large.mp4", large, code=2)

    found = _shown(film)

    assert np.abs(found[80, 13::20] - 255 * _scene()[80, 13::20]).max() < 8


def test_opened_pictures__matrix_that_is_not_read__is_refused(tmp_path: Path) -> None:
    film = _write(tmp_path / "film.mp4", _scene(), code=14)

    with pytest.raises(ClipError, match=r"^CH096  the colours of film\.mp4 are ICtCp, which is not read\. Export"):
        _shown(film)


@pytest.mark.parametrize("tag", ["dvh1", "hvc1"])
def test_opened_pictures__dolby_vision_that_declares_no_colours__is_refused(tmp_path: Path, tag: str) -> None:
    film = _write(tmp_path / "film.mp4", _scene(), matrix=BT601, code=2, tag=tag)

    if tag == "hvc1":
        _assert_alike(_shown(film), 255 * _scene())
        return
    with pytest.raises(
        ClipError, match=r"^CH096  the colours of film\.mp4 are Dolby Vision's own \(profile 5\), which"
    ):
        _shown(film)


def test_opened_pictures__dolby_vision_over_colours_that_it_declares__is_shown_by_these(tmp_path: Path) -> None:
    signal = _hlg(100 * _scene() ** 2.4 @ TO_BT2020.T)
    film = _write(tmp_path / "film.mp4", signal, matrix=BT2020, bits=10, transfer=HLG, primaries=9, tag="dvh1")

    _assert_alike(_shown(film), 255 * _scene())


def test_toning__table__is_made_once_for_a_film(tmp_path: Path) -> None:
    colours._table.cache_clear()
    _shown(_high_range(tmp_path / "high.mov", _scene(), HLG))
    _shown(tmp_path / "high.mov")

    assert colours._table.cache_info().misses == 1
