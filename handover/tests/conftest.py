"""The fixtures that all tests of the toolkit share."""

from handover_testing.fixtures import pair, parent, players, python, stage
from handover_testing.night import kept, memory, name_server, small_systems, story

__all__ = ["kept", "memory", "name_server", "pair", "parent", "players", "python", "small_systems", "stage", "story"]
