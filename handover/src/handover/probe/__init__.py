"""Asks a Django system from outside, through its own interpreter."""
