"""Choosing which move is danced when, over the whole song at once."""

from choreographer.sequence.plan import PlacedMove, Plan
from choreographer.sequence.search import plan_sequence
from choreographer.sequence.wishes import Wishes

__all__ = ["PlacedMove", "Plan", "Wishes", "plan_sequence"]
