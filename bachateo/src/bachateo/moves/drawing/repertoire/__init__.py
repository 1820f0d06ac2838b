"""The moves of the starter library."""

from __future__ import annotations

from collections.abc import Sequence

from bachateo.moves.drawing.pattern import Pattern
from bachateo.moves.drawing.repertoire.basics import BASICS
from bachateo.moves.drawing.repertoire.bodies import BODIES
from bachateo.moves.drawing.repertoire.ends import ENDS
from bachateo.moves.drawing.repertoire.holding import HOLDING
from bachateo.moves.drawing.repertoire.turns import TURNS

REPERTOIRE: Sequence[Pattern] = (*BASICS, *TURNS, *HOLDING, *BODIES, *ENDS)
