"""Pairs of Django projects in several shapes, and drifts that are planted into them, one at a time."""
