"""Counts the live rows that would surprise one of the systems."""

from handover.census import accounts, coverage, files, json_values, paths, references, sequences, values  # noqa: F401 - importing a module declares its codes
