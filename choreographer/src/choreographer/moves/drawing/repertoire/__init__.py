"""The moves of the starter library."""

from __future__ import annotations

from collections.abc import Sequence

from choreographer.moves.drawing.pattern import Pattern
from choreographer.moves.drawing.repertoire.basics import BASICS
from choreographer.moves.drawing.repertoire.bodies import BODIES
from choreographer.moves.drawing.repertoire.ends import ENDS
from choreographer.moves.drawing.repertoire.holding import HOLDING
from choreographer.moves.drawing.repertoire.turns import TURNS

REPERTOIRE: Sequence[Pattern] = (*BASICS, *TURNS, *HOLDING, *BODIES, *ENDS)
