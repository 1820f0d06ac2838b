"""The names of what an evolution adds to a table, so that rules and adoption know it again."""

# A trigger of the same kind fires in the order of names, and this one must fire last.
SYNC_TRIGGER = "zzz_handover_evolve"
SYNC_FUNCTION_PREFIX = "handover_evolve_"
# The shadow of a column before the switch, and the old column after it.
SHADOW_SUFFIX, KEPT_SUFFIX = "_v2", "_v1"
