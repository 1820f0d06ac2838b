"""Saved choreographies of a user."""
