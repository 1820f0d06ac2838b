"""Faults for the proofs: one planted in an otherwise clean pair, and what ``handover prove`` must say about it."""
