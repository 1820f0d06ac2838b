"""Writes down the exact schema of production and how the models map to it."""
