"""What the person who asked wants to see, and what may be given up for it."""

from __future__ import annotations

from dataclasses import dataclass

from bachateo.errors import SequencingError
from bachateo.moves import DIFFICULTIES, ENERGY_LEVELS

# What may be relaxed, in the order in which it is given up: what is noticed least comes first.
CONSTRAINTS = ("repeats", "difficulty", "style", "tempo", "ends")


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
    style
        The style to prefer, one that moves of the library have; ``None`` for any.
    relax
        What may be given up when nothing satisfies everything: ``True`` for all of ``CONSTRAINTS``, or some of them.
        They are given up one after another in this order, each as little as possible, and only when what comes
        before is not enough: ``repeats`` (a move comes back within ``costs.WINDOW`` eight-counts), ``difficulty``
        (harder than asked), ``style`` (one that no move has is ignored), ``tempo`` (stretched beyond
        ``stretch.RATIOS``, never beyond ``stretch.WIDEST_RATIOS``), ``ends`` (no intro first, no outro last), which is
        given up without being named: a choreography without an intro is better than none.
    """

    difficulty: str | None = None
    energy: str | None = None
    seed: int = 0
    style: str | None = None
    relax: bool | tuple[str, ...] = False

    def __post_init__(self) -> None:
        """Refuse unknown words."""
        for name, value, allowed in (
            ("difficulty", self.difficulty, DIFFICULTIES),
            ("energy", self.energy, ENERGY_LEVELS),
        ):
            if value is not None and value not in allowed:
                raise SequencingError("CH040", f"{name} is {value!r}; choose {', '.join(allowed)}, or leave it out.")

        if self.seed < 0:
            raise SequencingError("CH044", f"seed is {self.seed}; choose 0 or more.")
        for word in () if isinstance(self.relax, bool) else self.relax:
            if word not in CONSTRAINTS:
                raise SequencingError(
                    "CH048", f"relax names {word!r}; what can be relaxed is {', '.join(CONSTRAINTS)}."
                )

    @property
    def hardest(self) -> int:
        """Index in ``DIFFICULTIES`` of the hardest move allowed."""
        return DIFFICULTIES.index(self.difficulty) if self.difficulty else len(DIFFICULTIES) - 1

    @property
    def concessions(self) -> tuple[frozenset[str], ...]:
        """What may be given up in each attempt: nothing, then the first of ``relax``, then the first two …

        The last one is always ``ends``.
        """
        named = (*(self.relax or ()), "ends") if self.relax is not True else CONSTRAINTS
        words = [word for word in CONSTRAINTS if word in named]
        return tuple(frozenset(words[:count]) for count in range(len(words) + 1))
