"""Faults that are planted into systems and histories, one at a time, and what `handover prove` must say of each."""
