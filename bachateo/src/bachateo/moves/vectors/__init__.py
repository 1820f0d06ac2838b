"""What a move sounds like, looks like and is called, as vectors that can be compared."""
