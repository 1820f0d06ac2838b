"""The operator of an evolution, and databases in which a test runs the stages itself."""

from handover_testing.evolve_operator import operator
from handover_testing.evolving_fixtures import evolving, one

__all__ = ["evolving", "one", "operator"]
