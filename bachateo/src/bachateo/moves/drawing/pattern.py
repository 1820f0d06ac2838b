"""What makes a move: where each dancer steps, how they hold each other, what their bodies do.

Ground coordinates are those of the couple: ``u`` runs from the lead to the follow, ``v`` to the lead's left, in
metres. Headings are in degrees, counter-clockwise seen from above; 0 looks from the lead to the follow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bachateo.moves.drawing.curves import Keys

Station = tuple[float, float, float]  # u, v, heading

COUNTS = 8
APART = 0.37  # from the middle of the couple to each dancer
# The side basic, count 1 to 8. Every move shares its counts 1, 7 and 8, so that any move can follow any other.
SIDE_V: Sequence[float] = (-0.05, 0.0, 0.25, 0.30, 0.05, 0.0, -0.25, -0.30)
FREE_COUNTS = slice(1, 6)


def basic(sign: float, *, turns: float = 0.0) -> list[Station]:
    """Return the stations of a side basic; ``sign`` is -1 for the lead, 1 for the follow."""
    lead = sign < 0
    heading = (0.0 if lead else 180.0) + turns
    return [(-APART if lead else APART, v, heading) for v in SIDE_V]


@dataclass(frozen=True)
class Dancer:
    """One dancer's part.

    Attributes
    ----------
    stations
        Where the body goes on each count; the foot whose turn it is steps beside that place.
    entrance, exit
        The dancer begins where the first station is rather than comes from the move before; stays at the end.
    shape
        Named curves of the body over the beats: ``lean`` and ``side`` of the upper body in metres, ``wave`` of the
        chest in metres, ``roll`` of the hips, ``dip`` in metres, ``look`` in degrees.
    """

    stations: Sequence[Station]
    entrance: bool = False
    exit: bool = False
    shape: Mapping[str, Keys] = field(default_factory=dict)


@dataclass(frozen=True)
class Pattern:
    """One move of the repertoire.

    Attributes
    ----------
    label, group, difficulty, energy, roles, role
        As in :class:`bachateo.moves.Move`; the group is its folder.
    lead, follow
        The two parts.
    left, right
        How the lead's left hand holds the follow's right one, and his right her left: the holds of
        ``holds.HOLDS`` by the beat from which each is reached.
    accent
        How strongly the hips mark counts 4 and 8; 1 is usual.
    """

    label: str
    group: str
    difficulty: str
    energy: str
    lead: Dancer
    follow: Dancer
    left: Sequence[tuple[float, str]] = ((0, "low"),)
    right: Sequence[tuple[float, str]] = ((0, "low"),)
    roles: str = "both"
    role: str | None = None
    accent: float = 1.0

    @property
    def beats(self) -> int:
        """Length in beats."""
        return len(self.lead.stations)
