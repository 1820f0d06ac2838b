"""What the moves of the repertoire are, in a sentence each, and how they feel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

WARDROBE = "fiesta"  # a red dress, a white shirt and a straw hat, in all of them


@dataclass(frozen=True)
class Wording:
    """How a move is described."""

    style: str
    description: str


WORDING: Mapping[str, Wording] = {
    "side basic": Wording("romantic", "Three steps to each side and a tap of the hip, in a close embrace."),
    "open basic": Wording("playful", "The basic step to the side with both hands held and the arms open."),
    "forward and back": Wording("romantic", "The couple walks forward and back together, holding each other close."),
    "circle": Wording("romantic", "The couple walks around slowly in a full circle without letting go."),
    "sway": Wording("romantic", "Both lean softly from side to side, barely moving their feet."),
    "turning basic": Wording("romantic", "The basic step while the couple rotates on the spot in a close embrace."),
    "box step": Wording("playful", "Steps in a square, to the side and forward and back, with open arms."),
    "open out": Wording("playful", "Both open out to the same side like a door and come back to face each other."),
    "open break": Wording("energetic", "They push away from each other to the length of their arms and pull back in."),
    "wide basic": Wording("energetic", "Big travelling steps to the side with strong hips and one free arm."),
    "swivels": Wording("playful", "Quick twists of the feet and hips to the left and right on every count."),
    "right turn": Wording("energetic", "The follow turns once to the right under a raised arm."),
    "left turn": Wording("playful", "The follow turns once to the left under a raised arm on the second half."),
    "lead turn": Wording("playful", "The lead turns himself once under his own raised arm."),
    "double turn": Wording("energetic", "The follow spins twice in a row, fast, under a raised arm."),
    "both turn": Wording("energetic", "Both let go, spin once on their own and catch each other's hands again."),
    "alternating turns": Wording("energetic", "First the follow spins under the arm, then the lead."),
    "turn into dip": Wording("energetic", "The follow spins and falls straight into a deep dip."),
    "hammerlock": Wording("playful", "The follow is led into a lock with one arm folded behind her back."),
    "cuddle": Wording("romantic", "The follow rolls into the lead's arms, side by side, and out again."),
    "shadow": Wording("sensual", "The follow dances in front of the lead, her back to him, his hands on her hips."),
    "cross body lead": Wording("energetic", "The follow is led across and both change places."),
    "promenade": Wording("romantic", "Side by side both walk forward in the same direction, like on a stroll."),
    "shadow wave": Wording("sensual", "A wave runs through both bodies while he stands close behind her."),
    "hip roll": Wording("sensual", "The hips roll slowly in circles in a close embrace."),
    "body wave": Wording("sensual", "A slow wave from the chest down to the knees, close together."),
    "dip": Wording("sensual", "The follow leans far back over the lead's arm and is lifted up again."),
    "side lunge": Wording("sensual", "A long, low lunge to the side, held for a moment, close together."),
    "intro": Wording("romantic", "They stand apart, walk up to each other and take hands to begin the dance."),
    "outro": Wording("romantic", "A last turn ends in a dip that is held while the music fades."),
}
