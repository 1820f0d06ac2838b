"""Faults that are planted into systems and histories, one at a time."""
