"""Playing a video, as a player does: in parts, and from the next source when one is gone."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.clients.browser import Tab
    from sandbox.clients.dancer import Dancer

PART_BYTES = 32 * 1024
NOT_FOUND = 404
# Where a player reads: from the beginning, and where somebody clicked. Both within the smallest video.
PLACES = (0, PART_BYTES)


async def play(who: "Dancer", tab: "Tab", video: str, sources: Sequence[str]) -> None:
    """Ask for a part of a video; the bytes must be those of the last time."""
    first = who.chance.choice(PLACES)
    last = first + PART_BYTES - 1
    for left, source in zip(range(len(sources) - 1, -1, -1), sources, strict=True):
        answer = await who.browser.ask(
            tab, "play", "GET", source, expect=(200, 206), headers={"Range": f"bytes={first}-{last}"},
            handled={"original": NOT_FOUND} if left else {},
            check=lambda answer: who.owns.bytes_of(video, first, last, answer),
        )  # fmt: skip
        if answer is None or answer.status_code != NOT_FOUND:
            return


def forget(who: "Dancer", identity: str) -> None:
    """Forget a choreography that was deleted."""
    who.owns.saved.pop(identity)
    who.owns.videos.pop(identity, None)
    for tab in who.tabs.values():
        if tab.videos[:1] == (identity,):
            tab.videos = ()
