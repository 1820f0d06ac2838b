"""How much one user may have: waiting tasks, songs, bytes, tokens."""
