"""How a couple looks where a clip begins and ends: what can be told without knowing any joint.

A *look* is eleven numbers, as ``FIELDS`` names them. Where poses are known they tell more; a film of strangers has
looks alone.
"""

from __future__ import annotations

# Where the couple stands, 0 at the left edge and 1 at the right one; how wide it is, in its own heights: a close hold
# has 0.15 to 0.25, an open one 0.3 to 0.5, and dancers behind each other 0.1 to 0.15; how high, in heights of the
# picture. Of what is on the left and on the right of its middle: the mean colour of the clothes (brightness, and what
# there is of blue and of red, each 0 to 1), and how much of the head is skin: 0 is turned away, 1 faces the camera.
FIELDS = (
    "middle", "width", "height",
    "left brightness", "left blue", "left red", "left facing",
    "right brightness", "right blue", "right red", "right facing",
)  # fmt: skip
# What each difference counts in a cut: a couple that jumps by a third of the picture, opens its hold, or has changed
# sides shows as much as one in other clothes.
WEIGHTS = (3.0, 3.0, 1.5, 1.0, 3.0, 3.0, 0.3, 1.0, 3.0, 3.0, 0.3)
OPEN = 0.27  # a couple wider than this, in its own heights, has opened its hold

Look = tuple[float, ...]


def holds_close(look: Look) -> bool:
    """Return whether the couple is in a close hold."""
    return look[FIELDS.index("width")] < OPEN
