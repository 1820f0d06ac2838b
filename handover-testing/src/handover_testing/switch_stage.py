"""Ways to switch on the night's stage, so that one proof of crashes covers each of them.

A new way adds a subclass of :class:`SwitchStage` and its name to ``STAGES`` of ``tests/cutover/test_crashes.py``.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from handover.cutover.status import Status

if TYPE_CHECKING:
    from handover_testing.night import Story

ORIGINAL, BACKEND = "127.0.0.2", "127.0.0.3"


class SwitchStage:
    """The switch by the DNS record, which the night's ``handover.toml`` declares; other ways inherit from it.

    Attributes
    ----------
    name
        Names the stage in a test.
    there_and_back
        Pairs of commands; the second leads back to where the first began. A story passes every point of both.
    """

    name = "dns"
    there_and_back: tuple[tuple[str, str], ...] = (("begin", "end"), ("cutover", "rollback"))

    def declare(self, story: "Story") -> None:
        """Add to ``handover.toml`` what the way needs, and start what it acts on."""

    def end(self) -> None:
        """End what was started."""

    def facts(self, story: "Story", command: str) -> Mapping[str, object]:  # noqa: ARG002 - for other ways
        """Return what a command is given beside the facts that every way has."""
        return {}

    def stored(self, story: "Story") -> object:
        """Return what changes outside the journal when the way writes; a crash makes a difference after each change."""
        return story.name_server.serial()

    def reached(self, story: "Story") -> Sequence[str]:
        """Return which systems people reach: ``original``, ``backend``, or both while only a share was moved."""
        sides = {ORIGINAL: "original", BACKEND: "backend"}
        return sorted(sides[value] for value in story.people_reach())

    def check(self, story: "Story", found: Status) -> None:
        """Check that what holds outside is what the journal says, or one of those that a change under way allows."""
        assert found.agrees is True
        side = self.reached(story)[0]
        allowed = found.position.record or [(ORIGINAL,)]
        assert ({"original": ORIGINAL, "backend": BACKEND}[side],) in allowed


DNS = SwitchStage()
