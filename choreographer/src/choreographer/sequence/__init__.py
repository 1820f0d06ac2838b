"""Choosing which move is danced when, over the whole song at once."""

from choreographer.sequence.plan import PlacedMove, Plan
from choreographer.sequence.plan_file import read_plan, write_plan
from choreographer.sequence.planning import plan_sequence
from choreographer.sequence.swap import swap_move
from choreographer.sequence.table import MoveTable
from choreographer.sequence.wishes import Wishes

__all__ = ["MoveTable", "PlacedMove", "Plan", "Wishes", "plan_sequence", "read_plan", "swap_move", "write_plan"]
