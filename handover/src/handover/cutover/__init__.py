"""The night itself: parallel operation, cut-over, verification, clean-up, with a way back at every step."""
