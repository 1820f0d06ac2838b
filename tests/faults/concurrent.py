"""Faults of concurrent writers: what a system does wrong, and what the proof must say about whom."""

# Ways of writing that take nothing back.
NARROW = ("update_fields", "update", "conditional", "locked", "delete")
