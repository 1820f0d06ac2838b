"""The operator of an evolution."""

from handover_testing.evolve_operator import operator

__all__ = ["operator"]
