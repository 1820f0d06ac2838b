"""The steps that run in batches, by the name that a plan gives them."""

from collections.abc import Callable, Mapping
from typing import Any

from handover.evolve.backfill import backfill
from handover.evolve.sessions import recycle
from handover.evolve.step_context import StepContext
from handover.evolve.validate import validate

# Given what it works with and its arguments, does all of the step; returns what the journal keeps of it.
Work = Callable[[StepContext, Mapping[str, Any]], Mapping[str, Any]]

WORKS: dict[str, Work] = {
    "backfill": backfill,
    "validate": validate,
    "recycle": recycle,
}
