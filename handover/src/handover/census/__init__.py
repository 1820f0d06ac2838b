"""Counts the live rows that would surprise one of the systems."""
