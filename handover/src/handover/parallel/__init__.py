"""Both systems on one database at the same time: watched, and asked the same questions."""
