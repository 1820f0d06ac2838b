"""Titles as words: the documents that a search looks in, and how they follow what both systems write."""
