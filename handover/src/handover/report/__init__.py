"""The report of the move, on one page."""
