from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from bachateo.errors import VideoError
from bachateo.moves import Library
from bachateo.moves.encoding import ENDING
from bachateo.music import Analysis
from bachateo.sequence import Plan, Wishes, plan_sequence
from bachateo.video.thumbnail import middle_move, write_thumbnail


@pytest.fixture
def plan(drawn: Library, make_analysis: Callable[..., Analysis]) -> Plan:
    return plan_sequence(make_analysis(6), drawn, Wishes())


def test_write_thumbnail__plan__is_the_picture_halfway_through_the_middle_move(plan: Plan, tmp_path: Path) -> None:
    write_thumbnail(plan, tmp_path / "thumbnail.jpg")

    placed = middle_move(plan)
    with av.open(str(placed.clip)) as clip:
        pictures = [frame.to_ndarray(format="rgb24").astype(int) for frame in clip.decode(video=0)]
    with Image.open(tmp_path / "thumbnail.jpg") as picture:
        assert (picture.format, picture.size) == ("JPEG", (128, 72))
        shown = np.asarray(picture, int)
    distances = [np.abs(shown - other).mean() for other in pictures]
    assert int(np.argmin(distances)) == (len(pictures) - ENDING) // 2


def test_write_thumbnail__narrow__keeps_its_shape(plan: Plan, tmp_path: Path) -> None:
    write_thumbnail(plan, tmp_path / "thumbnail.jpg", width=64)

    with Image.open(tmp_path / "thumbnail.jpg") as picture:
        assert picture.size == (64, 36)


def test_middle_move__plan__is_danced_in_the_middle_of_the_song(plan: Plan) -> None:
    middle_s = plan.analysis.duration_s / 2

    assert middle_move(plan).start_s <= middle_s < middle_move(plan).end_s


def test_write_thumbnail__clip_that_is_none__names_it_and_leaves_no_file(
    flashes: Library, make_analysis: Callable[..., Analysis], tmp_path: Path
) -> None:
    plan = plan_sequence(make_analysis(3), flashes, Wishes())
    middle_move(plan).clip.write_bytes(b"no video")

    with pytest.raises(VideoError, match=rf"^CH064  the clip .*{middle_move(plan).clip.name} has no picture"):
        write_thumbnail(plan, tmp_path / "out" / "thumbnail.jpg")
    assert not (tmp_path / "out").exists()


def test_write_thumbnail__clip_that_ends_early__says_where(
    flashes: Library, make_analysis: Callable[..., Analysis], tmp_path: Path
) -> None:
    plan = plan_sequence(make_analysis(3), flashes, Wishes())
    clip = middle_move(plan).clip
    with av.open(str(clip)) as whole, av.open(str(tmp_path / "cut.mp4"), "w") as cut:
        stream = cut.add_stream_from_template(whole.streams.video[0])
        for packet in [packet for packet in whole.demux(video=0) if packet.size][:20]:
            packet.stream = stream
            cut.mux(packet)
    (tmp_path / "cut.mp4").replace(clip)

    with pytest.raises(VideoError, match=r"^CH064  .* \(it ends before [12]\.\d s\)"):
        write_thumbnail(plan, tmp_path / "thumbnail.jpg")
