"""What the person who asked wants to see."""

from __future__ import annotations

from dataclasses import dataclass

from choreographer.errors import SequencingError
from choreographer.moves import DIFFICULTIES, ENERGY_LEVELS


@dataclass(frozen=True)
class Wishes:
    """Wishes for a choreography.

    Attributes
    ----------
    difficulty
        The hardest moves to dance, one of ``DIFFICULTIES``; ``None`` for no limit.
    energy
        The energy to keep throughout, one of ``ENERGY_LEVELS``; ``None`` follows the song.
    seed
        0 or more. Another seed, another choreography.
    """

    difficulty: str | None = None
    energy: str | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse words that nobody knows."""
        for name, value, allowed in (
            ("difficulty", self.difficulty, DIFFICULTIES),
            ("energy", self.energy, ENERGY_LEVELS),
        ):
            if value is not None and value not in allowed:
                raise SequencingError("CH040", f"{name} is {value!r}; choose {', '.join(allowed)}, or leave it out.")

        if self.seed < 0:
            raise SequencingError("CH044", f"seed is {self.seed}; choose 0 or more.")

    @property
    def hardest(self) -> int:
        """Index in ``DIFFICULTIES`` of the hardest move allowed."""
        return DIFFICULTIES.index(self.difficulty) if self.difficulty else len(DIFFICULTIES) - 1
