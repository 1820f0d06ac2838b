"""The moves that can be danced: clips of a library, each with what is known about it."""

from bachateo.moves.library import DIFFICULTIES, ENERGY_LEVELS, INDEX_NAME, Library, Move

__all__ = ["DIFFICULTIES", "ENERGY_LEVELS", "INDEX_NAME", "Library", "Move"]
