"""Playing a video, as a player does: in parts, and from the next source when one is gone."""

from collections.abc import Sequence

from sandbox.clients.browser import Tab
from sandbox.clients.person import Person

PART_BYTES = 32 * 1024
NOT_FOUND = 404
# Where a player reads: from the beginning, and where a person clicked. Both within the smallest video.
PLACES = (0, PART_BYTES)


async def play(person: Person, tab: Tab, video: str, sources: Sequence[str]) -> None:
    """Ask for a part of a video; the bytes must be those of the last time."""
    first = person.random.choice(PLACES)
    last = first + PART_BYTES - 1
    for left, source in zip(range(len(sources) - 1, -1, -1), sources, strict=True):
        answer = await person.browser.ask(
            tab, "play", "GET", source, expect=(200, 206), headers={"Range": f"bytes={first}-{last}"},
            handled={"original": NOT_FOUND} if left else {},
            check=lambda answer: person.owns.bytes_of(video, first, last, answer),
        )  # fmt: skip
        if answer is None or answer.status_code != NOT_FOUND:
            return


def forget(person: Person, identity: str) -> None:
    """Forget a choreography that was deleted."""
    person.owns.saved.pop(identity)
    person.owns.videos.pop(identity, None)
    for tab in person.tabs.values():
        if tab.videos[:1] == (identity,):
            tab.videos = ()
