"""How far a backfill is: kept in the transaction of each batch, so that another process goes on exactly there."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from handover.evolve.batch import FilledBatch
from handover.evolve.row_key import KeyValues


@dataclass(frozen=True)
class FillCursor:
    """How far a backfill is.

    Attributes
    ----------
    upper
        The greatest key there was when it began: rows above it were written under the sync trigger.
    layers
        In the first pass a range is filled in so many layers, each with a part of the rows of every page.
    after
        Up to this key the present pass is done; None: it begins.
    end, layer
        Where the present range ends, and the layer that is being filled; None and 0 between two ranges.
    turn
        The pass; the first is 1. Further ones visit the rows that others held.
    found
        Whether this pass met rows to fill.
    filled
        So many rows were filled.
    """

    upper: KeyValues
    layers: int = 1
    after: KeyValues | None = None
    end: KeyValues | None = None
    layer: int = 0
    turn: int = 1
    found: bool = False
    filled: int = 0

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "FillCursor":
        """Return the cursor that was kept."""
        keys = {name: None if kept[name] is None else tuple(kept[name]) for name in ("upper", "after", "end")}
        return cls(**{**kept, **keys})

    @property
    def done(self) -> bool:
        """Whether a whole pass found nothing to fill."""
        return self.after == self.upper and self.turn > 1 and not self.found

    @property
    def layered(self) -> bool:
        """Whether the next batch fills one layer of its range."""
        return self.turn == 1 and self.layers > 1

    def moved(self, end: KeyValues, batch: FilledBatch, *, found: bool) -> "FillCursor":
        """Return it after a batch; at the end of a pass with rows to fill the next pass begins.

        Parameters
        ----------
        end
            Where the range ends that the batch was of.
        batch
            What it did.
        found
            Whether the range had rows to fill.
        """
        now = replace(self, filled=self.filled + batch.filled, found=self.found or found)
        if self.layered and (batch.full or self.layer + 1 < self.layers):
            return replace(now, end=end, layer=self.layer + (0 if batch.full else 1))
        if batch.full or end != self.upper:
            return replace(now, after=batch.upto, end=None, layer=0)
        if self.turn > 1 and not now.found:
            return replace(now, after=self.upper)
        return FillCursor(self.upper, self.layers, turn=self.turn + 1, filled=now.filled)
