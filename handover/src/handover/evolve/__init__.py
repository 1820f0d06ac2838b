"""Changes the schema online once the move is done: both shapes live side by side, with a way back."""
