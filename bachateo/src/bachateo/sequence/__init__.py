"""Choosing which move is danced when, over the whole song at once."""

from bachateo.sequence.plan import PlacedMove, Plan
from bachateo.sequence.plan_file import read_plan, write_plan
from bachateo.sequence.planning import plan_sequence
from bachateo.sequence.swap import swap_move
from bachateo.sequence.table import MoveTable
from bachateo.sequence.wishes import Wishes

__all__ = ["MoveTable", "PlacedMove", "Plan", "Wishes", "plan_sequence", "read_plan", "swap_move", "write_plan"]
