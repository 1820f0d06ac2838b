"""Two dancers, drawn by our own code: the moves of the starter library."""
